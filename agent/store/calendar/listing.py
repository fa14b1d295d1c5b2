"""Reminders as people and the change feed see them: the columns, where each stands, and what JSON says of it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from agent.reminders.calendar_days import instant
from agent.reminders.cycle import ACTIVE, BUNDLE, CLOSED_BY_USER, NOT_NEEDED
from agent.store.prepared import VALUES, Prepared
from agent.store.tables import calendar_items, calendars, contact_emails, mailboxes, reminders

EVERY_STATE = frozenset({*ACTIVE, *CLOSED_BY_USER, NOT_NEEDED})
"""Of reminders that stand and of those that are over."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Listed:
    """A reminder as people see it. due_at: aware. contact: an address, '' where it has none. uid: of its item.

    calendar: the type of the mailbox's, as the last pass found it.
    """

    id: str
    rule: str
    contact: str
    contact_id: str | None
    mailbox: str
    title: str
    due_at: datetime
    timezone: str
    state: str
    uid: str | None
    calendar: str | None
    interaction_id: str | None
    why: str

    def told(self) -> dict[str, object]:
        """What JSON says of it."""
        return {
            "id": self.id,
            "rule": self.rule,
            "contact": self.contact or None,
            "mailbox": self.mailbox,
            "title": self.title,
            "due_at": self.due_at.isoformat(),
            "timezone": self.timezone,
            "state": self.state,
            "calendar": self.calendar,
            "uid": self.uid,
            "interaction_id": self.interaction_id,
            "why": self.why,
        }


def find(connection: sa.Connection, id: str) -> Listed | None:
    """One reminder, by its whole id or by a beginning of it that no other has."""
    rows = connection.execute(_listing().where(reminders.c.id.startswith(id, autoescape=True)).limit(2)).all()
    exact = [row for row in rows if row.id == id] or rows
    return _listed(exact[0]) if len(exact) == 1 else None


def listed(
    connection: sa.Connection,
    *,
    contact_id: str | None = None,
    mailbox: str | None = None,
    states: Collection[str] = ACTIVE,
) -> list[Listed]:
    """By due time. mailbox: a normalised address. Bundles are not listed, what stands in them is."""
    query = _listing().where(reminders.c.rule != BUNDLE, reminders.c.state.in_(sorted(states)))
    if contact_id is not None:
        query = query.where(reminders.c.contact_id == contact_id)
    if mailbox is not None:
        query = query.where(mailboxes.c.address == mailbox)
    return sorted((_listed(row) for row in connection.execute(query)), key=lambda one: (one.due_at, one.id))


def among(connection: sa.Connection, ids: Collection[str]) -> list[Listed]:
    """Those of these that are no bundles."""
    return [_listed(_Told._make(row)) for row in _LISTING.among(connection, ids)]


def _listing() -> sa.Select[tuple[object, ...]]:
    address = (
        sa.select(contact_emails.c.address)
        .where(contact_emails.c.contact_id == reminders.c.contact_id)
        .order_by(contact_emails.c.is_primary.desc(), contact_emails.c.match_key)
        .limit(1)
        .scalar_subquery()
    )
    shown_in = sa.func.coalesce(reminders.c.bundle_id, reminders.c.id)
    item = sa.select(calendar_items.c.uid).where(calendar_items.c.reminder_id == shown_in).limit(1).scalar_subquery()
    kind = (
        sa.select(calendars.c.described["calendar", "type"].as_string())
        .where(calendars.c.mailbox_id == reminders.c.mailbox_id, calendars.c.left_at.is_(None))
        .limit(1)
        .scalar_subquery()
    )
    told = (reminders.c[name] for name in _Told._fields[:-4])
    beside = (mailboxes.c.written.label("mailbox"), address.label("contact"), item.label("uid"), kind.label("calendar"))
    return sa.select(*told, *beside).join(mailboxes, mailboxes.c.id == reminders.c.mailbox_id)


class _Told(NamedTuple):
    """The columns of a listing."""

    id: str
    rule: str
    contact_id: str | None
    title: str
    due: str
    timezone: str
    state: str
    interaction_id: str | None
    why: str
    mailbox: str
    contact: str | None
    uid: str | None
    calendar: str | None


_LISTING = Prepared(_listing().where(reminders.c.id.in_(VALUES), reminders.c.rule != BUNDLE))


def _listed(row: Any) -> Listed:  # noqa: ANN401  # of SQLAlchemy, or `_Told`: they share no type
    return Listed(
        id=row.id,
        rule=row.rule,
        contact=row.contact or "",
        contact_id=row.contact_id,
        mailbox=row.mailbox,
        title=row.title,
        due_at=_aware(row.due, row.timezone),
        timezone=row.timezone,
        state=row.state,
        uid=row.uid,
        calendar=row.calendar,
        interaction_id=row.interaction_id,
        why=row.why,
    )


def _aware(due: str, zone: str) -> datetime:
    """With the offset that the wall has then, by the rules of the zone as they are now."""
    return instant(wall_time(due), zone).astimezone(ZoneInfo(zone) if zone else UTC)


@lru_cache(maxsize=1024)
def wall_time(text: str) -> datetime:
    """Most stand at the same hour of few days."""
    return datetime.fromisoformat(text)
