"""iCalendar text (RFC 5545) of somebody's own appointment, read as the meetings it stands for.

Called by `connectors.caldav_meetings`. What is read may be anything: an item that is too large, broken or private tells
nothing and blocks nothing. A series is unrolled inside the window only, in wall time, with its exceptions; of one that
repeats more often than daily, or in a way that nobody's calendar offers, only the first time is seen.
"""

import re
from calendar import monthrange
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, takewhile
from typing import Any
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr
from icalendar import Calendar, Event
from icalendar.cal.component import Component

from connectors.ical import ITEM_LIMIT, PROPERTY, TITLE_LIMIT, UNREADABLE
from connectors.meeting import Appointment, Meeting, Window
from connectors.message import Address
from connectors.zones import iana_name

ATTENDEES = 200
"""More are no meeting but an announcement; the rest is not read."""
OCCURRENCES = 400
_PARTS = {
    "DAILY": ("BYDAY",),
    "WEEKLY": ("BYDAY",),
    "MONTHLY": ("BYDAY", "BYMONTHDAY", "BYSETPOS"),
    "YEARLY": ("BYDAY", "BYMONTH", "BYMONTHDAY"),
}
"""What a rule of each frequency may be narrowed down by. A rule that never matches costs seconds before it ends in the
year 9999; those that are unrolled here always match."""
_NO_LEAP_YEAR = 2001
_PLAIN_PARTS = frozenset({"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST"})
_PRIVATE = ("PRIVATE", "CONFIDENTIAL")
_NOBODY = ("ROOM", "RESOURCE")
LONGEST = timedelta(days=60)
FIRST_YEAR, LAST_YEAR = 1980, 2200
AWAY = re.compile(
    r"\b(?:out of (?:the )?office|ooo|on leave|annual leave|vacation|holidays?|urlaub|abwesend|elternzeit|vacances"
    r"|congés?|absent|vacaciones|de baja|ferie|in ferie|vakantie|afwezig|férias|semester|urlop)\b",
    re.IGNORECASE,
)
"""What people call a whole day on which they are away. Public holidays have other names."""


def read_appointment(data: bytes, *, href: str, window: Window) -> Appointment | None:
    """None for what is ours, or cannot be read."""
    if len(data) > ITEM_LIMIT:
        return None
    try:
        return _appointment(Calendar.from_ical(data), href, window)
    except UNREADABLE:
        return None


def _appointment(calendar: Component, href: str, window: Window) -> Appointment | None:
    items = [item for item in calendar.walk("VEVENT") if isinstance(item, Event) and "UID" in item]
    if not items or any(PROPERTY in item for item in items):
        return None
    away = next((days for item in items if (days := _away(item)) is not None), None)
    if any(_text(item, "CLASS").upper() in _PRIVATE for item in items):
        return Appointment(href=href, private=True, away=away)
    return Appointment(href=href, meetings=tuple(_meetings(items, window)), away=away)


def _meetings(items: list[Event], window: Window) -> Iterator[Meeting]:
    """Of a series: each time in the window, as it was changed where it was."""
    changed = {_recurrence(item, window): item for item in items if "RECURRENCE-ID" in item}
    for name, item in changed.items():
        yield from filter(None, [_meeting(item, *_times(item, window), name)])
    for item in (each for each in items if "RECURRENCE-ID" not in each):
        start, end = _times(item, window)
        for begins in _starts(item, start, window):
            name = _name(begins) if "RRULE" in item else ""
            if name not in changed:
                yield from filter(None, [_meeting(item, begins, begins + (end - start), name)])


def _meeting(item: Event, start: datetime, end: datetime, recurrence: str) -> Meeting | None:
    """start, end: wall time with the zone it is meant in. None where nobody else takes part."""
    people = [one for one in _values(item, "ATTENDEE") if str(one.params.get("CUTYPE", "")).upper() not in _NOBODY]
    attendees = tuple(address for one in people[:ATTENDEES] if (address := _address(one)) is not None)
    organiser = next((address for one in _values(item, "ORGANIZER") if (address := _address(one))), None)
    if not attendees or end - start > LONGEST:
        return None
    declined = (_address(one) for one in people if str(one.params.get("PARTSTAT", "")).upper() == "DECLINED")
    return Meeting(
        uid=str(item["UID"]),
        title=_text(item, "SUMMARY")[:TITLE_LIMIT],
        start=start.astimezone(UTC),
        end=end.astimezone(UTC),
        recurrence=recurrence,
        organiser=organiser,
        attendees=attendees,
        declined=frozenset(one.address for one in declined if one is not None),
        cancelled=_text(item, "STATUS").upper() == "CANCELLED",
    )


