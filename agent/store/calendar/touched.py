"""What changed since the reminder rules were asked last: after a page of new mail they are asked about that alone.

Called by `agent.tending.tend`. The change feed tells, with what it keeps to itself of bounces and automatic replies;
beside it, follow-up flags. Whatever they cannot tell exactly means that all is asked anew.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import sqlalchemy as sa

from agent.store import feed
from agent.store.calendar.scope import Touched
from agent.store.prepared import VALUES, Prepared
from agent.store.tables import changes, interactions, links, locations, signals

MOST = 2_000
"""More changes than that, each counted once a contact, are not sorted out one by one."""
_KEPT = ("logged", "updated")
"""What happens to an interaction whose contacts are told by its links. One that moved has left another contact."""
_FLAGS = Prepared(
    sa.select(locations.c.interaction_id, locations.c.flag_due).where(
        locations.c.mailbox_id == sa.bindparam("mailbox"),
        locations.c.flagged,
        locations.c.gone_at.is_(None),
        locations.c.interaction_id.is_not(None),
    )
)
_LATE = (
    sa.select(changes.c.kind, changes.c.event, changes.c.entity, changes.c.body["into"].as_string().label("into"))
    .where(changes.c.seq > sa.bindparam("position"), changes.c.kind != "reminder")
    .limit(MOST + 1)
    .subquery()
)
_WHO = (interactions.c.id, interactions.c.kind, interactions.c.thread_id, links.c.contact_id)
_CHANGES = Prepared(
    sa.select(_LATE.c.kind.label("what"), _LATE.c.event, _LATE.c.entity, _LATE.c.into, *_WHO)
    .outerjoin(interactions, sa.and_(_LATE.c.kind == "interaction", interactions.c.id == _LATE.c.entity))
    .outerjoin(links, links.c.interaction_id == interactions.c.id)
)
"""With what the interactions among them concern: most passes that find any want to know."""
_ANY = Prepared(
    sa.select(changes.c.seq).where(changes.c.seq > sa.bindparam("position"), changes.c.kind != "reminder").limit(1)
)
_REMOVED = Prepared(
    sa.select(changes.c.seq)
    .where(
        changes.c.seq > sa.bindparam("position"),
        *(changes.c.kind != kind for kind in ("reminder", feed.SIGNAL, feed.THREAD)),
        *(changes.c.event != event for event in _KEPT),
    )
    .limit(1)
)
_CONCERNED = Prepared(
    sa.select(*_WHO).outerjoin(links, links.c.interaction_id == interactions.c.id).where(interactions.c.id.in_(VALUES))
)
_TOLD = Prepared(sa.select(signals.c.thread_id).where(signals.c.contact_id.in_(VALUES)).distinct())


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What was there when the rules were asked. position: the number of the feed's last row, 0 for none.

    flagged: interactions that the mailbox's owner flagged, with the due dates.
    """

    position: int
    flagged: frozenset[tuple[str, date | None]]

    def due_dates(self) -> dict[str, date | None]:
        """By interaction; of copies that are flagged twice, the later date."""
        found = dict(self.flagged)
        if len(found) == len(self.flagged):
            return found
        return dict(sorted(self.flagged, key=lambda one: one[1] or date.min))


def look(connection: sa.Connection, mailbox_id: int, position: int) -> Seen:
    """How it stands now. position: of the feed, in the same snapshot."""
    return Seen(position=position, flagged=frozenset(_FLAGS.rows(connection, mailbox=mailbox_id)))


def touched_since(connection: sa.Connection, before: Seen, now: Seen) -> Touched | None:
    """The threads and contacts that changed between two looks; None where all may have changed.

    One buyer's orders tell something of what to expect of all of them.
    """
    rows = _CHANGES.rows(connection, position=before.position)
    told = {entity for kind, _, entity, *_ in rows if kind == feed.SIGNAL}
    joined = {thread for kind, _, gone, into, *_ in rows if kind == feed.THREAD for thread in (gone, into)}
    others = [row for row in rows if row[0] not in {feed.SIGNAL, feed.THREAD}]
    if len(rows) > MOST or any(kind != "interaction" or event not in _KEPT for kind, event, *_ in others):
        return None
    found = [row[4:] for row in others]
    found += _CONCERNED.among(connection, sorted({id for id, _ in before.flagged ^ now.flagged}))
    settled = not joined and all(event == "logged" for _, event, *_ in others)
    touched = _concerned(connection, found, told, settled=settled)
    return replace(touched, threads=touched.threads | joined)


def any_since(connection: sa.Connection, before: Seen) -> bool:
    """Whether the history changed since that look, in whichever mailbox."""
    return bool(_ANY.rows(connection, position=before.position))


def nothing_left(connection: sa.Connection, since: Seen) -> bool:
    """Whether nothing was taken out of the history since that look, and nobody was merged away."""
    return not _REMOVED.rows(connection, position=since.position)


def _concerned(
    connection: sa.Connection, rows: Sequence[tuple[Any, ...]], told: Collection[str], *, settled: bool
) -> Touched:
    """rows: of `_WHO`. told: contacts of whom a bounce or an automatic reply tells something."""
    threads = {thread for _, _, thread, _ in rows} | {thread for (thread,) in _TOLD.among(connection, sorted(told))}
    people = {contact for _, _, _, contact in rows} | {*told}
    return Touched(
        threads=frozenset(threads - {None}),
        contacts=frozenset(people - {None}),
        meetings=frozenset(id for id, kind, _, _ in rows if kind == "meeting"),
        settled=settled,
    )
