"""The threads that a reminder rule which is on may speak of.

Called by the ledger. A mailbox of some years has 50,000 mails: those of late are found with one query, and their
threads are looked at here rather than by the database, which would plan as if it had to look through all mail.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple

import sqlalchemy as sa

from agent.reminders.cycle import ACTIVE
from agent.reminders.rules.base import Item
from agent.store.calendar.items import COLUMNS, People, Plain, flags_of, people_of, read_items, with_people
from agent.store.calendar.scope import Scope, Touched
from agent.store.prepared import VALUES, Prepared
from agent.store.tables import interactions, links, locations, participants, reminders, signals
from config.model import Reminders

_SINCE: sa.BindParameter[datetime] = sa.bindparam("since")
_MAILBOX: sa.BindParameter[int] = sa.bindparam("mailbox")


class _Late(NamedTuple):
    """What is looked at of a mail of late before it is known whether a rule may speak of it."""

    thread_id: str
    direction: str
    kind: str
    occurred_at: datetime
    promises: date | None
    role: str


_CORRESPONDED = Prepared(
    sa.select(*(interactions.c[name] for name in _Late._fields[:-1]), participants.c.role)
    .join(participants, participants.c.interaction_id == interactions.c.id)
    .where(
        participants.c.match_key.in_(VALUES),
        participants.c.occurred_at >= _SINCE,
        sa.or_(participants.c.role == "from", participants.c.role == "to"),
        interactions.c.thread_id.is_not(None),
    )
)
_OF_THREADS = Prepared(sa.select(*COLUMNS).where(interactions.c.thread_id.in_(VALUES)))
_CONCERNING = Prepared(
    sa.select(interactions.c.thread_id)
    .join(links, links.c.interaction_id == interactions.c.id)
    .where(links.c.contact_id.in_(VALUES), links.c.occurred_at >= _SINCE, interactions.c.thread_id.is_not(None))
    .distinct()
)
_FLAGGED = Prepared(
    sa.select(interactions.c.thread_id)
    .join(locations, locations.c.interaction_id == interactions.c.id)
    .where(
        locations.c.mailbox_id == _MAILBOX,
        locations.c.flagged,
        locations.c.gone_at.is_(None),
        interactions.c.thread_id.is_not(None),
        sa.or_(interactions.c.occurred_at >= _SINCE, locations.c.flag_due.is_not(None)),
    )
    .distinct()
)
_BOUNCED = Prepared(
    sa.select(signals.c.thread_id)
    .where(signals.c.thread_id.in_(VALUES), signals.c.kind == "bounce", signals.c.occurred_at >= _SINCE)
    .distinct()
)
"""Of threads in which we wrote of late: servers give up after five days (RFC 5321, 4.5.4.1)."""
_REMINDED = Prepared(
    sa.select(reminders.c.thread_id)
    .where(
        reminders.c.mailbox_id == _MAILBOX,
        sa.or_(*(reminders.c.state == state for state in sorted(ACTIVE))),
        reminders.c.thread_id.is_not(None),
    )
    .distinct()
)


def asked_about(connection: sa.Connection, scope: Scope) -> list[Item]:
    """All mail of these threads; of `scope.only` those that changed, whatever is in them."""
    if scope.only is not None:
        return _changed(connection, scope.only, scope)
    standing = {*_flagged(connection, scope), *_threads(_REMINDED.rows(connection, mailbox=scope.mailbox_id))}
    ours, theirs = _corresponded(connection, scope)
    if scope.chosen.waiting_for_them is not None:
        standing |= _threads(_BOUNCED.among(connection, sorted(ours), since=scope.since))
    threads = _mail_of(connection, standing | ours.keys() | theirs.keys())
    spoken_of = (
        content
        for name, content in threads.items()
        if name in standing
        or _has_reason_in_ours(ours.get(name, ()), content, scope.chosen)
        or _has_reason_in_theirs(theirs.get(name, ()), content, scope.chosen)
    )
    rows = [row for content in spoken_of for row in content]
    return read_items(connection, rows, scope.own, flags_of(connection, rows, scope.mailbox, scope.flagged))


def _changed(connection: sa.Connection, only: Touched, scope: Scope) -> list[Item]:
    """Of the threads that changed those that are this mailbox's affair: most new mail of a firm is not."""
    elsewhere: set[str] = set()
    if not only.settled:
        elsewhere = _threads(_CONCERNING.among(connection, sorted(only.contacts), since=scope.since))
    threads = _mail_of(connection, only.threads | elsewhere)
    every = [row for content in threads.values() for row in content]
    people = people_of(connection, [row.id for row in every], scope.own)
    mine = _mine(every, people, scope)
    rows = [
        row
        for name, content in threads.items()
        if name in only.reminded or any(each.id in mine for each in content)
        for row in content
    ]
    flags = flags_of(connection, rows, scope.mailbox, scope.flagged)
    return with_people(connection, rows, people, flags, scope.own)


def _mine(rows: Iterable[Plain], people: Mapping[str, People], scope: Scope) -> set[str]:
    """Those that name this mailbox, or that its owner flagged."""
    named = {row.id for row in rows if row.id in people and scope.mailbox in people[row.id].ours}
    return named | scope.flagged.keys()


def _has_reason_in_ours(written: Sequence[_Late], thread: Sequence[Plain], chosen: Reminders) -> bool:
    """We wrote, and anybody of ours asked something in this thread; or we promise something by a day to come."""
    asks = any(mail.direction == "outbound" and mail.asks is not False for mail in thread)
    waits = bool(written) and asks and chosen.waiting_for_them is not None
    return waits or (chosen.promise is not None and any(mail.promises is not None for mail in written))


def _has_reason_in_theirs(received: Sequence[_Late], thread: Sequence[Plain], chosen: Reminders) -> bool:
    """Somebody wrote to us, and none of ours in this thread after the last of it."""
    if not received or chosen.waiting_for_us is None:
        return False
    last = max(mail.occurred_at for mail in received)
    later = (mail for mail in thread if mail.direction == "outbound" and mail.kind == "email")
    return not any(mail.occurred_at > last for mail in later)


def _corresponded(connection: sa.Connection, scope: Scope) -> tuple[dict[str, list[_Late]], dict[str, list[_Late]]]:
    """Mail of late that this mailbox wrote, and that was written to it, by thread."""
    ours: dict[str, list[_Late]] = defaultdict(list)
    theirs: dict[str, list[_Late]] = defaultdict(list)
    for row in map(_Late._make, _CORRESPONDED.among(connection, scope.mine, since=scope.since)):
        if row.direction == "outbound" and row.role == "from":
            ours[row.thread_id].append(row)
        elif row.direction == "inbound" and row.kind == "email" and row.role == "to":
            theirs[row.thread_id].append(row)
    return ours, theirs


def _mail_of(connection: sa.Connection, thread_ids: Collection[str]) -> dict[str, list[Plain]]:
    threads: dict[str, list[Plain]] = defaultdict(list)
    for row in _OF_THREADS.among(connection, sorted(thread_ids)):
        mail = Plain._make(row)
        threads[mail.thread_id or mail.id].append(mail)
    return threads


def _flagged(connection: sa.Connection, scope: Scope) -> set[str]:
    """Whatever its age: a flag may carry a due date that is still to come."""
    return _threads(_FLAGGED.rows(connection, mailbox=scope.mailbox_id, since=scope.since))


def _threads(rows: Iterable[tuple[str, ...]]) -> set[str]:
    return {row[0] for row in rows}
