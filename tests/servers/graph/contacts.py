"""The contacts of a mailbox's main address book. "contact resource type", "List contacts"."""

import json
from collections.abc import Sequence
from typing import Any

from tests.servers.graph import refusals
from tests.servers.graph.mail import collection
from tests.servers.graph.mailbox import Mailbox
from tests.servers.graph.odata import Call, chosen, expands, names, words
from tests.servers.graph.properties import canonical, wanted_properties
from tests.servers.graph.web import Answer

_PROPERTIES = words(
    "id displayName givenName surname emailAddresses businessPhones mobilePhone homePhones companyName jobTitle"
    " categories changeKey createdDateTime lastModifiedDateTime parentFolderId"
)


def list_contacts(call: Call, mailbox: Mailbox) -> Answer:
    """`/users/x/contacts`: of the main folder, ten a page unless `$top` says otherwise."""
    if "$filter" in call.query or "$search" in call.query:
        raise refusals.Refuse(501, "NotImplemented", "This simulator lists contacts and does not look for them.")
    found = [json.dumps(_shown(call, entity)) for entity in mailbox.contacts]
    return collection(call, f"users('{mailbox.user.id}')/contacts", found)


def _shown(call: Call, entity: dict[str, Any]) -> dict[str, Any]:
    bare = {name: value for name, value in entity.items() if name != "extended"}
    shown = chosen(bare, names(call.query.get("$select")), _PROPERTIES, "contact")
    for expand in expands(call.query.get("$expand")):
        shown |= _expanded(entity["extended"], wanted_properties(expand))
    return shown


def _expanded(extended: dict[str, str], wanted: Sequence[str]) -> dict[str, Any]:
    found = [{"id": name, "value": extended[name]} for name in map(canonical, wanted) if name in extended]
    return {"singleValueExtendedProperties": found} if found else {}
