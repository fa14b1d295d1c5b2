"""What becomes of reminders and calendar items when their mailbox leaves the configuration, or its calendar changes.

Everything is decided here as rows, in the transaction that notices the change: reminders end, items get the intent
to be deleted, their calendar is marked as left. `agent.tending.farewell` carries the intents out, however long the
calendar is down. A left calendar is opened once more by its description; secrets in it are references, so none is
in the database. Who comes back finds what was set aside, and nothing twice.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import Annotated

import sqlalchemy as sa
from pydantic import Field, TypeAdapter

from agent.reminders.calendar_days import instant
from agent.reminders.cycle import ACTIVE, IN_CALENDAR, MANUAL, NOT_NEEDED, ONLY_SUGGESTS, PENDING
from agent.reminders.intents import CREATE, DELETE, CalendarItem
from agent.store.calendar import reminders
from agent.store.calendar.item_rows import add_items, load_items, save_item
from agent.store.database import Database
from agent.store.leases import is_free
from agent.store.tables import calendar_items, calendars, mailboxes
from agent.store.tables import reminders as reminder_rows
from config.model import Calendar

PATIENCE = timedelta(days=30)
"""How long a left calendar that cannot be reached is tried; what stands there after that stays."""
_CALENDAR: TypeAdapter[Calendar] = TypeAdapter(Annotated[Calendar, Field(discriminator="type")])


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """One calendar of a mailbox. place: its digest. zone, at: of the mailbox's owner."""

    place: str
    calendar: Calendar
    zone: str
    at: time

    def described(self) -> dict[str, object]:
        """For a JSON column, without any secret: references as the configuration has them."""
        return {"calendar": self.calendar.model_dump(mode="json"), "zone": self.zone, "at": self.at.isoformat()}


@dataclass(frozen=True, kw_only=True, slots=True)
class LeftCalendar:
    """A calendar that still holds items which are to go. fault: why they are still there, None if nobody tried yet.

    gone: the mailbox left the configuration, not only this calendar. waiting: how many items are to go.
    """

    mailbox_id: int
    address: str
    gone: bool
    site: Site
    left_at: datetime
    waiting: int
    fault: str | None = None
    next_try: datetime | None = None

    def is_resting(self, now: datetime) -> bool:
        """Whether it is to be left alone for now, after it refused or failed."""
        return self.next_try is not None and self.next_try > now

    def is_given_up(self, now: datetime) -> bool:
        """Whether it was tried for long enough."""
        return now - self.left_at > PATIENCE


def leave(database: Database, connection: sa.Connection, mailbox_id: int, now: datetime) -> None:
    """Its mailbox left the configuration: reminders are not needed, items still to come are to go.

    Items whose time has passed are history and stay. Call it in a durable transaction.
    """
    active = [one for one in reminders.standing(connection, mailbox_id) if one.state in ACTIVE]
    for one in active:
        query = sa.update(reminder_rows).where(reminder_rows.c.id == one.id)
        connection.execute(query.values(state=NOT_NEEDED, set_aside=one.state, changed_at=now))
    reminders.publish_changes(database, connection, [(one.id, "withdrawn") for one in active])
    for row in connection.execute(_of(mailbox_id).where(calendars.c.left_at.is_(None))).all():
        _depart(
            connection, row, [_left_behind(item, now) for item in load_items(connection, mailbox_id, row.place)], now
        )


def come_back(database: Database, connection: sa.Connection, mailbox_id: int, now: datetime) -> None:
    """The mailbox is in the configuration again: what was set aside stands again as its owner left it.

    A reminder of a rule whose time has passed meanwhile is left to the rule, which gives it a new morning.
    """
    revived: list[tuple[str, str]] = []
    query = sa.select(reminder_rows).where(
        reminder_rows.c.mailbox_id == mailbox_id, reminder_rows.c.set_aside.is_not(None)
    )
    for row in connection.execute(query).all():
        values: dict[str, object] = {"set_aside": None, "changed_at": now}
        is_ahead = instant(datetime.fromisoformat(row.due), row.timezone) > now
        if row.state == NOT_NEEDED and (is_ahead or row.rule == MANUAL or row.rule in ONLY_SUGGESTS):
            values["state"] = PENDING if row.set_aside == IN_CALENDAR else row.set_aside
            revived.append((row.id, "updated"))
        connection.execute(sa.update(reminder_rows).where(reminder_rows.c.id == row.id).values(**values))
    reminders.publish_changes(database, connection, revived)


def is_settled(connection: sa.Connection, mailbox_id: int, site: Site | None) -> bool:
    """Whether `settle` would change nothing."""
    here = connection.execute(_of(mailbox_id).where(calendars.c.left_at.is_(None))).all()
    if site is None:
        return not here
    return [(row.place, row.described) for row in here] == [(site.place, site.described())]


def settle(database: Database, connection: sa.Connection, mailbox_id: int, site: Site | None, now: datetime) -> None:
    """This is the mailbox's calendar from now on (None: it has none); every other one it had is left.

    What stands in another one goes there, and is made here once, with the words its owner gave it. Call it in a
    durable transaction.
    """
    rows = connection.execute(_of(mailbox_id).where(calendars.c.left_at.is_(None))).all()
    others = [row for row in rows if site is None or row.place != site.place]
    if site is not None:
        _mark_current(database, connection, mailbox_id, site)
    for row in others:
        items = load_items(connection, mailbox_id, row.place)
        if site is not None:
            add_items(database, connection, mailbox_id, site.place, list(_anew(items)))
        _depart(connection, row, [item if item.kept.done else replace(item, intent=DELETE) for item in items], now)
    if others:
        _stands_nowhere(database, connection, mailbox_id, now)


