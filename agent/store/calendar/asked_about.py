"""The threads that a reminder rule which is on may speak of.

Called by the ledger. A mailbox of some years has 50,000 mails: those of late are found with one query, and their
threads are looked at here rather than by the database, which would plan as if it had to look through all mail.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa

from agent.reminders.cycle import ACTIVE
from agent.store import bulk
from agent.store.calendar.items import COLUMNS, NAMED, batches
from agent.store.calendar.scope import Scope, Touched
from agent.store.tables import interactions, links, locations, participants, reminders, signals
from config.model import Reminders


def asked_about(connection: sa.Connection, scope: Scope) -> list[Any]:
    """All mail of these threads, rows of `COLUMNS`; of `scope.only` those that changed, whatever is in them."""
    if scope.only is not None:
        return _changed(connection, scope.only, scope)
    standing = {*_flagged(connection, scope), *_reminded(connection, scope)}
    if scope.chosen.waiting_for_them is not None:
        standing |= {*_bounced(connection, scope)}
    ours, theirs = _corresponded(connection, scope)
    threads = _mail_of(connection, standing | ours.keys() | theirs.keys())
    spoken_of = (
        content
        for name, content in threads.items()
        if name in standing
        or _has_reason_in_ours(ours.get(name, ()), content, scope.chosen)
        or _has_reason_in_theirs(theirs.get(name, ()), content, scope.chosen)
    )
    return [row for content in spoken_of for row in content]


def _changed(connection: sa.Connection, only: Touched, scope: Scope) -> list[Any]:
    """Of the threads that changed those that are this mailbox's affair: most new mail of a firm is not."""
    elsewhere = _reminded_of(connection, only) if only.settled else _concerning(connection, only.contacts, scope)
    threads = _mail_of(connection, only.threads | elsewhere)
    ids = [row.id for content in threads.values() for row in content]
    mine = {*scope.mine}
    ours = {id for id, _, match_key, _ in bulk.among(connection, NAMED, ids) if match_key in mine}
    for batch in batches(ids):
        marked = connection.execute(_MARKED, {"values": batch, "mailbox": scope.mailbox_id})
        ours.update(marked.scalars().all())
    return [
        row
        for name, content in threads.items()
        if name in only.reminded or any(each.id in ours for each in content)
        for row in content
    ]


def _reminded_of(connection: sa.Connection, only: Touched) -> set[str]:
    """Threads that reminders are about and in which these contacts are named: what came elsewhere may settle them."""
    found: set[str] = set()
    for batch in batches(sorted(only.reminded)):
        rows = connection.execute(_LINKED, {"values": batch}).all()
        found.update(row.thread_id for row in rows if row.contact_id in only.contacts)
    return found


def _has_reason_in_ours(written: Sequence[Any], thread: Sequence[Any], chosen: Reminders) -> bool:
    """We wrote, and anybody of ours asked something in this thread; or we promise something by a day to come."""
    asks = any(mail.direction == "outbound" and mail.asks is not False for mail in thread)
    waits = bool(written) and asks and chosen.waiting_for_them is not None
    return waits or (chosen.promise is not None and any(mail.promises is not None for mail in written))


def _has_reason_in_theirs(received: Sequence[Any], thread: Sequence[Any], chosen: Reminders) -> bool:
    """Somebody wrote to us, and none of ours in this thread after the last of it."""
    if not received or chosen.waiting_for_us is None:
        return False
    last = max(mail.occurred_at for mail in received)
    later = (mail for mail in thread if mail.direction == "outbound" and mail.kind == "email")
    return not any(mail.occurred_at > last for mail in later)


def _corresponded(connection: sa.Connection, scope: Scope) -> tuple[dict[str, list[Any]], dict[str, list[Any]]]:
    """Mail of late that this mailbox wrote, and that was written to it, by thread."""
    columns = (interactions.c[name] for name in ("thread_id", "direction", "occurred_at", "promises"))
    query = (
        sa.select(*columns)
        .join(participants, participants.c.interaction_id == interactions.c.id)
        .where(
            interactions.c.occurred_at >= scope.since,
            interactions.c.thread_id.is_not(None),
            participants.c.match_key.in_(scope.mine),
            sa.or_(
                sa.and_(interactions.c.direction == "outbound", participants.c.role == "from"),
                sa.and_(
                    interactions.c.direction == "inbound", interactions.c.kind == "email", participants.c.role == "to"
                ),
            ),
        )
    )
    ours: dict[str, list[Any]] = defaultdict(list)
    theirs: dict[str, list[Any]] = defaultdict(list)
    for row in connection.execute(query).all():
        (ours if row.direction == "outbound" else theirs)[row.thread_id].append(row)
    return ours, theirs


def _mail_of(connection: sa.Connection, thread_ids: Collection[str]) -> dict[str, list[Any]]:
    threads: dict[str, list[Any]] = defaultdict(list)
    for batch in batches(sorted(thread_ids)):
        for row in connection.execute(_OF_THREADS, {"values": batch}).all():
            threads[row.thread_id].append(row)
    return threads


_THESE: sa.BindParameter[Any] = sa.bindparam("values", expanding=True)
_OF_THREADS = sa.select(*COLUMNS).where(interactions.c.thread_id.in_(_THESE))
_LINKED = (
    sa.select(interactions.c.thread_id, links.c.contact_id)
    .join(links, links.c.interaction_id == interactions.c.id)
    .where(interactions.c.thread_id.in_(_THESE))
)
_MARKED = sa.select(locations.c.interaction_id).where(
    locations.c.interaction_id.in_(_THESE),
    locations.c.mailbox_id == sa.bindparam("mailbox"),
    locations.c.flagged,
    locations.c.gone_at.is_(None),
)


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
        found.update(connection.execute(query.distinct()).scalars().all())
    return found


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
