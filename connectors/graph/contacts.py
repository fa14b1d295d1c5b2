"""The main address book of a mailbox, page by page ("List contacts"). Nothing else needs the permission Contacts.Read.

Called by `connectors.graph.source`. Private contacts are passed over, and so is one whose sensitivity nobody knows.
"""

import time
from collections.abc import Callable, Iterable, Iterator

from config.model import GraphAccess
from connectors.errors import Interrupted
from connectors.graph.client import GraphClient, Query, relative, with_query
from connectors.graph.entries import CLASS, LISTED, SENSITIVITY, Entry, properties_of
from connectors.graph.view import entries_of
from connectors.message import Card
from connectors.mime.charsets import clean_line

PAGE = 250
MOST_PAGES = 400
_QUERY: Query = {
    "$select": "id,displayName,givenName,surname,emailAddresses,businessPhones,mobilePhone,homePhones,companyName,"
    "jobTitle",
    "$expand": LISTED,
}
_NORMAL = "0"
_LONGEST = 500
_MOST_NUMBERS = 20


def contacts(access: GraphAccess, *, sleep: Callable[[float], None] = time.sleep) -> Iterator[Card]:
    """Everybody once, though pages shift while somebody is taken out. Raises ConnectorError."""
    client = GraphClient(access, permission="Contacts.Read", sleep=sleep)
    link, told = with_query(f"{client.user}/contacts", {**_QUERY, "$top": PAGE}), set[str]()
    for _ in range(MOST_PAGES):
        answer = client.get(link)
        for entry in entries_of(answer):
            if str(entry["id"]) not in told and _is_shown(entry):
                yield card_of(entry)
            told.add(str(entry["id"]))
        if not answer.get("@odata.nextLink"):
            return
        link = relative(str(answer["@odata.nextLink"]))
    raise Interrupted("the address book has no end")


def card_of(entry: Entry) -> Card:
    """What the entry says. Addresses of Exchange's own are none that mail could be matched by."""
    written = entry.get("emailAddresses")
    people = [one for one in (written if isinstance(written, list) else ()) if isinstance(one, dict)]
    emails = (address for one in people if "@" in (address := _text(one, "address")))
    full = " ".join(filter(None, (_text(entry, "givenName"), _text(entry, "surname"))))
    return Card(
        id=str(entry["id"]),
        name=_text(entry, "displayName") or full,
        emails=tuple(dict.fromkeys(emails))[:_MOST_NUMBERS],
        phones=tuple(dict.fromkeys(_phones(entry)))[:_MOST_NUMBERS],
        company=_text(entry, "companyName"),
        title=_text(entry, "jobTitle"),
    )


def _is_shown(entry: Entry) -> bool:
    """Exchange answers with the sensitivity of every item; a distribution list has a class of its own."""
    properties = properties_of(entry)
    return properties.get(SENSITIVITY) == _NORMAL and properties.get(CLASS, "").lower().startswith("ipm.contact")


def _phones(entry: Entry) -> Iterable[str]:
    """Those of the office first."""
    for field in ("businessPhones", "mobilePhone", "homePhones"):
        value = entry.get(field)
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, str) and (number := clean_line(one).strip()[:_LONGEST]):
                yield number


def _text(entry: Entry, name: str) -> str:
    value = entry.get(name)
    return clean_line(value).strip()[:_LONGEST] if isinstance(value, str) else ""
