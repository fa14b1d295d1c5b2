"""Calendar items as rows: what is to be written, what was, and what the user made of it.

One row an item and calendar: while a mailbox moves to another calendar, the same item is in two of them. Called by
the shelf of one calendar (`agent.store.calendar.shelf`) and where calendars are left (`agent.store.calendar.leaving`).
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa

from agent.reminders import item as items
from agent.reminders.intents import CalendarItem, Kept
from agent.store.database import Database
from agent.store.tables import calendar_items


def load_items(connection: sa.Connection, mailbox_id: int, place: str | None = None) -> list[CalendarItem]:
    """The items of a mailbox in one calendar, or in all that it ever had."""
    query = sa.select(calendar_items).where(calendar_items.c.mailbox_id == mailbox_id)
    if place is not None:
        query = query.where(calendar_items.c.place == place)
    return [as_item(row) for row in connection.execute(query.order_by(calendar_items.c.uid))]


def load_item(connection: sa.Connection, mailbox_id: int, place: str, uid: str) -> CalendarItem | None:
    """One item of one calendar."""
    query = sa.select(calendar_items).where(is_item(mailbox_id, place, uid))
    row = connection.execute(query).one_or_none()
    return as_item(row) if row is not None else None


def save_intents(
    database: Database, connection: sa.Connection, mailbox_id: int, place: str, changed: Sequence[CalendarItem]
) -> None:
    """Commits what is to be written. Call it in a durable transaction."""
    add_items(database, connection, mailbox_id, place, changed)
    for item in changed:
        save_item(connection, mailbox_id, place, item)


def add_items(
    database: Database, connection: sa.Connection, mailbox_id: int, place: str, new: Sequence[CalendarItem]
) -> None:
    """Adds those that the calendar has no row of yet."""
    rows = [{**_columns(item), "mailbox_id": mailbox_id, "place": place} for item in new]
    database.insert_new(connection, calendar_items, rows)


def save_item(connection: sa.Connection, mailbox_id: int, place: str, item: CalendarItem) -> None:
    """One item as it is known now."""
    query = sa.update(calendar_items).where(is_item(mailbox_id, place, item.uid))
    connection.execute(query.values(**_columns(item), last_error=None))


def is_item(mailbox_id: int, place: str, *uids: str) -> sa.ColumnElement[bool]:
    """The rows of these items in one calendar."""
    return sa.and_(
        calendar_items.c.mailbox_id == mailbox_id,
        calendar_items.c.place == place,
        calendar_items.c.uid.in_(sorted(uids)),
    )


def _columns(item: CalendarItem) -> dict[str, object]:
    return {
        "uid": item.uid,
        "reminder_id": item.reminder_id,
        "intent": item.intent,
        "attempts": item.attempts,
        "next_try": item.next_try,
        "href": item.href,
        "etag": item.etag,
        "unread": item.unread,
        "wanted": items.dump(item.wanted) if item.wanted is not None else None,
        "written": items.dump(item.written) if item.written is not None else None,
        "kept": asdict(item.kept),
    }


def as_item(row: sa.Row[tuple[Any, ...]]) -> CalendarItem:
    """The value of a row."""
    return CalendarItem(
        uid=row.uid,
        reminder_id=row.reminder_id,
        intent=row.intent,
        wanted=items.load(row.wanted) if row.wanted else None,
        written=items.load(row.written) if row.written else None,
        kept=Kept(**row.kept) if row.kept else Kept(),
        href=row.href,
        etag=row.etag,
        attempts=row.attempts,
        next_try=row.next_try,
        unread=row.unread,
    )
