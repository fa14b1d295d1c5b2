"""A clock that was ahead and was set back: what was written down meanwhile lies in the future, and would be waited for.

Called when `run` and `sync` begin, and by the daemon when it sees its own clock go back.
"""

from datetime import datetime, timedelta

import sqlalchemy as sa

from agent.store.database import Database
from agent.store.tables import calendar_items, calendars, folders, gaps, mailboxes, meeting_cursors

APART = timedelta(minutes=1)
"""How far the clocks of hosts on one database may differ without anything being set right: no more than a lease."""
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
