"""An event of Graph → the owner's appointment and the meeting it stands for. Pure; nothing in the JSON raises.

An occurrence of a series is an event of its own here. What is private, or may be, is told as private and no more.
"""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from connectors.graph import items
from connectors.graph.entries import Entry, moment
from connectors.ical import TITLE_LIMIT
from connectors.ical_meeting import ATTENDEES, AWAY, FIRST_YEAR, LAST_YEAR, LONGEST
from connectors.meeting import Appointment, Meeting, Window
from connectors.message import Address
from connectors.mime.charsets import clean_line

FIELDS = (
    "id,subject,start,end,isAllDay,organizer,attendees,sensitivity,showAs,isCancelled,type,iCalUId,originalStart,"
    "responseStatus"
)
_SERIES = ("occurrence", "exception")
_GLOBAL_ID = re.compile(r"(040000008200E00074C5B7101A82E008)[0-9A-F]{8}([0-9A-F]+)\Z", re.IGNORECASE)
"""PidLidGlobalObjectId ([MS-OXOCAL] section 2.2.1.27): after sixteen bytes stands the day of an occurrence."""
_HALF_DAY = timedelta(hours=12)


def appointment_of(entry: Entry, window: Window) -> Appointment | None:
    """None for what is ours, for the head of a series, and for what has no times."""
    times = _times(entry, window)
    if items.uid_of(entry) or times is None or _text(entry, "type").lower() == "seriesmaster":
        return None
    href, away = str(entry["id"]), _away(entry, window)
    if _text(entry, "sensitivity").lower() != "normal":
        return Appointment(href=href, private=True, away=away)
    meeting = _meeting(entry, *times)
    return Appointment(href=href, meetings=(meeting,) if meeting is not None else (), away=away)


def touches(one: Appointment, window: Window) -> bool:
    """Whether any of it falls into the window. What has no meeting counts: it is told for what it no longer is."""
    return not one.meetings or any(each.start < window.end and each.end >= window.start for each in one.meetings)


def _meeting(entry: Entry, start: datetime, end: datetime) -> Meeting | None:
    """None where nobody else takes part, and where the owner declined: of others the attendees tell."""
    people = [one for one in _list(entry.get("attendees")) if _text(one, "type").lower() != "resource"][:ATTENDEES]
    attendees = tuple(address for one in people if (address := _address(one)) is not None)
    uid = uid_of(_text(entry, "iCalUId"))
    if not uid or not attendees or end - start > LONGEST or _response(entry.get("responseStatus")) == "declined":
        return None
    declined = (_address(one) for one in people if _response(one.get("status")) == "declined")
    return Meeting(
        uid=uid,
        title=clean_line(_text(entry, "subject"))[:TITLE_LIMIT],
        start=start,
        end=end,
        recurrence=_recurrence(entry),
        organiser=_address(entry.get("organizer")),
        attendees=attendees,
        declined=frozenset(one.address for one in declined if one is not None),
        cancelled=entry.get("isCancelled") is True,
    )


def uid_of(written: str) -> str:
    """The uid as invitations name it, the same for every time of a series."""
    found = _GLOBAL_ID.fullmatch(written)
    return f"{found[1]}00000000{found[2]}".upper() if found else written


def _recurrence(entry: Entry) -> str:
    """Which of a series, in the words that `Meeting` has for it."""
    original = moment(entry.get("originalStart"))
    if _text(entry, "type").lower() not in _SERIES or original is None:
        return ""
    return original.strftime("%Y%m%dT%H%M%SZ")


def _times(entry: Entry, window: Window) -> tuple[datetime, datetime] | None:
    """In UTC; whole days from midnight to midnight where the owner is."""
    if entry.get("isAllDay") is True:
        days = _days(entry)
        own = ZoneInfo(window.zone)
        midnights = [datetime.combine(day, time(), tzinfo=own).astimezone(UTC) for day in days] if days else []
        return (midnights[0], midnights[1]) if midnights else None
    return _instants(entry)


def _instants(entry: Entry) -> tuple[datetime, datetime] | None:
    """Start and end, of years that calendars can reckon with."""
    start, end = items.instant_of(entry.get("start")), items.instant_of(entry.get("end"))
    if start is None or end is None or not all(FIRST_YEAR <= one.year <= LAST_YEAR for one in (start, end)):
        return None
    return start, max(start, end)


def _days(entry: Entry) -> tuple[date, date] | None:
    """First day and the day after the last. Midnight somewhere is told in UTC: the nearest one there is meant."""
    instants = _instants(entry)
    if instants is None:
        return None
    first, after = ((one + _HALF_DAY).date() for one in instants)
    return first, max(first + timedelta(days=1), after)


def _away(entry: Entry, window: Window) -> tuple[date, date] | None:
    """The days of a whole-day appointment with nobody that says its owner is away."""
    days = _days(entry) if entry.get("isAllDay") is True else None
    if days is None or _list(entry.get("attendees")) or _text(entry, "type").lower() in _SERIES:
        return None
    if _text(entry, "showAs").lower() != "oof" and not AWAY.search(_text(entry, "subject")[:TITLE_LIMIT]):
        return None
    return days[0], days[1] - timedelta(days=1)


def _address(person: object) -> Address | None:
    mailbox = person.get("emailAddress") if isinstance(person, Mapping) else None
    if not isinstance(mailbox, Mapping):
        return None
    address, name = clean_line(_text(mailbox, "address")).strip(), clean_line(_text(mailbox, "name"))
    return Address(address=address, name="" if "@" in name else name) if "@" in address else None


def _response(status: object) -> str:
    return _text(status, "response").lower() if isinstance(status, Mapping) else ""


def _text(entry: Mapping[str, Any], name: str) -> str:
    value = entry.get(name)
    return value if isinstance(value, str) else ""


def _list(value: object) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []
