"""When the owner of a mailbox is away, as their automatic replies and their calendar say it.

Written by `agent.work` and `agent.store.mail.meetings` at each pass, and read before reminders are placed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from agent.store.database import Database
from agent.store.tables import absences
from agent.store.unit import Lease, fenced
from connectors.message import Away

REPLIES = "replies"
"""The source that automatic replies are."""
_NOON = 12
"""From this hour on, replies that end count the day as one of absence."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Absence:
    """Days in the owner's zone, both inclusive. last: None until further notice."""

    first: date
    last: date | None = None


def from_replies(away: Away | None, *, zone: str, now: datetime) -> dict[str, Absence]:
    """Replies that end in the course of a day leave that day free: whoever is back at noon works then."""
    if away is None or (away.end is not None and away.end <= now):
        return {}
    first = (away.start or now).astimezone(ZoneInfo(zone)).date()
    last = _last_day(away.end, zone) if away.end is not None else None
    return {} if last is not None and last < first else {REPLIES: Absence(first=first, last=last)}


def _last_day(end: datetime, zone: str) -> date:
    wall = end.astimezone(ZoneInfo(zone))
    return wall.date() if wall.hour >= _NOON else wall.date() - timedelta(days=1)


def store(database: Database, lease: Lease, source: str, found: Mapping[str, Absence]) -> None:
    """What one source says now, in place of what it said before. Writes only what differs."""
    with database.read() as connection:
        if _of(connection, lease.mailbox_id, source) == dict(found):
            return
    with fenced(database, lease) as connection:
        replace(connection, lease.mailbox_id, source, found)


def replace(connection: sa.Connection, mailbox_id: int, source: str, found: Mapping[str, Absence]) -> None:
    """The same inside the caller's transaction."""
    here = sa.and_(absences.c.mailbox_id == mailbox_id, absences.c.source == source)
    connection.execute(sa.delete(absences).where(here))
    rows = [
        {"mailbox_id": mailbox_id, "source": source, "name": name, "first_day": one.first, "last_day": one.last}
        for name, one in sorted(found.items())
    ]
    if rows:
        connection.execute(sa.insert(absences), rows)


def _of(connection: sa.Connection, mailbox_id: int, source: str) -> dict[str, Absence]:
    query = sa.select(absences).where(absences.c.mailbox_id == mailbox_id, absences.c.source == source)
    return {row.name: Absence(first=row.first_day, last=row.last_day) for row in connection.execute(query)}
