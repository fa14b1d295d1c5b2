"""iCalendar text (RFC 5545) of one reminder: written for a calendar, read back from it.

Called by the connectors that store text (`caldav`, `ics`). What is written is private, shown as free, rings, and
names no attendee. What is read may be anything: an item that is too large, broken or not ours is None and blocks
nothing. An item that the user has invited people to, or cancelled, is theirs from then on: it is no longer ours, so
nothing of ours can ever send an invitation.
"""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from icalendar import Alarm, Calendar, Event
from icalendar.cal.component import Component

from connectors.errors import Skippable
from connectors.event import YEARS, CalendarEvent, FoundEvent
from connectors.zones import iana_name

PROPERTY = "X-CRM-REMINDER"
ITEM_LIMIT = 1024 * 1024
"""Bytes of one item; a user may have put a picture into it. What is longer is not looked at."""
TITLE_LIMIT = 1_000
DESCRIPTION_LIMIT = 32_000
_LINES = 20_000
_COMPONENTS = 200
_DONE_CATEGORIES = frozenset({"done", "✓"})
_DONE_TITLE = re.compile(r"\s*(?:done\b|[✓✔✅☑])", re.IGNORECASE)
_ALARM_MEMORY = ("X-MOZ-LASTACK", "X-MOZ-SNOOZE-TIME", "ACKNOWLEDGED")
UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError, RecursionError)
"""What icalendar raises on hostile text, as fuzzing found."""


def compose(event: CalendarEvent, now: datetime) -> bytes:
    """A new item. now: aware, for DTSTAMP."""
    return _bytes([_new(event, now)], event)


def compose_feed(items: Sequence[tuple[CalendarEvent, datetime]], name: str) -> bytes:
    """One calendar of all these items, for programs that can only subscribe. Each with its time of change, aware.

    The same items give the same bytes.
    """
    calendar = _calendar()
    calendar.add("x-wr-calname", _clean(name, TITLE_LIMIT))
    for event, changed in items:
        calendar.add_component(_new(event, changed))
    years = [event.start.year for event, _ in items]
    if years:
        calendar.add_missing_timezones(first_date=date(min(years) - 1, 1, 1), last_date=date(max(years) + 2, 1, 1))
    return bytes(calendar.to_ical())


def _new(event: CalendarEvent, now: datetime) -> Event:
    item = Event()
    item.add("uid", event.uid)
    item.add("created", now.astimezone(UTC))
    item.add("class", "PRIVATE")
    item.add("transp", "TRANSPARENT")
    item.add(PROPERTY, event.reminder)
    if event.categories:
        item.add("categories", [_clean(name, TITLE_LIMIT) for name in event.categories])
    item.add("sequence", 0)
    _fill(item, event, now)
    item.add_component(_alarm(event))
    return item


def revise(standing: bytes, event: CalendarEvent, now: datetime) -> bytes:
    """The item with our words and time anew; all that the user or the server added to it stays.

    Raises Skippable if what stands there is not an item of ours.
    """
    calendar = _parse(standing)
    item = _ours(calendar) if calendar is not None else None
    if calendar is None or item is None:
        raise Skippable("the calendar item is no longer one of ours, so it is left alone")
    if not _starts_at(item, event):
        _forget_alarms(item)
    item["SEQUENCE"] = _sequence(item) + 1
    _fill(item, event, now)
    others = [part for part in calendar.subcomponents if part is not item and not _can_be_made_anew(part)]
    return _bytes([item, *others], event)


def read(data: bytes, *, href: str, etag: str) -> FoundEvent | None:
    """What stands in the calendar, if it is ours and can be read."""
    calendar = _parse(data)
    item = _ours(calendar) if calendar is not None else None
    if item is None or not str(_first(item, PROPERTY)):
        return None
    try:
        start, zone = _start(item)
        return FoundEvent(
            uid=str(item["UID"]),
            reminder=str(_first(item, PROPERTY)),
            title=_text(item, "SUMMARY", TITLE_LIMIT),
            description=_text(item, "DESCRIPTION", DESCRIPTION_LIMIT),
            start=start,
            timezone=zone,
            etag=etag,
            href=href,
            done=_is_done(item),
        )
    except UNREADABLE:
        return None


def means_done(title: str, categories: tuple[str, ...] = (), status: str = "") -> bool:
    """Whether the user says that it is done: by status, by category, or at the beginning of the title."""
    if status.upper() == "COMPLETED" or _DONE_TITLE.match(title):
        return True
    return any(name.strip().casefold() in _DONE_CATEGORIES for name in categories)


