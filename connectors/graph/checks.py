"""What `doctor` and the mailbox lists ask of a tenant: permissions, credentials, mailboxes, members of a group."""

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography import x509

from config.model import GraphAccess
from connectors.errors import Fatal, Interrupted, Skippable
from connectors.graph.access import read_secret, tenant_of
from connectors.graph.client import GraphClient, Query, segment, with_query
from connectors.graph.faults import Forbidden

MOST_MEMBERS = 200_000
_PEOPLE = "id,displayName,mail,userPrincipalName"
_GROUP_ADVICE = "check the group's object id, and that the application may read it (GroupMember.Read.All)"


@dataclass(frozen=True, kw_only=True, slots=True)
class Members:
    """A group's people. ids: object id by address of mailbox. without_mail: names of those who have none we may see."""

    ids: Mapping[str, str]
    without_mail: tuple[str, ...]


def granted(access: GraphAccess) -> frozenset[str]:
    """The application permissions that the tenant has consented to, by name (`Mail.Read`). Raises ConnectorError.

    Mailbox access given by RBAC for Applications alone is not among them.
    """
    roles = _claims(tenant_of(access).token()).get("roles")
    return frozenset(map(str, roles)) if isinstance(roles, list) else frozenset()


def _claims(token: str) -> dict[str, Any]:
    """What a token says of itself, unproven: it came from the authority a moment ago."""
    part = token.partition(".")[2].partition(".")[0]
    try:
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except ValueError:
        return {}
    return claims if isinstance(claims, dict) else {}


def expires(access: GraphAccess) -> datetime | None:
    """When the certificate ends, aware; None for a secret or an assertion, whose end only Entra knows. Raises Fatal."""
    if access.certificate is None:
        return None
    try:
        found = x509.load_pem_x509_certificates(read_secret(access.certificate).encode())
    except ValueError as error:
        raise Fatal(
            "the certificate cannot be read", advice="the file must hold the private key and the certificate as PEM"
        ) from error
    return min(one.not_valid_after_utc for one in found)


def reachable(access: GraphAccess) -> int:
    """Opens the mailbox's inbox; the number of messages in it. Raises ConnectorError with what to do."""
    client = GraphClient(access)
    inbox = client.get(f"{client.user}/mailFolders/inbox", {"$select": "id,totalItemCount"})
    count = inbox.get("totalItemCount")
    return count if isinstance(count, int) else 0


def is_refused(access: GraphAccess, address: str) -> bool:
    """Whether the application may not read this mailbox, as `must_refuse` demands. Raises ConnectorError."""
    client = GraphClient(access.model_copy(update={"user": address}))
    try:
        client.get(f"{client.user}/mailFolders/inbox/messages", {"$select": "id", "$top": 1})
    except Forbidden:
        return True
    return False


def members(access: GraphAccess, group_id: str) -> Members:
    """Everybody in a group, members of groups inside it too. Raises ConnectorError, never answers in part."""
    found: dict[str, tuple[str, str]] = {}
    without: list[str] = []
    for one in _people(GraphClient(access, permission="GroupMember.Read.All"), group_id):
        mail = str(one.get("mail") or "").strip()
        if "@" in mail:
            found.setdefault(mail.lower(), (mail, str(one.get("id") or mail)))
        else:
            without.append(str(one.get("userPrincipalName") or one.get("displayName") or one.get("id")))
    return Members(ids=dict(found.values()), without_mail=tuple(sorted(without)))


def _people(client: GraphClient, group_id: str) -> Iterator[dict[str, Any]]:
    query: Query = {"$select": _PEOPLE, "$top": 999}
    link = with_query(f"/groups/{segment(group_id)}/transitiveMembers", query)
    seen = 0
    while link:
        answer = _listed(client, link)
        for one in answer["value"]:
            seen += 1
            if isinstance(one, dict) and str(one.get("@odata.type", "")).lower().endswith(".user"):
                yield one
        link = str(answer.get("@odata.nextLink") or "")
        if seen > MOST_MEMBERS:
            raise Fatal(f"the group has more than {MOST_MEMBERS} members", advice="name a smaller group")


def _listed(client: GraphClient, link: str) -> dict[str, Any]:
    try:
        answer = client.get(link)
    except Skippable as error:
        raise Fatal("the group cannot be read", advice=_GROUP_ADVICE) from error
    if not isinstance(answer.get("value"), list):
        raise Interrupted("Microsoft Graph answered without the members of the group")
    return answer
