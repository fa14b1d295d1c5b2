"""Interactions as the reminder rules see them: with their contacts, their author, whom they address and their flags.

Called by `agent.store.calendar.ledger`, which chooses them.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import sqlalchemy as sa

from agent.reminders.rules.base import Item, Party
from agent.store import bulk
from agent.store.tables import contacts, interactions, links, locations, mailboxes, meeting_places, participants
from matchers.address import normalise

_BATCH = 500
COLUMNS = (
    interactions.c.id,
    interactions.c.thread_id,
    interactions.c.kind,
    interactions.c.direction,
    interactions.c.occurred_at,
    interactions.c.subject,
    interactions.c.asks,
    interactions.c.words,
    interactions.c.holds_until,
    interactions.c.promises,
    interactions.c.ends_at,
)
"""Each is a field of `Item`."""
_RECEIVING = ("to", "cc", "bcc")
_THESE: sa.BindParameter[Any] = sa.bindparam("values", expanding=True)
_PLACE = (
    sa.select(sa.func.min(participants.c.position))
    .where(participants.c.interaction_id == links.c.interaction_id, participants.c.role == links.c.role)
    .where(participants.c.address == links.c.email)
    .scalar_subquery()
)
_LINKED = (
    sa.select(links.c.interaction_id, links.c.contact_id, links.c.role, links.c.email)
    .add_columns(contacts.c.name, contacts.c.company_id, contacts.c.owner, _PLACE)
    .join(contacts, contacts.c.id == links.c.contact_id)
    .where(links.c.interaction_id.in_(_THESE))
)
NAMED = sa.select(
    participants.c.interaction_id, participants.c.role, participants.c.match_key, participants.c.position
).where(participants.c.interaction_id.in_(_THESE))
_SEATED = (
    sa.select(meeting_places.c.interaction_id, mailboxes.c.address)
    .join(mailboxes, mailboxes.c.id == meeting_places.c.mailbox_id)
    .where(meeting_places.c.interaction_id.in_(_THESE))
    .order_by(meeting_places.c.rank, mailboxes.c.address)
)
_FLAGGED = (
    sa.select(locations.c.interaction_id, locations.c.flag_due, mailboxes.c.address)
    .join(mailboxes, mailboxes.c.id == locations.c.mailbox_id)
    .where(locations.c.interaction_id.in_(_THESE), locations.c.flagged, locations.c.gone_at.is_(None))
    .order_by(locations.c.id)
)
"""Statements are made once: making one costs as much as running it for a few rows."""


@dataclass(kw_only=True, slots=True)
class _People:
    """Of one interaction. addressed: position in To -> our mailbox there."""

    author: str | None = None
    count: int = 0
    addressed: dict[int, str] = field(default_factory=dict)


_NOBODY = _People()


def read_items(connection: sa.Connection, rows: Sequence[Any], own: Mapping[str, str]) -> list[Item]:
    """rows: of `COLUMNS`. own: match key of an address -> address of our mailbox that has it."""
    return [item for batch in batches(rows) for item in _read_batch(connection, batch, own)]


def _read_batch(connection: sa.Connection, rows: Sequence[Any], own: Mapping[str, str]) -> Iterator[Item]:
    ids = [row.id for row in rows]
    parties, people, flags = _parties(connection, ids, own), _people_of(connection, ids, own), _flags(connection, ids)
    seats = _seats(connection, [row.id for row in rows if row.kind == "meeting"])
    for row in rows:
        who = people.get(row.id, _NOBODY)
        yield Item(
            **row._mapping,  # its columns are the item's own plain fields
            author=who.author,
            addressed=seats.get(row.id) or tuple(dict.fromkeys(who.addressed[at] for at in sorted(who.addressed))),
            parties=tuple(parties.get(row.id, ())),
            recipients=max(who.count, 1),
            flags=flags.get(row.id, {}),
        )


def _parties(connection: sa.Connection, ids: Sequence[str], own: Mapping[str, str]) -> dict[str, list[Party]]:
    """Contacts of each interaction, in the order in which its header names them."""
    found: dict[str, list[Party]] = defaultdict(list)
    rows = sorted(bulk.among(connection, _LINKED, ids), key=lambda row: (row[-1] is None, row[-1] or 0, row[1]))
    for interaction_id, contact_id, role, email, name, company_id, owner, _ in rows:
        party = Party(
            contact_id=contact_id,
            name=name,
            address=email,
            role=role,
            company_id=company_id,
            owner=owner_of(owner, own),
        )
        found[interaction_id].append(party)
    return found


def owner_of(written: str, own: Mapping[str, str]) -> str:
    """The address of our mailbox that an owner means, '' if it is none of ours."""
    return own.get(normalise(written).match_key, "") if written else ""


def _people_of(connection: sa.Connection, ids: Sequence[str], own: Mapping[str, str]) -> dict[str, _People]:
    """Who wrote each interaction, how many it went to, and which of our mailboxes stand in To."""
    found: dict[str, _People] = defaultdict(_People)
    for interaction_id, role, match_key, position in bulk.among(connection, NAMED, ids):
        who, ours = found[interaction_id], own.get(match_key)
        who.count += role in _RECEIVING
        if role == "from" and ours is not None:
            who.author = ours
        elif role == "to" and ours is not None:
            who.addressed[position] = ours
    return found


def _seats(connection: sa.Connection, ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Our mailboxes that take part in each meeting, its organiser first."""
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for interaction_id, address in bulk.among(connection, _SEATED, ids):
        found[interaction_id][address] = None
    return {one: tuple(addresses) for one, addresses in found.items()}


def _flags(connection: sa.Connection, ids: Sequence[str]) -> dict[str, dict[str, date | None]]:
    found: dict[str, dict[str, date | None]] = defaultdict(dict)
    for row in connection.execute(_FLAGGED, {"values": ids}).all():
        found[row.interaction_id][row.address] = row.flag_due
    return found


def batches(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Databases bind only so many parameters at once."""
    return (values[start : start + _BATCH] for start in range(0, len(values), _BATCH))