def _parse(data: bytes) -> Component | None:
    if len(data) > ITEM_LIMIT or data.count(b"\n") > _LINES or data.upper().count(b"BEGIN:") > _COMPONENTS:
        return None
    try:
        return Calendar.from_ical(data)
    except UNREADABLE:
        return None


def _ours(calendar: Component) -> Event | None:
    """The item itself: with our property, not one changed occurrence of a series, nobody invited, not cancelled."""
    for item in calendar.walk("VEVENT"):
        if not isinstance(item, Event) or PROPERTY not in item or "UID" not in item or "RECURRENCE-ID" in item:
            continue
        invited = "ATTENDEE" in item or "ORGANIZER" in item
        return None if invited or str(_first(item, "STATUS")).upper() == "CANCELLED" else item
    return None


def _fill(item: Event, event: CalendarEvent, now: datetime) -> None:
    """Our words and our time; the length that the user gave an item stays while its start does."""
    _put(item, "SUMMARY", _clean(event.title, TITLE_LIMIT).replace("\n", " "))
    _put(item, "DESCRIPTION", _clean(event.description, DESCRIPTION_LIMIT))
    for stamp in ("DTSTAMP", "LAST-MODIFIED"):
        _put(item, stamp, now.astimezone(UTC))
    if not _starts_at(item, event):
        start = event.start.replace(tzinfo=ZoneInfo(event.timezone))
        item.pop("DURATION", None)
        _put(item, "DTSTART", start)
        _put(item, "DTEND", start + timedelta(minutes=event.duration_minutes))


def _starts_at(item: Event, event: CalendarEvent) -> bool:
    return "DTSTART" in item and _start(item) == (event.start, event.timezone)


def _alarm(event: CalendarEvent) -> Alarm:
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", _clean(event.title, TITLE_LIMIT).replace("\n", " "))
    alarm.add("trigger", timedelta(minutes=-event.alarm_minutes))
    return alarm


def _forget_alarms(item: Event) -> None:
    """An item that moves rings again, although its old alarm was answered (RFC 9074 section 6.1)."""
    for part in [item, *item.subcomponents]:
        for name in _ALARM_MEMORY:
            part.pop(name, None)


def _bytes(items: list[Any], event: CalendarEvent) -> bytes:
    calendar = _calendar()
    for item in items:
        calendar.add_component(item)
    year = event.start.year
    calendar.add_missing_timezones(first_date=date(year - 1, 1, 1), last_date=date(year + 2, 1, 1))
    return bytes(calendar.to_ical())


def _calendar() -> Calendar:
    calendar = Calendar()
    calendar.add("prodid", "-//crm-sync-agent//EN")
    calendar.add("version", "2.0")
    return calendar


def _start(item: Event) -> tuple[datetime | date, str]:
    """Wall time and zone. The zone is '' for a whole day and for floating time: then it is where the owner is."""
    value = _first(item, "DTSTART")
    start: datetime | date = value.dt
    if start.year not in YEARS:
        raise ValueError("a year that calendars cannot reckon with")
    if not isinstance(start, datetime):
        return start, ""
    zone = iana_name(str(value.params.get("TZID", "")))
    if zone or start.tzinfo is None:
        return start.replace(tzinfo=None), zone or ""
    return start.astimezone(UTC).replace(tzinfo=None), "UTC"


def _is_done(item: Event) -> bool:
    values = item.get("CATEGORIES", [])
    lists = values if isinstance(values, list) else [values]
    names = [str(name) for value in lists for name in getattr(value, "cats", [value])]
    return means_done(_text(item, "SUMMARY", TITLE_LIMIT), tuple(names), str(_first(item, "STATUS")))


def _sequence(item: Event) -> int:
    try:
        return int(_first(item, "SEQUENCE") or 0)
    except (ValueError, TypeError):
        return 0


def _first(item: Event, name: str) -> Any:  # noqa: ANN401 - icalendar's values have no common type
    """The value of a property, the first if it stands there twice, '' if it does not."""
    value = item.get(name, "")
    return value[0] if isinstance(value, list) else value


def _text(item: Event, name: str, limit: int) -> str:
    return str(_first(item, name)).replace("\r\n", "\n").replace("\0", "")[:limit]


def _can_be_made_anew(part: Component) -> bool:
    """A zone that everybody knows is written afresh, for the years the item is in now."""
    name = str(part.get("TZID", ""))
    return part.name == "VTIMEZONE" and iana_name(name) == name


def _put(item: Event, name: str, value: object) -> None:
    item.pop(name, None)
    item.add(name, value)


def _clean(text: str, limit: int) -> str:
    """Without control characters (RFC 5545 section 3.1 forbids them) and no longer than the limit."""
    kept = "".join(sign for sign in text[:limit] if sign >= " " or sign in "\n\t")
    return kept.replace("\x7f", "")
