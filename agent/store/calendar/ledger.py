"""The rows of history that the reminder rules are asked about: threads that may be open, and what may have closed them.

Called by `agent.tending.tend`. Reads only what a rule that is on can still use: threads in which this mailbox wrote
or was written to within the horizon, or whose mail its owner flagged, or that a reminder of theirs is about; meetings
that are over; and of its customers those who may be due (`agent.store.calendar.customers`).
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from agent.reminders.cycle import ACTIVE
from agent.reminders.rules.base import Item, Ledger, Party, Told
from agent.store.calendar import customers
from agent.store.calendar.asked_about import asked_about
from agent.store.calendar.items import COLUMNS, batches, read_items
from agent.store.calendar.scope import Scope
from agent.store.schedule import absences
from agent.store.tables import (
    cursors,
    folders,
    interactions,
    links,
    meeting_places,
    reminders,
    signals,
)


def read(connection: sa.Connection, scope: Scope) -> Ledger:
    """Everything the rules that are on need to know of this mailbox."""
    if connection.dialect.name == "postgresql":  # it would compile some of these queries for seconds, to save nothing
        connection.execute(sa.text("SET LOCAL jit = off"))
    threads = _threads(connection, scope)
    meetings = _meetings(connection, scope) if scope.chosen.meeting_follow_up is not None else ()
    people = {party.contact_id for content in threads.values() for party in _asked(content)}
    people |= {party.contact_id for content in threads.values() for party in _asking(content)}
    told = tuple(_told(connection, threads, scope))
    people |= {one.contact_id for one in told if one.kind == "bounce"}
    people |= {party.contact_id for meeting in meetings for party in meeting.parties}
    return Ledger(
        threads=threads,
        told=told,
        touches=_touches(connection, people, threads, scope),
        meetings=meetings,
        **_of_customers(connection, scope),
    )


def _of_customers(connection: sa.Connection, scope: Scope) -> dict[str, Any]:
    """What the rules about customers are given; nothing for those that are off."""
    chosen, found = scope.chosen, dict[str, Any]()
    about = customers.About(
        mailbox_id=scope.mailbox_id,
        mailbox=scope.mailbox,
        own=scope.own,
        now=scope.now,
        only=scope.only.contacts if scope.only is not None else None,
    )
    if chosen.gone_quiet is not None:
        found["silences"] = customers.silences(connection, about, chosen.gone_quiet, chosen.max_age)
    if chosen.late_order is not None:
        found["buyers"] = customers.buyers(connection, about)
        found["population"] = customers.population(connection) if found["buyers"] else None
    if chosen.key_date is not None:
        found["dates"] = customers.dates(connection, about, chosen.key_date)
    return found


def _threads(connection: sa.Connection, scope: Scope) -> dict[str, tuple[Item, ...]]:
    threads: dict[str, list[Item]] = defaultdict(list)
    items = read_items(connection, asked_about(connection, scope), scope.own)
    for item in sorted(items, key=lambda one: (one.occurred_at, one.id)):
        threads[item.thread_id or item.id].append(item)
    return {name: tuple(content) for name, content in threads.items()}


def fingerprint(connection: sa.Connection, mailbox_id: int) -> str:
    """Changes with what the rules look at beside the history (of which `agent.store.calendar.touched` tells)."""
    return f"{is_blind(connection, mailbox_id)} {absences.known(connection, mailbox_id)}"


def _asked(items: Sequence[Item]) -> tuple[Party, ...]:
    """Those whom our latest open mail of a thread asks, unless the thread itself goes on with mail from outside."""
    for item in reversed(items):
        if item.direction == "inbound" and item.holds_until is None:
            return ()
        if item.direction == "outbound" and item.asks is not False:
            return item.named("to")
    return ()


def _asking(items: Sequence[Item]) -> tuple[Party, ...]:
    """Who wrote last, if it was not us."""
    mails = [item for item in items if item.kind == "email" and item.direction != "internal"]
    return mails[-1].named("from", "reply-to") if mails and mails[-1].direction == "inbound" else ()


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


def _touches(
    connection: sa.Connection, people: Collection[str], threads: Mapping[str, Sequence[Item]], scope: Scope
) -> dict[str, tuple[Item, ...]]:
    """What came from these contacts, or was held with them, in any of our mailboxes. threads: what was read already."""
    read = {item.id: item for content in threads.values() for item in content}
    found: dict[str, list[Item]] = defaultdict(list)
    for batch in batches(sorted(people)):
        query = (
            sa.select(*COLUMNS)
            .join(links, links.c.interaction_id == interactions.c.id)
            .where(
                links.c.contact_id.in_(batch),
                interactions.c.occurred_at >= scope.since,
                interactions.c.cancelled_at.is_(None),
                sa.or_(
                    interactions.c.kind == "meeting",
                    sa.and_(interactions.c.direction == "inbound", links.c.role.in_(("from", "reply-to"))),
                    interactions.c.direction == "outbound",
                ),
            )
            .distinct()
        )
        rows = connection.execute(query).all()
        unread = [row for row in rows if row.id not in read]
        for item in (*filter(None, (read.get(row.id) for row in rows)), *read_items(connection, unread, scope.own)):
            for party in item.parties:
                if party.contact_id in people:
                    found[party.contact_id].append(item)
    return {contact: tuple(sorted(touched, key=lambda one: one.occurred_at)) for contact, touched in found.items()}


def _told(connection: sa.Connection, threads: Mapping[str, Sequence[Item]], scope: Scope) -> Iterator[Told]:
    """Bounces of these threads' mail, and what the servers of whoever is named in them said. Others are others' affair.

    Rules look through all of them for each question.
    """
    named = {party.contact_id for content in threads.values() for item in content for party in item.parties}
    query = sa.select(signals).where(signals.c.occurred_at >= scope.since).order_by(signals.c.occurred_at)
    for row in connection.execute(query).all():
        if row.contact_id in named or row.thread_id in threads:
            yield Told(
                kind=row.kind,
                contact_id=row.contact_id,
                at=row.occurred_at,
                thread_id=row.thread_id,
                back_on=row.back_on,
            )


def _meetings(connection: sa.Connection, scope: Scope) -> tuple[Item, ...]:
    """Those that this mailbox took part in, over since the horizon, and those that a reminder is about."""
    reminded = sa.select(reminders.c.interaction_id).where(
        reminders.c.mailbox_id == scope.mailbox_id, reminders.c.state.in_(sorted(ACTIVE))
    )
    found: dict[str, Any] = {}
    for these in (interactions.c.ends_at >= scope.since, interactions.c.id.in_(reminded)):
        query = (
            sa.select(*COLUMNS)
            .join(meeting_places, meeting_places.c.interaction_id == interactions.c.id)
            .where(
                meeting_places.c.mailbox_id == scope.mailbox_id,
                interactions.c.cancelled_at.is_(None),
                interactions.c.ends_at <= scope.now,
                these,
            )
        )
        found |= {row.id: row for row in connection.execute(query).all()}
    return tuple(read_items(connection, [found[id] for id in sorted(found)], scope.own))
