"""Requests about people: users by id or name, users by one of their addresses, members of groups.

Without a right to read users, the members of a group come back with their ids and nothing else.
"""

import json
from collections.abc import Sequence
from typing import Any

from tests.servers.graph import filters
from tests.servers.graph.odata import Call, chosen, names, words
from tests.servers.graph.refusals import Refuse
from tests.servers.graph.tenant import Group, User
from tests.servers.graph.web import Answer

READS_USERS = frozenset({"User.Read.All", "User.ReadBasic.All", "Directory.Read.All", "User.ReadWrite.All"})
_USER_PROPERTIES = words(
    "id displayName mail userPrincipalName proxyAddresses accountEnabled deletedDateTime givenName surname jobTitle"
    " businessPhones mobilePhone officeLocation preferredLanguage userType mailNickname onPremisesImmutableId"
    " mailboxSettings otherMails department companyName"
)
_DEFAULT = (
    "businessPhones",
    "displayName",
    "givenName",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
    "id",
)


def list_users(call: Call) -> Answer:
    """`/users?$filter=proxyAddresses/any(x:x eq 'X500:/o=...')` and the like."""
    found = list({id(user): user for user in call.tenant.users.values()}.values())
    if "$filter" in call.query:
        test = filters.compiled(call.query["$filter"])
        found = [user for user in found if test(user.entity())]
    texts = [json.dumps(_shown(call, user)) for user in found]
    return _directory_page(call, "users", texts)


def get_user(call: Call, key: str) -> Answer:
    """`/users/x`, by id or user principal name."""
    user = call.tenant.users.get(key.lower())
    if user is None or key.lower() not in (user.id, user.upn.lower()):
        raise _no_resource(key)
    context = {"@odata.context": f"{call.base}/$metadata#users/$entity"}
    return Answer.of(context | _shown(call, user))


def list_members(call: Call, group: str) -> Answer:
    """`/groups/x/members`: the direct ones, groups among them."""
    return _members(call, _group(call, group).members)


def list_transitive_members(call: Call, group: str) -> Answer:
    """`/groups/x/transitiveMembers`: members of members too."""
    return _members(call, _group(call, group).everybody())


def list_member_users(call: Call, group: str) -> Answer:
    """`/groups/x/members/microsoft.graph.user`: only people."""
    return _members(call, [member for member in _group(call, group).members if isinstance(member, User)])


def list_transitive_users(call: Call, group: str) -> Answer:
    """`/groups/x/transitiveMembers/microsoft.graph.user`: only people."""
    return _members(call, [member for member in _group(call, group).everybody() if isinstance(member, User)])


def get_group(call: Call, group: str) -> Answer:
    """`/groups/x`."""
    found = _group(call, group)
    return Answer.of({"id": found.id, "displayName": found.name, "mail": None, "mailEnabled": False})


def _group(call: Call, key: str) -> Group:
    if key not in call.tenant.groups:
        raise _no_resource(key)
    return call.tenant.groups[key]


def _no_resource(key: str) -> Refuse:
    return Refuse(
        404,
        "Request_ResourceNotFound",
        f"Resource '{key}' does not exist or one of its queried reference-property objects are not present.",
    )


def _members(call: Call, members: Sequence[User | Group]) -> Answer:
    return _directory_page(call, "directoryObjects", [json.dumps(_member(call, member)) for member in members])


def _member(call: Call, member: User | Group) -> dict[str, Any]:
    if isinstance(member, Group):
        return {"@odata.type": "#microsoft.graph.group", "id": member.id, "displayName": member.name}
    shown = {"@odata.type": "#microsoft.graph.user", **_shown(call, member)}
    if call.access.may(READS_USERS, None):
        return shown
    return {name: value if name in ("@odata.type", "id") else None for name, value in shown.items()}


def _shown(call: Call, user: User) -> dict[str, Any]:
    select = names(call.query.get("$select")) or _DEFAULT
    known = user.entity()
    known |= {name: [] if name.endswith("hones") else None for name in select if name not in known}
    return chosen(known, select, _USER_PROPERTIES, "user")


def _directory_page(call: Call, context: str, texts: Sequence[str]) -> Answer:
    """The directory pages by `$skiptoken`, 100 entries unless `$top` says otherwise, at most 999."""
    size = call.number("$top", 100, 999)
    token = call.query.get("$skiptoken", "0")
    start = int(token.removeprefix("RFNwdAIAAQ")) if token.removeprefix("RFNwdAIAAQ").isdigit() else 0
    page = [json.loads(text) for text in texts[start : start + size]]
    content: dict[str, Any] = {"@odata.context": f"{call.base}/$metadata#{context}"}
    if call.query.get("$count", "").lower() == "true":
        content["@odata.count"] = len(texts)
    if start + size < len(texts):
        content["@odata.nextLink"] = call.link(skiptoken=f"RFNwdAIAAQ{start + size}")
    return Answer.of(content | {"value": page})
