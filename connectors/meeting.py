"""The words of a person's own appointments, as far as they concern contacts. Nothing of them is ever changed."""

from dataclasses import dataclass
from datetime import date, datetime

from connectors.event import CalendarCursor
from connectors.message import Address


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """Which appointments are looked at: those that touch this time (aware). zone: the owner's, an IANA name."""

    start: datetime
    end: datetime
    zone: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Meeting:
    """One meeting with others. start, end: aware; of whole days, from midnight to midnight in the owner's zone.

    uid: the same in every attendee's calendar (iCalUId). recurrence: which of a series, the original start in UTC; ''
    for one that stands alone. declined: addresses of who said no. Rooms and devices are no attendees.
    """

    uid: str
    title: str
    start: datetime
    end: datetime
    recurrence: str = ""
    organiser: Address | None = None
    attendees: tuple[Address, ...] = ()
    declined: frozenset[str] = frozenset()
    cancelled: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Appointment:
    """Everything of one item in a calendar. A series has a meeting for each time that falls into the window.

    href: where it stands, opaque. private: its owner marked it so; then nothing else is told of it. away: first and
    last day of an absence of the owner that it stands for.
    """

    href: str
    meetings: tuple[Meeting, ...] = ()
    private: bool = False
    away: tuple[date, date] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Appointments:
    """What is new since a cursor. gone: hrefs, of those asked about, that stand there no more."""

    found: tuple[Appointment, ...] = ()
    gone: tuple[str, ...] = ()
    cursor: CalendarCursor
