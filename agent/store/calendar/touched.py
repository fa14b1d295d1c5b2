"""What changed since the reminder rules were asked last: after a page of new mail they are asked about that alone.

Called by `agent.tending.tend`. The change feed tells, and beside it what it does not know of: bounces, automatic
replies and follow-up flags. Whatever they cannot tell exactly means that all is asked anew.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa

from agent.store.bulk import chunks
from agent.store.calendar.scope import Touched
from agent.store.tables import changes, interactions, links, locations, signals

MOST = 2_000
"""More changes than that are not sorted out one by one."""
_KEPT = ("logged", "updated")
"""What happens to an interaction whose contacts are told by its links. One that moved has left another contact."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What was there when the rules were asked. position: the number of the feed's last row, 0 for none.

    told: what stands for each bounce and automatic reply since the horizon, within this process. flagged: interactions
    that the mailbox's owner flagged, with the due dates.
    """

    position: int
    told: frozenset[int]
    flagged: frozenset[tuple[str, date | None]]


def look(connection: sa.Connection, mailbox_id: int, since: datetime) -> Seen:
    """since: the horizon; the same for all looks that are compared."""
    last = sa.select(sa.func.coalesce(sa.func.max(changes.c.seq), 0))
    flags = sa.select(locations.c.interaction_id, locations.c.flag_due).where(
        locations.c.mailbox_id == mailbox_id,
        locations.c.flagged,
        locations.c.gone_at.is_(None),
        locations.c.interaction_id.is_not(None),
    )
    return Seen(
        position=int(connection.execute(last).scalar_one()),
        told=frozenset(_told(connection, since)),
        flagged=frozenset((row[0], row[1]) for row in connection.execute(flags).all()),
    )


def touched_since(connection: sa.Connection, since: datetime, before: Seen, now: Seen) -> Touched | None:
    """The threads and contacts that changed between two looks; None where all may have changed.

    One buyer's orders tell something of what to expect of all of them.
    """
    columns = changes.c.kind, changes.c.event, changes.c.entity
    query = sa.select(*columns).where(changes.c.seq > before.position, changes.c.kind != "reminder").limit(MOST + 1)
    rows = connection.execute(query).all()
    is_vague = len(rows) > MOST or any(row.kind != "interaction" or row.event not in _KEPT for row in rows)
    if is_vague or not before.told <= now.told:
        return None
    logged = {row.entity for row in rows} | {id for id, _ in before.flagged ^ now.flagged}
    threads, people = _concerned(connection, logged)
    if fresh := now.told - before.told:
        told = [one for digest, one in _told(connection, since).items() if digest in fresh]
        threads |= {thread for _, thread in told if thread is not None}
        people |= {contact for contact, _ in told}
    return Touched(
        threads=frozenset(threads),
        contacts=frozenset(people),
        settled=all(row.event == "logged" for row in rows),
    )


def _told(connection: sa.Connection, since: datetime) -> dict[int, tuple[str, str | None]]:
    """What stands for each bounce and automatic reply -> whom and which thread it concerns."""
    columns = signals.c.contact_id, signals.c.thread_id, signals.c.message_key, signals.c.kind, signals.c.back_on
    rows = connection.execute(sa.select(*columns).where(signals.c.occurred_at >= since)).all()
    return {hash(tuple(row)): (row[0], row[1]) for row in rows}


def _concerned(connection: sa.Connection, ids: Collection[str]) -> tuple[set[str], set[str]]:
    """(threads, contacts) of these interactions."""
    threads: set[str] = set()
    people: set[str] = set()
    for chunk in chunks(sorted(ids)):
        of = sa.select(interactions.c.thread_id).where(interactions.c.id.in_(chunk))
        threads.update(filter(None, connection.execute(of).scalars()))
        who = sa.select(links.c.contact_id).where(links.c.interaction_id.in_(chunk))
        people.update(connection.execute(who.distinct()).scalars())
    return threads, people
