"""The rows of history that the reminder rules are asked about: threads that may be open, and what may have closed them.

Called by `agent.reminders.tend`. Reads only what a rule can still use: threads in which this mailbox wrote within the
horizon, or whose mail its owner flagged, or that a reminder of theirs is about.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from agent.reminders.cycle import ACTIVE
from agent.reminders.rules.base import Item, Ledger, Party, Told
from agent.store.tables import (
    changes,
    contacts,
    cursors,
    folders,
    interactions,
    links,
    locations,
    mailboxes,
    participants,
    reminders,
    signals,
)

_BATCH = 500
_COLUMNS = (
    interactions.c.id,
    interactions.c.thread_id,
    interactions.c.kind,
    interactions.c.direction,
    interactions.c.occurred_at,
    interactions.c.subject,
    interactions.c.asks,
    interactions.c.holds_until,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """For whom, and since when. own: match key of an address -> address of our mailbox that has it."""

    mailbox_id: int
    mailbox: str
    own: Mapping[str, str]
    since: datetime


def read(connection: sa.Connection, scope: Scope) -> Ledger:
    """Everything the rules need to know of this mailbox."""
    found = (find(connection, scope) for find in (_written, _flagged, _bounced, _reminded))
    thread_ids = sorted({thread for threads in found for thread in threads})
    rows = [row for batch in _batches(thread_ids) for row in connection.execute(_of_threads(batch))]
    items = _items(connection, rows, scope.own)
    threads: dict[str, list[Item]] = defaultdict(list)
    for item in sorted(items, key=lambda one: (one.occurred_at, one.id)):
        threads[item.thread_id or item.id].append(item)
    told = tuple(_told(connection, scope))
    people = {party.contact_id for content in threads.values() for party in _asked(content)}
    people |= {one.contact_id for one in told if one.kind == "bounce"}
    return Ledger(
        threads={name: tuple(content) for name, content in threads.items()},
        told=told,
        touches=_touches(connection, people, scope),
    )


def fingerprint(connection: sa.Connection, mailbox_id: int) -> str:
    """Changes with everything the rules look at; the same fingerprint, the same ledger. Reads no history."""
    flags = sa.select(
        sa.func.count(),
        sa.func.sum(locations.c.id),
        sa.func.min(locations.c.flag_due),
        sa.func.max(locations.c.flag_due),
    ).where(locations.c.mailbox_id == mailbox_id, locations.c.flagged, locations.c.gone_at.is_(None))
    heard = sa.select(sa.func.count(), sa.func.max(signals.c.occurred_at))
    logged = sa.select(sa.func.max(changes.c.seq))
    parts = [*connection.execute(flags).one(), *connection.execute(heard).one(), *connection.execute(logged).one()]
    return f"{parts} {is_blind(connection, mailbox_id)}"


def _asked(items: Sequence[Item]) -> tuple[Party, ...]:
    """Those whom our latest open mail of a thread asks, unless the thread itself goes on with mail from outside."""
    for item in reversed(items):
        if item.direction == "inbound" and item.holds_until is None:
            return ()
        if item.direction == "outbound" and item.asks is not False:
            return item.named("to")
    return ()


def is_blind(connection: sa.Connection, mailbox_id: int) -> bool:
    """Whether Inbox or Sent is stopped or not read to its end: then nobody can say that no answer came."""
    unfinished = sa.and_(cursors.c.lane == "history", ~cursors.c.done)
    query = (
        sa.select(folders.c.id)
        .outerjoin(cursors, sa.and_(cursors.c.folder_id == folders.c.id, unfinished))
        .where(
            folders.c.mailbox_id == mailbox_id,
            folders.c.role.in_(("inbox", "sent", "all")),
            ~folders.c.absent,
            sa.or_(folders.c.stopped.is_not(None), cursors.c.folder_id.is_not(None)),
        )
    )
    return connection.execute(query.limit(1)).first() is not None


def _written(connection: sa.Connection, scope: Scope) -> Collection[str]:
    """Threads we wrote in, if anybody of ours asked something there."""
    asking = interactions.alias("asking")
    mine = sorted(key for key, mailbox in scope.own.items() if mailbox == scope.mailbox)
    query = (
        sa.select(interactions.c.thread_id)
        .join(participants, participants.c.interaction_id == interactions.c.id)
        .where(
            interactions.c.occurred_at >= scope.since,
            interactions.c.direction == "outbound",
            interactions.c.thread_id.is_not(None),
            participants.c.role == "from",
            participants.c.match_key.in_(mine),
            sa.exists().where(
                asking.c.thread_id == interactions.c.thread_id,
                asking.c.direction == "outbound",
                asking.c.asks.is_not(False),
            ),
        )
        .distinct()
    )
    return connection.execute(query).scalars().all()


def _flagged(connection: sa.Connection, scope: Scope) -> Collection[str]:
    """Whatever its age: a flag may carry a due date that is still to come."""
    query = (
        sa.select(interactions.c.thread_id)
        .join(locations, locations.c.interaction_id == interactions.c.id)
        .where(
            locations.c.mailbox_id == scope.mailbox_id,
            locations.c.flagged,
            locations.c.gone_at.is_(None),
            interactions.c.thread_id.is_not(None),
            sa.or_(interactions.c.occurred_at >= scope.since, locations.c.flag_due.is_not(None)),
        )
        .distinct()
    )
    return connection.execute(query).scalars().all()


def _bounced(connection: sa.Connection, scope: Scope) -> Collection[str]:
    query = sa.select(signals.c.thread_id).where(
        signals.c.kind == "bounce", signals.c.occurred_at >= scope.since, signals.c.thread_id.is_not(None)
    )
    return connection.execute(query.distinct()).scalars().all()


def _reminded(connection: sa.Connection, scope: Scope) -> Collection[str]:
    query = sa.select(reminders.c.thread_id).where(
        reminders.c.mailbox_id == scope.mailbox_id,
        reminders.c.state.in_(sorted(ACTIVE)),
        reminders.c.thread_id.is_not(None),
    )
    return connection.execute(query.distinct()).scalars().all()


def _touches(connection: sa.Connection, people: Collection[str], scope: Scope) -> dict[str, tuple[Item, ...]]:
    """What came from these contacts, or was held with them, in any of our mailboxes."""
    found: dict[str, list[Item]] = defaultdict(list)
    for batch in _batches(sorted(people)):
        query = (
            sa.select(*_COLUMNS)
            .join(links, links.c.interaction_id == interactions.c.id)
            .where(
                links.c.contact_id.in_(batch),
                interactions.c.occurred_at >= scope.since,
                sa.or_(
                    interactions.c.kind == "meeting",
                    sa.and_(interactions.c.direction == "inbound", links.c.role.in_(("from", "reply-to"))),
                    interactions.c.direction == "outbound",
                ),
            )
            .distinct()
        )
        for item in _items(connection, connection.execute(query).all(), scope.own):
            for party in item.parties:
                if party.contact_id in people:
                    found[party.contact_id].append(item)
    return {contact: tuple(sorted(touched, key=lambda one: one.occurred_at)) for contact, touched in found.items()}


def _told(connection: sa.Connection, scope: Scope) -> Iterator[Told]:
    """Of everybody: bounces and auto-replies are few."""
    query = sa.select(signals).where(signals.c.occurred_at >= scope.since).order_by(signals.c.occurred_at)
    for row in connection.execute(query):
        yield Told(
            kind=row.kind,
            contact_id=row.contact_id,
            at=row.occurred_at,
            thread_id=row.thread_id,
            back_on=row.back_on,
        )


def _of_threads(thread_ids: Sequence[str]) -> sa.Select[tuple[Any, ...]]:
    return sa.select(*_COLUMNS).where(interactions.c.thread_id.in_(thread_ids))


def _items(connection: sa.Connection, rows: Sequence[Any], own: Mapping[str, str]) -> list[Item]:
    items: list[Item] = []
    for batch in _batches(rows):
        ids = [row.id for row in batch]
        parties, authors, counts = _parties(connection, ids), *_people_of(connection, ids, own)
        flags = _flags(connection, ids)
        for row in batch:
            plain = _plain(row)
            items.append(
                replace(
                    plain,
                    author=authors.get(row.id),
                    parties=tuple(parties.get(row.id, ())),
                    recipients=counts.get(row.id, 1),
                    flags=flags.get(row.id, {}),
                )
            )
    return items


def _plain(row: sa.Row[Any]) -> Item:
    return Item(
        id=row.id,
        thread_id=row.thread_id,
        kind=row.kind,
        direction=row.direction,
        occurred_at=row.occurred_at,
        subject=row.subject,
        asks=row.asks,
        holds_until=row.holds_until,
    )


def _parties(connection: sa.Connection, ids: Sequence[str]) -> dict[str, list[Party]]:
    """Contacts of each interaction, in the order in which its header names them."""
    place = (
        sa.select(sa.func.min(participants.c.position))
        .where(participants.c.interaction_id == links.c.interaction_id, participants.c.role == links.c.role)
        .where(participants.c.address == links.c.email)
        .scalar_subquery()
    )
    query = (
        sa.select(links, contacts.c.name, contacts.c.company_id, place.label("place"))
        .join(contacts, contacts.c.id == links.c.contact_id)
        .where(links.c.interaction_id.in_(ids))
    )
    found: dict[str, list[Party]] = defaultdict(list)
    rows = sorted(connection.execute(query), key=lambda row: (row.place is None, row.place or 0, row.contact_id))
    for row in rows:
        found[row.interaction_id].append(
            Party(contact_id=row.contact_id, name=row.name, address=row.email, role=row.role, company_id=row.company_id)
        )
    return found


def _people_of(
    connection: sa.Connection, ids: Sequence[str], own: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, int]]:
    """(which of our mailboxes wrote each interaction, how many it went to)."""
    columns = participants.c.interaction_id, participants.c.role, participants.c.match_key
    authors: dict[str, str] = {}
    counts: dict[str, int] = defaultdict(int)
    for row in connection.execute(sa.select(*columns).where(participants.c.interaction_id.in_(ids))):
        if row.role in ("to", "cc", "bcc"):
            counts[row.interaction_id] += 1
        elif row.role == "from" and row.match_key in own:
            authors[row.interaction_id] = own[row.match_key]
    return authors, counts


def _flags(connection: sa.Connection, ids: Sequence[str]) -> dict[str, dict[str, date | None]]:
    query = (
        sa.select(locations.c.interaction_id, locations.c.flag_due, mailboxes.c.address)
        .join(mailboxes, mailboxes.c.id == locations.c.mailbox_id)
        .where(locations.c.interaction_id.in_(ids), locations.c.flagged, locations.c.gone_at.is_(None))
        .order_by(locations.c.id)
    )
    found: dict[str, dict[str, date | None]] = defaultdict(dict)
    for row in connection.execute(query):
        found[row.interaction_id][row.address] = row.flag_due
    return found


def _batches(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Databases bind only so many parameters at once."""
    return (values[start : start + _BATCH] for start in range(0, len(values), _BATCH))
