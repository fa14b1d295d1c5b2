"""The calendar items of one mailbox as rows: intents, what was written, and what was read back.

Implements `agent.reminders.publish.Shelf`. Every method is one transaction that checks the lease; intents are on disk
before the remote write they stand for.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime, time
from typing import Any

import sqlalchemy as sa

from agent.reminders.cycle import ACTIVE, ADOPTED, DISMISSED, DONE, IN_CALENDAR, NOT_NEEDED, SNOOZED, Standing
from agent.reminders.intents import CalendarItem, Kept, event_of
from agent.reminders.publish import Reading
from agent.reminders.readback import Deed, Sighting, settled, sighting, wall_start
from agent.store.calendar import notes, reminders
from agent.store.calendar.item_rows import add_items, is_item, load_item, load_items, save_item
from agent.store.database import Database
from agent.store.hashes import Hasher
from agent.store.tables import calendar_items, calendars
from agent.store.tables import reminders as reminder_rows
from agent.store.unit import Lease, fenced
from connectors.event import CalendarCursor, FoundEvent


@dataclass(frozen=True, kw_only=True)
class CalendarShelf:
    """One mailbox's calendar. place: which of those it ever had. zone, at: the owner's.

    left: the configuration names it no more. What left it then tells nothing, and where an item stood there does not
    count against what its owner chose since.
    """

    database: Database
    hasher: Hasher
    lease: Lease
    place: str
    zone: str
    at: time
    clock: Callable[[], datetime]
    left: bool = False

    def is_resting(self) -> bool:
        """Whether the calendar is to be left alone for now, after it refused or failed."""
        with self.database.read() as connection:
            row = connection.execute(self._calendar()).one_or_none()
        return row is not None and row.next_try is not None and row.next_try > self.clock()

    def rest(self, sentence: str, until: datetime) -> None:
        """Leaves the calendar alone until then, and says why."""
        with self._write() as connection:
            values = {"fault": sentence, "next_try": until}
            connection.execute(sa.update(calendars).where(self._here()).values(**values))

    def cursor(self) -> CalendarCursor | None:
        with self.database.read() as connection:
            row = connection.execute(self._calendar()).one_or_none()
        return CalendarCursor(row.cursor) if row is not None and row.cursor is not None else None

    def items(self) -> Sequence[CalendarItem]:
        with self.database.read() as connection:
            return load_items(connection, self.lease.mailbox_id, self.place)

    def item(self, uid: str) -> CalendarItem | None:
        with self.database.read() as connection:
            return load_item(connection, self.lease.mailbox_id, self.place, uid)

    def record(self, reading: Reading) -> None:
        now = self.clock()
        with self._write() as connection:
            known = {one.id: one for one in reminders.standing(connection, self.lease.mailbox_id)}
            for seen in reading.seen:
                one = known.get(seen.item.reminder_id)
                self._take_in(connection, seen, one, now, unread=reading.cursor is None)
            for found in reading.strangers:
                self._adopt(connection, found, known, now)
            self._dismiss(connection, reading.gone, now)
            if reading.cursor is not None or reading.fault is not None:
                self._move_on(connection, reading, now)

    def confirm(self, item: CalendarItem, found: FoundEvent) -> None:
        unread = item.unread or item.href is None
        stands = replace(item, intent=None, written=item.wanted, href=found.href, etag=found.etag, attempts=0)
        with self._write() as connection:
            self._save(connection, replace(stands, unread=unread))
            reminders.confirm(self.database, connection, item.reminder_id, self.clock())

    def removed(self, item: CalendarItem) -> None:
        with self._write() as connection:
            connection.execute(sa.delete(calendar_items).where(self._is(item.uid)))

    def failed(self, item: CalendarItem, sentence: str, next_try: datetime) -> None:
        with self._write() as connection:
            connection.execute(
                sa.update(calendar_items)
                .where(self._is(item.uid))
                .values(attempts=item.attempts + 1, next_try=next_try, last_error=sentence)
            )

    def _take_in(
        self, connection: sa.Connection, seen: Sighting, one: Standing | None, now: datetime, *, unread: bool
    ) -> None:
        """What the user did to one item: state, time, words and note, and the item as it stands now."""
        if one is None:  # the reminder went with its contact; the item follows
            self._save(connection, replace(seen.item, href=seen.found.href, etag=seen.found.etag))
            return
        if seen.deed.note is not None:
            notes.record(self.database, connection, self.hasher, one, seen.deed.note, now)
        moved = self._follow(connection, one, seen.deed, now)
        after = replace(settled(seen, moved), unread=unread)
        self._save(connection, after)
        if after.intent is None:
            reminders.confirm(self.database, connection, one.id, now)

    def _follow(self, connection: sa.Connection, one: Standing, deed: Deed, now: datetime) -> Standing:
        ended_with_us = self.left and one.state == NOT_NEEDED and deed.done
        if one.state not in ACTIVE and not ended_with_us:
            return one
        due = deed.moved_to or one.due
        if deed.done:
            reminders.set_state(self.database, connection, [one.id], DONE, now)
        elif deed.moved_to is not None and not (self.left and one.state == SNOOZED):
            reminders.move(self.database, connection, one.id, due, SNOOZED, now)
        return replace(one, due=due, zone=self.zone if deed.moved_to is not None else one.zone)

    def _adopt(
        self, connection: sa.Connection, found: FoundEvent, known: Mapping[str, Standing], now: datetime
    ) -> None:
        """An item of ours that no row knows, as after a restored backup: taken in as it stands."""
        if self._is_elsewhere(connection, found):
            return
        one = known.get(found.reminder)
        if one is None:
            one = _adopted(found, self.zone, self.at)
            reminders.insert(self.database, connection, self.lease.mailbox_id, one, now)
            kept = Kept(title=found.title, description=found.description, done=found.done)
        else:
            kept = Kept(done=one.state in (DONE, DISMISSED))
        item = CalendarItem(uid=found.uid, reminder_id=one.id, wanted=event_of(one, found.uid, kept), kept=kept)
        add_items(self.database, connection, self.lease.mailbox_id, self.place, [item])
        seen = sighting(item, found, zone=self.zone, at=self.at)
        self._take_in(connection, seen, one, now, unread=False)

    def _is_elsewhere(self, connection: sa.Connection, found: FoundEvent) -> bool:
        """Two of our mailboxes may share a calendar: what the other one knows is not ours to adopt."""
        item = sa.select(calendar_items.c.uid).where(
            calendar_items.c.uid == found.uid, calendar_items.c.mailbox_id != self.lease.mailbox_id
        )
        row = sa.select(reminder_rows.c.id).where(
            reminder_rows.c.id == found.reminder, reminder_rows.c.mailbox_id != self.lease.mailbox_id
        )
        return connection.execute(item).first() is not None or connection.execute(row).first() is not None

    def _dismiss(self, connection: sa.Connection, gone: Collection[str], now: datetime) -> None:
        rows = connection.execute(
            sa.select(calendar_items.c.reminder_id, reminder_rows.c.state)
            .join(reminder_rows, reminder_rows.c.id == calendar_items.c.reminder_id)
            .where(self._is(*gone))
        )
        ids = [row.reminder_id for row in rows if row.state in ACTIVE and not self.left]
        reminders.set_state(self.database, connection, ids, DISMISSED, now)
        connection.execute(sa.delete(calendar_items).where(self._is(*gone)))

    def _move_on(self, connection: sa.Connection, reading: Reading, now: datetime) -> None:
        values: dict[str, object] = {"fault": reading.fault, "read_at": now, "next_try": None}
        if reading.cursor is not None:
            values["cursor"] = reading.cursor
        connection.execute(sa.update(calendars).where(self._here()).values(**values))

    def _write(self) -> AbstractContextManager[sa.Connection]:
        return fenced(self.database, self.lease, durable=True)

    def _calendar(self) -> sa.Select[tuple[Any, ...]]:
        return sa.select(calendars).where(self._here())

    def _here(self) -> sa.ColumnElement[bool]:
        return sa.and_(calendars.c.mailbox_id == self.lease.mailbox_id, calendars.c.place == self.place)

    def _is(self, *uids: str) -> sa.ColumnElement[bool]:
        return is_item(self.lease.mailbox_id, self.place, *uids)

    def _save(self, connection: sa.Connection, item: CalendarItem) -> None:
        save_item(connection, self.lease.mailbox_id, self.place, item)


def _adopted(found: FoundEvent, zone: str, at: time) -> Standing:
    due = wall_start(found, zone, at)
    return Standing(
        id=found.reminder,
        rule=ADOPTED,
        state=DONE if found.done else IN_CALENDAR,
        planned=due,
        due=due,
        zone=zone,
        title=found.title or "Follow up",
        why="It stood in the calendar already.",
        reason=found.reminder,
    )
