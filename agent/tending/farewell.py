"""Empties calendars that the configuration names no more: of a mailbox that left, or that has another calendar now.

Called for a mailbox under its lease, by `agent.tending.tend` and, once the mailbox has left, by `agent.engine`. Which
items are to go was committed before (`agent.store.calendar.leaving`); here they go by the rules of the outbox: only
what carries our mark, only the version that we know, and what its owner typed into it is read first. Idempotent; cut
off anywhere, or before a calendar that is down, the next visit finishes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from agent.reminders.publish import Desk, Published, publish
from agent.store.calendar import leaving
from agent.store.calendar.leaving import LeftCalendar
from agent.store.calendar.shelf import CalendarShelf
from agent.store.database import Database
from agent.store.hashes import Hasher
from agent.store.unit import Lease, fenced
from agent.tending.withdrawn import Withdrawn
from config.model import Calendar
from connectors.base import CalendarSink
from connectors.errors import ConnectorError, Fatal, Retriable

_REST = timedelta(minutes=1)
_LONG_REST = timedelta(days=1)
"""After a refusal: nobody looks after these credentials any more, and directories lock accounts."""


@dataclass(frozen=True, kw_only=True)
class Leaver:
    """A mailbox whose left calendars are to be emptied. The fields are those of `agent.tending.tend.Tending`."""

    database: Database
    hasher: Hasher
    lease: Lease
    installation: str
    open_sink: Callable[[Calendar], CalendarSink]
    clock: Callable[[], datetime]
    hold: Callable[[float], bool]
    eager: bool = False


def withdraw(leaver: Leaver) -> Withdrawn:
    """Visits every left calendar of the mailbox whose turn it is. Raises StoreError or LeaseLost."""
    with leaver.database.read() as connection:
        waiting = leaving.waiting(connection, leaver.lease.mailbox_id)
    done = Withdrawn()
    for one in waiting:
        done += _visit(leaver, one)
    return done


def _visit(leaver: Leaver, one: LeftCalendar) -> Withdrawn:
    now = leaver.clock()
    if one.is_given_up(now):
        with fenced(leaver.database, leaver.lease, durable=True) as connection:
            leaving.give_up(connection, one)
        return Withdrawn(stays=one.waiting)
    if one.is_resting(now) and not leaver.eager:
        return Withdrawn(left=one.waiting)
    shelf = _shelf(leaver, one)
    published, error = _empty(leaver, shelf, one)
    if error is not None:
        shelf.rest(str(error), now + (_LONG_REST if isinstance(error, Fatal) else _REST))
    return Withdrawn(
        removed=published.deleted,
        left=len([item for item in shelf.items() if item.intent is not None]),
        error=error,
        is_news=error is not None and str(error) != one.fault,
    )


def _empty(leaver: Leaver, shelf: CalendarShelf, one: LeftCalendar) -> tuple[Published, ConnectorError | None]:
    try:
        sink = leaver.open_sink(one.site.calendar)
    except ConnectorError as error:
        return Published(), error
    try:
        published = publish(_desk(leaver, shelf, sink, one))
    except ConnectorError as error:
        return Published(), error
    finally:
        sink.close()
    return published, published.error


def _shelf(leaver: Leaver, one: LeftCalendar) -> CalendarShelf:
    return CalendarShelf(
        database=leaver.database,
        hasher=leaver.hasher,
        lease=leaver.lease,
        place=one.site.place,
        zone=one.site.zone,
        at=one.site.at,
        clock=leaver.clock,
        left=True,
    )


def _desk(leaver: Leaver, shelf: CalendarShelf, sink: CalendarSink, one: LeftCalendar) -> Desk:
    return Desk(
        sink=sink,
        shelf=shelf,
        zone=one.site.zone,
        at=one.site.at,
        installation=leaver.installation,
        clock=leaver.clock,
        hold=leaver.hold,
        eager=leaver.eager,
    )


def in_former_calendar(withdrawn: Withdrawn) -> ConnectorError | None:
    """What to say of a mailbox that is still read: its present calendar works, the one before does not let go."""
    if withdrawn.error is None:
        return None
    error = withdrawn.error
    sentence = f"{withdrawn.left} items still stand in the calendar that was configured before: {error}"
    return Retriable(sentence, advice=error.advice)
