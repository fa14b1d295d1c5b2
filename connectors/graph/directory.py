"""Addresses of Exchange's own (`/o=...`, X.500) turned into those of the internet, through the tenant's directory.

Old mail and mail between colleagues may name people so. Answers are kept for hours, misses too; an application without
the right to read users leaves the addresses as they are.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace

from connectors.errors import ConnectorError, Retriable
from connectors.graph.access import Tenant
from connectors.graph.client import GraphClient, Part, Query, with_query
from connectors.message import Address, Envelope

KEPT_SECONDS = 6 * 3600.0
MOST_ASKED = 40
"""Names looked up for one page of mail; the others wait until they are met again."""
MOST_KEPT = 20_000
_PEOPLE = ("from_", "sender", "reply_to", "to", "cc", "bcc")


def resolve(client: GraphClient, envelopes: Sequence[Envelope]) -> tuple[Envelope, ...]:
    """The envelopes with internet addresses wherever the directory knows them."""
    names = list(dict.fromkeys(name for envelope in envelopes for name in _names(envelope)))
    if not names:
        return tuple(envelopes)
    known = _known(client, names)
    return tuple(_with(envelope, known) if any(_names(envelope)) else envelope for envelope in envelopes)


def _names(envelope: Envelope) -> Iterable[str]:
    for field in _PEOPLE:
        for one in getattr(envelope, field):
            if _is_x500(one.address):
                yield one.address


def _is_x500(address: str) -> bool:
    return address[:3].lower() in ("/o=", "/cn") and "@" not in address


def _known(client: GraphClient, names: Sequence[str]) -> dict[str, str]:
    kept, now = client.tenant.resolved, time.monotonic()
    asked = [name for name in names if kept.get(name, (None, 0.0))[1] < now][:MOST_ASKED]
    if asked:
        _look_up(client, client.tenant, asked, now + KEPT_SECONDS)
    return {name: found for name in names if (found := kept.get(name, (None, 0.0))[0])}


def _look_up(client: GraphClient, tenant: Tenant, names: Sequence[str], until: float) -> None:
    """Fills the cache. A directory that does not answer is asked again with the next page."""
    parts = [Part(id=str(number), path=with_query("/users", _query(name))) for number, name in enumerate(names)]
    try:
        replies = client.batch(parts)
    except ConnectorError:
        return
    if len(tenant.resolved) > MOST_KEPT:
        tenant.resolved.clear()
    for number, name in enumerate(names):
        reply = replies[str(number)]
        if isinstance(client.fault(reply), Retriable) and not reply.ok:
            continue
        found = reply.body.get("value") if reply.ok and isinstance(reply.body, dict) else None
        tenant.resolved[name] = (_address(found), until)


def _query(name: str) -> Query:
    quoted = name.replace("'", "''")
    return {"$filter": f"proxyAddresses/any(p:p eq 'X500:{quoted}')", "$select": "mail,userPrincipalName", "$top": 2}


def _address(found: object) -> str | None:
    """Of the one person it names; two are no answer."""
    if not isinstance(found, list) or len(found) != 1 or not isinstance(found[0], dict):
        return None
    address = found[0].get("mail") or found[0].get("userPrincipalName")
    return str(address) if address and "@" in str(address) else None


def _with(envelope: Envelope, known: dict[str, str]) -> Envelope:
    def named(people: tuple[Address, ...]) -> tuple[Address, ...]:
        return tuple(replace(one, address=known.get(one.address, one.address)) for one in people)

    return replace(
        envelope,
        from_=named(envelope.from_),
        sender=named(envelope.sender),
        reply_to=named(envelope.reply_to),
        to=named(envelope.to),
        cc=named(envelope.cc),
        bcc=named(envelope.bcc),
    )