def waiting(connection: sa.Connection, mailbox_id: int | None = None) -> list[LeftCalendar]:
    """Left calendars with items that are to go, of one mailbox or of all; the longest left first."""
    count = sa.select(sa.func.count()).where(
        calendar_items.c.mailbox_id == calendars.c.mailbox_id,
        calendar_items.c.place == calendars.c.place,
        calendar_items.c.intent == DELETE,
    )
    query = (
        sa.select(calendars, mailboxes.c.address, mailboxes.c.active, count.scalar_subquery().label("waiting"))
        .join(mailboxes, mailboxes.c.id == calendars.c.mailbox_id)
        .where(calendars.c.left_at.is_not(None))
        .order_by(calendars.c.left_at, calendars.c.mailbox_id, calendars.c.place)
    )
    if mailbox_id is not None:
        query = query.where(calendars.c.mailbox_id == mailbox_id)
    return [_left(row) for row in connection.execute(query) if row.waiting and row.described]


def due(connection: sa.Connection, now: datetime) -> Sequence[int]:
    """Mailboxes that left the configuration, that nobody holds, and whose calendar may be tried now."""
    ready = {one.mailbox_id for one in waiting(connection) if one.gone and not one.is_resting(now)}
    rows = connection.execute(sa.select(mailboxes).where(mailboxes.c.id.in_(sorted(ready))).order_by(mailboxes.c.id))
    return [row.id for row in rows if is_free(row.lease_owner, row.lease_until, now)]


def give_up(connection: sa.Connection, one: LeftCalendar) -> None:
    """What could not be withdrawn stays where it stands."""
    query = sa.update(calendar_items).where(
        calendar_items.c.mailbox_id == one.mailbox_id,
        calendar_items.c.place == one.site.place,
        calendar_items.c.intent == DELETE,
    )
    connection.execute(query.values(intent=None))


def try_again(connection: sa.Connection) -> None:
    """A configuration was read: a secret that could not be resolved may be there now."""
    connection.execute(sa.update(calendars).where(calendars.c.left_at.is_not(None)).values(next_try=None))


def _depart(
    connection: sa.Connection, row: "sa.Row[tuple[object, ...]]", items: Sequence[CalendarItem], now: datetime
) -> None:
    """This calendar is left with these items. One that was never read was never written to (`agent.tending.tend` reads
    first): an address with a mistake in it owes nothing.
    """
    if row.read_at is None:
        here = sa.and_(calendar_items.c.mailbox_id == row.mailbox_id, calendar_items.c.place == row.place)
        connection.execute(sa.delete(calendar_items).where(here))
    else:
        for item in items:
            save_item(connection, row.mailbox_id, row.place, item)
    _mark_left(connection, row.mailbox_id, row.place, now)


def _left_behind(item: CalendarItem, now: datetime) -> CalendarItem:
    """An item still to come is to go. One that has passed, or was ticked off, stays as it stands."""
    events = [event for event in (item.written, item.wanted) if event is not None]
    is_ahead = any(instant(event.start, event.timezone) > now for event in events)
    if item.intent == DELETE or (not item.kept.done and (is_ahead or item.href is None)):
        return replace(item, intent=DELETE, attempts=0, next_try=None)
    return replace(item, intent=None, wanted=item.written or item.wanted, next_try=None)


def _anew(items: Collection[CalendarItem]) -> Iterator[CalendarItem]:
    for item in items:
        if item.intent != DELETE and not item.kept.done:
            yield CalendarItem(
                uid=item.uid, reminder_id=item.reminder_id, intent=CREATE, wanted=item.wanted, kept=item.kept
            )


def _stands_nowhere(database: Database, connection: sa.Connection, mailbox_id: int, now: datetime) -> None:
    """What stood in the old calendar is pending until the new one has confirmed it."""
    stood = [one.id for one in reminders.standing(connection, mailbox_id) if one.state == IN_CALENDAR]
    reminders.set_state(database, connection, stood, PENDING, now)


def _mark_current(database: Database, connection: sa.Connection, mailbox_id: int, site: Site) -> None:
    described: dict[str, object] = {"described": site.described(), "left_at": None}
    known = connection.execute(_of(mailbox_id).where(calendars.c.place == site.place)).one_or_none()
    if known is None:
        new = {"mailbox_id": mailbox_id, "place": site.place, **described}
        database.insert_new(connection, calendars, [new])
        return
    if known.left_at is not None:  # it may have been emptied or renewed meanwhile: everything is looked at once more
        described |= {"cursor": None, "fault": None, "next_try": None}
    here = sa.and_(calendars.c.mailbox_id == mailbox_id, calendars.c.place == site.place)
    connection.execute(sa.update(calendars).where(here).values(**described))


def _mark_left(connection: sa.Connection, mailbox_id: int, place: str, now: datetime) -> None:
    left = {"left_at": now, "fault": None, "next_try": None}
    here = sa.and_(calendars.c.mailbox_id == mailbox_id, calendars.c.place == place)
    connection.execute(sa.update(calendars).where(here).values(**left))


def _of(mailbox_id: int) -> "sa.Select[tuple[object, ...]]":
    return sa.select(calendars).where(calendars.c.mailbox_id == mailbox_id)


def _left(row: "sa.Row[tuple[object, ...]]") -> LeftCalendar:
    described = row.described
    return LeftCalendar(
        mailbox_id=row.mailbox_id,
        address=row.address,
        gone=not row.active,
        site=Site(
            place=row.place,
            calendar=_CALENDAR.validate_python(described["calendar"]),
            zone=described["zone"],
            at=time.fromisoformat(described["at"]),
        ),
        left_at=row.left_at,
        waiting=row.waiting,
        fault=row.fault,
        next_try=row.next_try,
    )
