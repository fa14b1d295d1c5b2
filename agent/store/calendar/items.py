"""Interactions as the reminder rules see them: with their contacts, their author, whom they address and their flags.

Called by `agent.store.calendar.ledger` and `agent.store.calendar.asked_about`, which choose them.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from typing import NamedTuple

import sqlalchemy as sa

from agent.reminders.rules.base import Item, Party
from agent.store.prepared import VALUES, Prepared
from agent.store.tables import contacts, interactions, links, locations, mailboxes, meeting_places, participants
from matchers.address import normalise


class Plain(NamedTuple):
    """An interaction's own columns; each is a field of `Item`."""

    id: str
    thread_id: str | None
    kind: str
    direction: str
    occurred_at: datetime
    subject: str | None
    asks: bool | None
    words: int | None
    holds_until: date | None
    promises: date | None
    ends_at: datetime | None


COLUMNS = tuple(interactions.c[name] for name in Plain._fields)
_RECEIVING = ("to", "cc", "bcc")
_LINKED = Prepared(
    sa.select(links.c.interaction_id, links.c.contact_id, links.c.role, links.c.email)
    .add_columns(contacts.c.name, contacts.c.company_id, contacts.c.owner)
    .join(contacts, contacts.c.id == links.c.contact_id)
    .where(links.c.interaction_id.in_(VALUES))
)
_NAMED = Prepared(
    sa.select(participants.c.interaction_id, participants.c.role, participants.c.address)
    .add_columns(participants.c.match_key, participants.c.position)
    .where(participants.c.interaction_id.in_(VALUES))
)
_SEATED = Prepared(
    sa.select(meeting_places.c.interaction_id, mailboxes.c.address, meeting_places.c.rank)
    .join(mailboxes, mailboxes.c.id == meeting_places.c.mailbox_id)
    .where(meeting_places.c.interaction_id.in_(VALUES))
)
_FLAGGED = Prepared(
    sa.select(locations.c.interaction_id, mailboxes.c.address, locations.c.flag_due, locations.c.id)
    .join(mailboxes, mailboxes.c.id == locations.c.mailbox_id)
    .where(locations.c.interaction_id.in_(VALUES), locations.c.flagged, locations.c.gone_at.is_(None))
)


@dataclass(kw_only=True, slots=True)
class People:
    """Of one interaction. ours: our mailboxes that it names. addressed: position in To -> our mailbox there.

    places: (role, address) -> position within its header.
    """

    author: str | None = None
    count: int = 0
    ours: set[str] = field(default_factory=set)
    addressed: dict[int, str] = field(default_factory=dict)
    places: dict[tuple[str, str], int] = field(default_factory=dict)


_NOBODY = People()
Flags = Mapping[str, Mapping[str, date | None]]
"""Interaction -> our mailboxes whose owner flagged it -> the due date."""


def read_items(
    connection: sa.Connection, rows: Sequence[Plain], own: Mapping[str, str], flags: Flags | None = None
) -> list[Item]:
    """own: match key of an address -> address of our mailbox that has it. flags: None where no rule asks for them."""
    return with_people(connection, rows, people_of(connection, [row.id for row in rows], own), flags or {}, own)


def with_people(
    connection: sa.Connection,
    rows: Sequence[Plain],
    people: Mapping[str, People],
    flags: Flags,
    own: Mapping[str, str],
) -> list[Item]:
    """The same where people and flags were read already."""
    parties = _parties(connection, [row.id for row in rows], people, own)
    seats = _seats(connection, [row.id for row in rows if row.kind == "meeting"])
    return [
        _item(row, people.get(row.id, _NOBODY), parties.get(row.id, ()), flags.get(row.id, {}), seats.get(row.id, ()))
        for row in rows
    ]


def _item(
    row: Plain, who: People, parties: Sequence[Party], flags: Mapping[str, date | None], seats: tuple[str, ...]
) -> Item:
    return Item(
        id=row.id,
        thread_id=row.thread_id,
        kind=row.kind,
        direction=row.direction,
        occurred_at=row.occurred_at,
        subject=row.subject,
        asks=row.asks,
        words=row.words,
        holds_until=row.holds_until,
        promises=row.promises,
        ends_at=row.ends_at,
        author=who.author,
        addressed=seats or _in_order(who.addressed),
        parties=tuple(parties),
        recipients=max(who.count, 1),
        flags=flags,
    )


def _in_order(addressed: Mapping[int, str]) -> tuple[str, ...]:
    """Each once, by position."""
    if len(addressed) < 2:
        return tuple(addressed.values())
    return tuple(dict.fromkeys(addressed[at] for at in sorted(addressed)))


def _parties(
    connection: sa.Connection, ids: Sequence[str], people: Mapping[str, People], own: Mapping[str, str]
) -> dict[str, list[Party]]:
    """Contacts of each interaction, in the order in which its header names them."""
    placed: dict[str, list[tuple[int, str, Party]]] = defaultdict(list)
    for id, contact_id, role, email, name, company_id, owner in _LINKED.among(connection, ids):
        party = Party(
            contact_id=contact_id,
            name=name,
            address=email,
            role=role,
            company_id=company_id,
            owner=owner_of(owner, own),
        )
        at = people.get(id, _NOBODY).places.get((role, email), _UNPLACED)
        placed[id].append((at, contact_id, party))
    return {id: [party for _, _, party in sorted(found, key=lambda one: one[:2])] for id, found in placed.items()}


_UNPLACED = 1 << 31
"""Behind everybody whom the header names."""


def owner_of(written: str, own: Mapping[str, str]) -> str:
    """The address of our mailbox that an owner means, '' if it is none of ours."""
    return own.get(_match_key(written), "") if written else ""


@lru_cache(maxsize=4096)
def _match_key(written: str) -> str:
    """A firm has fewer owners than contacts."""
    return normalise(written).match_key


def people_of(connection: sa.Connection, ids: Collection[str], own: Mapping[str, str]) -> dict[str, People]:
    """Who wrote each interaction, how many it went to, and which of our mailboxes stand in To."""
    found: dict[str, People] = defaultdict(People)
    for id, role, address, match_key, position in _NAMED.among(connection, ids):
        who, ours = found[id], own.get(match_key)
        who.count += role in _RECEIVING
        who.places[role, address] = position
        if ours is not None:
            who.ours.add(ours)
            if role == "from":
                who.author = ours
            elif role == "to":
                who.addressed[position] = ours
    return found


def _seats(connection: sa.Connection, ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Our mailboxes that take part in each meeting, its organiser first."""
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for id, address, _ in sorted(_SEATED.among(connection, ids), key=lambda row: (row[2], row[1])):
        found[id][address] = None
    return {one: tuple(addresses) for one, addresses in found.items()}


def flags_of(
    connection: sa.Connection, rows: Sequence[Plain], mailbox: str, flagged: Mapping[str, date | None]
) -> Flags:
    """flagged: what this mailbox's owner flagged. What others did matters where a mail says nothing of what it asks."""
    found = {row.id: {mailbox: flagged[row.id]} for row in rows if row.id in flagged}
    unknown = [row.id for row in rows if row.asks is None and row.direction == "outbound"]
    for id, address, due, _ in sorted(_FLAGGED.among(connection, unknown), key=lambda row: row[-1]):
        if address != mailbox:
            found.setdefault(id, {})[address] = due
    return found
