"""The rows of history that the reminder rules are asked about: threads that may be open, and what may have closed them.

Called by `agent.reminders.tend`. Reads only what a rule that is on can still use: threads in which this mailbox wrote
or was written to within the horizon, or whose mail its owner flagged, or that a reminder of theirs is about; meetings
that are over; and of its customers those who may be due (`agent.store.customers`).
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from agent.reminders.cycle import ACTIVE
from agent.reminders.rules.base import Item, Ledger, Party, Told
from agent.store import absences, customers
from agent.store.items import COLUMNS, batches, read_items
from agent.store.tables import (
    cursors,
    folders,
    interactions,
    links,
    locations,
    meeting_places,
    participants,
    reminders,
    signals,
)
from config.model import Reminders


@dataclass(frozen=True, kw_only=True, slots=True)
class Touched:
    """What changed since the rules were asked last: only they are asked about again.

    settled: whether nothing but came to it, so that what was settled elsewhere stays so. reminded: the threads in which
    something was not.
    """

    threads: frozenset[str] = frozenset()
    contacts: frozenset[str] = frozenset()
    settled: bool = False
    reminded: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """For whom, since when, and for which rules. own: match key of an address -> address of our mailbox that has it.

    only: None for everything.
    """

    mailbox_id: int
    mailbox: str
    own: Mapping[str, str]
    since: datetime
    now: datetime
    chosen: Reminders = field(default_factory=Reminders)
    only: Touched | None = None

    @property
    def mine(self) -> list[str]:
        """Match keys of this mailbox's own addresses."""
        return sorted(key for key, mailbox in self.own.items() if mailbox == self.mailbox)


def read(connection: sa.Connection, scope: Scope) -> Ledger:
    """Everything the rules that are on need to know of this mailbox."""
    threads = _threads(connection, _thread_ids(connection, scope), scope)
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


def _threads(connection: sa.Connection, thread_ids: Sequence[str], scope: Scope) -> dict[str, tuple[Item, ...]]:
    rows = [row for batch in batches(thread_ids) for row in connection.execute(_of_threads(batch))]
    threads: dict[str, list[Item]] = defaultdict(list)
    for item in sorted(read_items(connection, rows, scope.own), key=lambda one: (one.occurred_at, one.id)):
        threads[item.thread_id or item.id].append(item)
    return {name: tuple(content) for name, content in threads.items()}


def _thread_ids(connection: sa.Connection, scope: Scope) -> list[str]:
    """Threads that a rule which is on may speak of; of `only` those that changed, all of them."""
    if scope.only is not None:
        elsewhere = _concerning(connection, scope.only.contacts, scope)
        return sorted(scope.only.threads | (elsewhere & scope.only.reminded if scope.only.settled else elsewhere))
    finders = [_flagged, _reminded, _corresponded]
    if scope.chosen.waiting_for_them is not None:
        finders.append(_bounced)
    return sorted({thread for find in finders for thread in find(connection, scope)})


def _concerning(connection: sa.Connection, people: Collection[str], scope: Scope) -> set[str]:
    """Threads of late in which these contacts are named: what came elsewhere may settle them."""
    found: set[str] = set()
    for batch in batches(sorted(people)):
        query = (
            sa.select(interactions.c.thread_id)
            .join(links, links.c.interaction_id == interactions.c.id)
            .where(
                links.c.contact_id.in_(batch),
                interactions.c.occurred_at >= scope.since,
                interactions.c.thread_id.is_not(None),
            )
        )
        found.update(connection.execute(query.distinct()).scalars())
    return found


def fingerprint(connection: sa.Connection, mailbox_id: int) -> str:
    """Changes with what the rules look at beside the history (of which `agent.store.touched` tells)."""
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


def _corresponded(connection: sa.Connection, scope: Scope) -> Collection[str]:
    """Threads of late that this mailbox wrote in or was written to, and that a rule may speak of for that reason.

    One query for all of them: a mailbox of some years has 50,000 mails, and each is looked at for its age.
    """
    reasons = [*_reasons_in_ours(scope.chosen), *_reasons_in_theirs(scope.chosen)]
    if not reasons:
        return ()
    query = (
        sa.select(interactions.c.thread_id)
        .join(participants, participants.c.interaction_id == interactions.c.id)
        .where(
            interactions.c.occurred_at >= scope.since,
            interactions.c.thread_id.is_not(None),
            participants.c.match_key.in_(scope.mine),
            sa.or_(*reasons),
        )
        .distinct()
    )
    return connection.execute(query).scalars().all()


def _reasons_in_ours(chosen: Reminders) -> Iterator[sa.ColumnElement[bool]]:
    """We wrote, and anybody of ours asked something in this thread; or we promise something by a day to come."""
    is_ours = sa.and_(interactions.c.direction == "outbound", participants.c.role == "from")
    if chosen.waiting_for_them is not None:
        asking = interactions.alias("asking")
        yield is_ours & sa.exists().where(
            asking.c.thread_id == interactions.c.thread_id,
            asking.c.direction == "outbound",
            asking.c.asks.is_not(False),
        )
    if chosen.promise is not None:
        yield is_ours & interactions.c.promises.is_not(None)


def _reasons_in_theirs(chosen: Reminders) -> Iterator[sa.ColumnElement[bool]]:
    """Somebody wrote to us, and none of ours in this thread after that."""
    if chosen.waiting_for_us is not None:
        later = interactions.alias("later")
        is_theirs = sa.and_(interactions.c.direction == "inbound", interactions.c.kind == "email")
        yield sa.and_(is_theirs, participants.c.role == "to") & ~sa.exists().where(
            later.c.thread_id == interactions.c.thread_id,
            later.c.direction == "outbound",
            later.c.kind == "email",
            later.c.occurred_at > interactions.c.occurred_at,
        )


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
    query = (
        sa.select(*COLUMNS)
        .join(meeting_places, meeting_places.c.interaction_id == interactions.c.id)
        .where(
            meeting_places.c.mailbox_id == scope.mailbox_id,
            interactions.c.cancelled_at.is_(None),
            interactions.c.ends_at <= scope.now,
            sa.or_(interactions.c.ends_at >= scope.since, interactions.c.id.in_(reminded)),
        )
        .distinct()
    )
    return tuple(read_items(connection, connection.execute(query).all(), scope.own))


def _of_threads(thread_ids: Sequence[str]) -> sa.Select[tuple[Any, ...]]:
    return sa.select(*COLUMNS).where(interactions.c.thread_id.in_(thread_ids))
