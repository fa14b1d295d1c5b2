"""The rows of history that the reminder rules are asked about: threads that may be open, and what may have closed them.

Called by `agent.tending.tend`. Reads only what a rule that is on can still use: threads in which this mailbox wrote
or was written to within the horizon, or whose mail its owner flagged, or that a reminder of theirs is about; meetings
that are over; and of its customers those who may be due (`agent.store.calendar.customers`).
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence, Set
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from agent.reminders.cycle import ACTIVE
from agent.reminders.rules.base import Item, Ledger, Party, Told, Touch
from agent.store.calendar import customers
from agent.store.calendar.asked_about import asked_about
from agent.store.calendar.items import COLUMNS, Plain, read_items
from agent.store.calendar.scope import Scope
from agent.store.prepared import VALUES, Prepared
from agent.store.tables import (
    interactions,
    links,
    meeting_places,
    reminders,
    signals,
)


def read(connection: sa.Connection, scope: Scope, meetings: Sequence[Item] | None = None) -> Ledger:
    """Everything the rules that are on need to know of this mailbox.

    meetings: those that are asked about, where that is known; else all of late.
    """
    threads = _threads(connection, scope)
    if meetings is None:
        meetings = _meetings(connection, scope) if scope.chosen.meeting_follow_up is not None else ()
    told = tuple(_told(connection, threads, scope))
    people = {party.contact_id for content in threads.values() for party in (*_asked(content), *_asking(content))}
    people |= {one.contact_id for one in told if one.kind == "bounce"}
    people |= {party.contact_id for meeting in meetings for party in meeting.parties}
    touches = _touches(connection, people, scope)
    return Ledger(
        threads=threads,
        told=told,
        touches=touches,
        meetings=tuple(meetings),
        **_of_customers(connection, scope, _met(threads, touches, scope)),
    )


def _met(threads: Mapping[str, Sequence[Item]], touches: Mapping[str, Sequence[Touch]], scope: Scope) -> set[str]:
    """Who is not quiet, by what was read anyway: most of those that new mail touches."""
    if scope.chosen.gone_quiet is None:
        return set()
    since = customers.quiet_since(scope.chosen.gone_quiet, scope.now)
    late = (item for content in threads.values() for item in content if item.occurred_at > since)
    by_mail = {party.contact_id for item in late if item.kind == "email" for party in item.parties}
    return by_mail | {contact for contact, touched in touches.items() if _is_met(touched, since)}


def _is_met(touched: Sequence[Touch], since: datetime) -> bool:
    return any(one.occurred_at > since and one.kind in customers.CONTACT for one in touched)


def _of_customers(connection: sa.Connection, scope: Scope, met: Set[str]) -> dict[str, Any]:
    """What the rules about customers are given; nothing for those that are off. met: see `customers.silences`.

    Of all that changes one by one only mail, calls and meetings matter to any of them, and to one of them alone.
    """
    chosen, found = scope.chosen, dict[str, Any]()
    about = customers.about(connection, scope, met)
    if chosen.gone_quiet is not None:
        found["silences"] = customers.silences(connection, about, chosen.gone_quiet, chosen.max_age, met)
    if scope.only is not None:
        return found
    if chosen.late_order is not None:
        found["buyers"] = customers.buyers(connection, about)
        found["population"] = customers.population(connection) if found["buyers"] else None
    if chosen.key_date is not None:
        found["dates"] = customers.dates(connection, about, chosen.key_date)
    return found


def _threads(connection: sa.Connection, scope: Scope) -> dict[str, tuple[Item, ...]]:
    threads: dict[str, list[Item]] = defaultdict(list)
    for item in sorted(asked_about(connection, scope), key=lambda one: (one.occurred_at, one.id)):
        threads[item.thread_id or item.id].append(item)
    return {name: tuple(content) for name, content in threads.items()}


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


def _touches(connection: sa.Connection, people: Collection[str], scope: Scope) -> Mapping[str, Sequence[Touch]]:
    """What came from these contacts, or was held with them, in any of our mailboxes."""
    found: dict[str, list[Touch]] = defaultdict(list)
    for contact_id, *touch in _TOUCHES.among(connection, sorted(people), since=scope.since):
        found[contact_id].append(Touch._make(touch))
    return found


def _told(connection: sa.Connection, threads: Mapping[str, Sequence[Item]], scope: Scope) -> list[Told]:
    """Bounces of these threads' mail, and what the servers of whoever is named in them said. Others are others' affair.

    Rules look through all of them for each question.
    """
    named = {party.contact_id for content in threads.values() for item in content for party in item.parties}
    rows = {*_TOLD.among(connection, sorted(named | threads.keys()), since=scope.since)}
    return [
        Told(kind=kind, contact_id=contact_id, at=at, thread_id=thread_id, back_on=back_on)
        for at, _, contact_id, kind, thread_id, back_on in sorted(rows, key=lambda row: row[:4])
    ]


def meetings_among(connection: sa.Connection, ids: Collection[str], scope: Scope) -> tuple[Item, ...]:
    """Those of these interactions that are meetings which this mailbox took part in, and that are over."""
    rows = _MEETINGS_AMONG.among(connection, sorted(ids), mailbox=scope.mailbox_id, now=scope.now)
    return tuple(read_items(connection, [Plain._make(row) for row in rows], scope.own))


def _meetings(connection: sa.Connection, scope: Scope) -> tuple[Item, ...]:
    """Those that this mailbox took part in, over since the horizon, and those that a reminder is about."""
    here = {"mailbox": scope.mailbox_id, "now": scope.now}
    rows = {*_MEETINGS_SINCE.rows(connection, **here, since=scope.since), *_MEETINGS_REMINDED.rows(connection, **here)}
    found = sorted(map(Plain._make, rows), key=lambda row: row.id)
    return tuple(read_items(connection, found, scope.own))


_SINCE: sa.BindParameter[Any] = sa.bindparam("since")
_MAILBOX: sa.BindParameter[Any] = sa.bindparam("mailbox")
_TOUCHES = Prepared(
    sa.select(links.c.contact_id, *(interactions.c[name] for name in Touch._fields))
    .join(interactions, interactions.c.id == links.c.interaction_id)
    .where(
        links.c.contact_id.in_(VALUES),
        links.c.occurred_at >= _SINCE,
        interactions.c.cancelled_at.is_(None),
        sa.or_(
            interactions.c.kind == "meeting",
            interactions.c.direction == "outbound",
            sa.and_(interactions.c.direction != "internal", sa.or_(links.c.role == "from", links.c.role == "reply-to")),
        ),
    )
)
_TOLD = Prepared(
    sa.select(
        *(signals.c[name] for name in ("occurred_at", "message_key", "contact_id", "kind", "thread_id", "back_on"))
    ).where(signals.c.occurred_at >= _SINCE, sa.or_(signals.c.contact_id.in_(VALUES), signals.c.thread_id.in_(VALUES)))
)
"""Of contacts and of threads: no id is both."""
_MEETINGS = (
    sa.select(*COLUMNS)
    .join(meeting_places, meeting_places.c.interaction_id == interactions.c.id)
    .where(
        meeting_places.c.mailbox_id == _MAILBOX,
        interactions.c.cancelled_at.is_(None),
        interactions.c.ends_at <= sa.bindparam("now"),
    )
    .distinct()
)
_MEETINGS_SINCE = Prepared(_MEETINGS.where(interactions.c.ends_at >= _SINCE))
_MEETINGS_AMONG = Prepared(_MEETINGS.where(interactions.c.id.in_(VALUES)))
_MEETINGS_REMINDED = Prepared(
    _MEETINGS.join(reminders, reminders.c.interaction_id == interactions.c.id).where(
        reminders.c.mailbox_id == _MAILBOX, sa.or_(*(reminders.c.state == state for state in sorted(ACTIVE)))
    )
)
