"""The words of calendars: what we write, and what we find there afterwards."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import NewType

CalendarCursor = NewType("CalendarCursor", str)
"""Opaque place in a calendar's changes; only the connector which made it can read it."""
YEARS = range(1980, 2201)
"""Of calendar items: programs and libraries reckon with these, while rules of zones end before the year 9999 does."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CalendarEvent:
    """One reminder as it should stand in the calendar: shown as free, private, with an alarm, no attendees ever.

    uid: `<keyed hash>@<installation>`; the href is derived from it, so a create can be repeated.
    reminder: the value of our own property (X-CRM-REMINDER, extended property): the keyed hash.
    start: wall time without tzinfo; timezone: IANA name. alarm_minutes: before the start.
    """

    uid: str
    reminder: str
    title: str
    description: str
    start: datetime
    timezone: str
    duration_minutes: int = 15
    alarm_minutes: int = 0
    categories: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundEvent:
    """An item of ours as the calendar holds it now.

    start: wall time without tzinfo in `timezone` (an IANA name; Windows names are translated), or a date if the
    user made it all-day. done: status COMPLETED, a category "Done", or a title that begins with "Done" or "✓".
    etag: the version for conditional writes (ETag, ChangeKey). href: where it stands, opaque.
    """

    uid: str
    reminder: str
    title: str
    description: str
    start: datetime | date
    timezone: str
    etag: str
    href: str
    done: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class CalendarChanges:
    """What happened in a calendar since a cursor.

    complete: `found` is everything of ours that stands there (first read, or the server forgot the cursor);
    then whoever is not named is gone. Otherwise `gone` names the hrefs that left.
    """

    found: tuple[FoundEvent, ...]
    gone: tuple[str, ...]
    cursor: CalendarCursor
    complete: bool
