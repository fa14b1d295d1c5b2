"""A clock that is wrong for a while: it must neither stop the reading nor delete what is young.

One that was ahead and was set back left times that lie in the future and would be waited for: `set_right`, called when
`run` and `sync` begin, and by the daemon when it sees its own clock go back. One that goes far ahead is on trial: until
it has held for a day, what is too old is reckoned from the last look (`agent.upkeep` looks, readers ask down to where).
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

import sqlalchemy as sa

from agent.store.database import Database
from agent.store.tables import calendar_items, calendars, chores, folders, gaps, mailboxes, meeting_cursors

APART = timedelta(minutes=1)
"""How far the clocks of hosts on one database may differ without anything being set right: no more than a lease."""
JUMP = timedelta(days=31)
"""What a clock may go ahead between two looks and be believed: machines rest for weeks, wrong years are more."""
TRIAL = timedelta(days=1)
_LOOKED, _TRIED = "looked", "clock on trial"
"""Names of two times among the chores: of the last look, and since when a clock is on trial."""
_TIMES = (
    *((mailboxes, name) for name in ("last_attempt", "last_success", "caught_up_at", "next_due", "contacts_due")),
    *((folders, name) for name in ("flags_read_at", "compared_at", "retry_at")),
    *((calendars, name) for name in ("read_at", "next_try")),
    *((table, "next_try") for table in (gaps, calendar_items, meeting_cursors)),
)
"""What happened cannot have happened later than now; what is planned was reckoned from then, so it is due."""


def set_right(database: Database, now: datetime) -> bool:
    """Whether a mailbox was read at a time still to come. Then everything is due now, and nobody is late by less."""
    with database.read() as connection:
        ahead = sa.select(mailboxes.c.id).where(mailboxes.c.last_attempt > now + APART).limit(1)
        if connection.execute(ahead).first() is None:
            return False
    with database.write() as connection:
        for table, name in _TIMES:
            connection.execute(sa.update(table).where(table.c[name] > now).values({name: now}))
        held = mailboxes.c.lease_until > now + APART
        connection.execute(sa.update(mailboxes).where(held).values(lease_until=now + APART))
    return True


def reckoned(database: Database, now: datetime) -> datetime:
    """From when ages are reckoned: now, or the last look while the clock is on trial."""
    with database.read() as connection:
        return _reckoned(_looks(connection), now)


def look(database: Database, now: datetime) -> datetime:
    """From when ages are reckoned; this was the last look from now on, or the clock is on trial."""
    with database.write() as connection:
        known = _looks(connection)
        counts = _reckoned(known, now)
        times = {_LOOKED: now} if counts == now else {_LOOKED: counts, _TRIED: _since(known, now) or now}
        connection.execute(sa.delete(chores).where(chores.c.name.in_((_LOOKED, _TRIED))))
        database.insert_new(connection, chores, [{"name": name, "since": when} for name, when in times.items()])
    return counts


def _looks(connection: sa.Connection) -> dict[str, datetime]:
    query = sa.select(chores).where(chores.c.name.in_((_LOOKED, _TRIED)))
    return {row.name: row.since for row in connection.execute(query)}


def _reckoned(known: Mapping[str, datetime], now: datetime) -> datetime:
    looked, since = known.get(_LOOKED), _since(known, now)
    has_held = since is not None and now - since >= TRIAL
    return now if looked is None or now - looked <= JUMP or has_held else looked


def _since(known: Mapping[str, datetime], now: datetime) -> datetime | None:
    """Since when this clock is on trial; None for one that was set back from another wrong time."""
    tried = known.get(_TRIED)
    return tried if tried is not None and tried - now < TRIAL else None