def _starts(item: Event, start: datetime, window: Window) -> list[datetime]:
    if "RRULE" not in item:
        return [start]
    rule = _first(item, "RRULE")
    if not _matches(rule):
        return [start]
    zone = start.tzinfo
    wall = start.replace(tzinfo=None)
    low, high = (one.astimezone(zone).replace(tzinfo=None) for one in (window.start, window.end))
    known = rrulestr(_rule_text(rule, zone), dtstart=wall)
    times = islice(takewhile(lambda one: one <= high, known.xafter(low, inc=True)), OCCURRENCES)
    left_out = {_wall(one.dt, start) for value in _values(item, "EXDATE") for one in getattr(value, "dts", ())}
    extra = (_wall(one.dt, start) for value in _values(item, "RDATE") for one in getattr(value, "dts", ()))
    every = {*times, *(one for one in extra if low <= one <= high)} - left_out
    return [one.replace(tzinfo=zone) for one in sorted(every)]


def _matches(rule: Any) -> bool:  # noqa: ANN401 - icalendar's values have no common type
    """Whether a rule is of the kind that people make, which comes true again and again."""
    parts = {str(name).upper(): value for name, value in rule.items()}
    allowed = _PARTS.get(str(parts.get("FREQ", [""])[0]).upper(), ())
    narrowed = parts.keys() - _PLAIN_PARTS
    if not allowed or not narrowed <= set(allowed) or {"BYMONTHDAY", "BYDAY"} <= narrowed:
        return False
    if "BYSETPOS" in narrowed and "BYDAY" not in narrowed:
        return False
    numbers = [*parts.get("BYSETPOS", []), *(re.sub(r"\D", "", str(day)) or 1 for day in parts.get("BYDAY", []))]
    days = [abs(int(day)) for day in parts.get("BYMONTHDAY", [])]
    longest = min((monthrange(_NO_LEAP_YEAR, int(month))[1] for month in parts.get("BYMONTH", [])), default=31)
    return all(0 < abs(int(number)) <= 5 for number in numbers) and all(0 < day <= longest for day in days)


def _rule_text(rule: Any, zone: Any) -> str:  # noqa: ANN401 - icalendar's values have no common type
    """The rule with its end in wall time, as its start is."""
    plain = type(rule)(rule)
    until = plain.get("UNTIL", [None])[0]
    if isinstance(until, datetime) and until.tzinfo is not None:
        plain["UNTIL"] = [until.astimezone(zone).replace(tzinfo=None)]
    return str(plain.to_ical().decode())


def _wall(moment: date | datetime, start: datetime) -> datetime:
    if not isinstance(moment, datetime):
        return datetime.combine(moment, start.time())
    return moment.astimezone(start.tzinfo).replace(tzinfo=None) if moment.tzinfo is not None else moment


def _recurrence(item: Event, window: Window) -> str:
    return _name(_aware(_first(item, "RECURRENCE-ID"), window))


def _name(begins: datetime) -> str:
    return begins.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _times(item: Event, window: Window) -> tuple[datetime, datetime]:
    first = _first(item, "DTSTART")
    start = _aware(first, window)
    if "DTEND" in item:
        return start, max(start, _aware(_first(item, "DTEND"), window))
    if "DURATION" in item:
        return start, start + max(_first(item, "DURATION").dt, timedelta())
    return start, start + (timedelta() if isinstance(first.dt, datetime) else timedelta(days=1))


def _aware(value: Any, window: Window) -> datetime:  # noqa: ANN401 - icalendar's values have no common type
    """Wall time in its zone; whole days and floating times are where the owner is."""
    moment: date | datetime = value.dt
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ValueError("a year that calendars cannot reckon with")
    own = ZoneInfo(window.zone)
    if not isinstance(moment, datetime):
        return datetime.combine(moment, time(), tzinfo=own)
    name = iana_name(str(value.params.get("TZID", "")))
    if name:
        return moment.replace(tzinfo=ZoneInfo(name))
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=own)


def _away(item: Event) -> tuple[date, date] | None:
    """The days of a whole-day appointment with nobody that says its owner is away."""
    first = _first(item, "DTSTART")
    start = first.dt if first != "" else None
    if start is None or isinstance(start, datetime) or "ATTENDEE" in item or "RRULE" in item:
        return None
    is_marked = _text(item, "X-MICROSOFT-CDO-BUSYSTATUS").upper() == "OOF"
    if not is_marked and not AWAY.search(_text(item, "SUMMARY")[:TITLE_LIMIT]):
        return None
    end = _first(item, "DTEND").dt if "DTEND" in item else start + timedelta(days=1)
    return start, max(start, end - timedelta(days=1))


def _address(value: object) -> Address | None:
    text = str(value)
    address = text[7:] if text.lower().startswith("mailto:") else text
    if "@" not in address:
        return None
    name = str(getattr(value, "params", {}).get("CN", "")).strip('" ')
    return Address(address=address.strip(), name="" if "@" in name else name)


def _values(item: Event, name: str) -> list[Any]:
    value = item.get(name, [])
    return value if isinstance(value, list) else [value]


def _first(item: Event, name: str) -> Any:  # noqa: ANN401 - icalendar's values have no common type
    """The value of a property, the first if it stands there twice, '' if it does not."""
    return next(iter(_values(item, name)), "")


def _text(item: Event, name: str) -> str:
    return str(_first(item, name)).replace("\0", "")
