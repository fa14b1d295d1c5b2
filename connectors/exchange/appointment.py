"""An appointment in a calendar of Exchange, read as the meeting it stands for. Pure.

A view of a calendar unrolls series: each time is an item with an id of its own, and with the UID of its series. So
nothing is reckoned here; which time of a series an item is, its original start says. Times travel as UTC; whole days
are those of the zone that the item was made in.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from connectors.exchange import calendar_item, shapes
from connectors.exchange.items import change_key, id_of, person
from connectors.exchange.xml import Element, children, find, moment, text
from connectors.ical import TITLE_LIMIT
from connectors.ical_meeting import ATTENDEES, AWAY, FIRST_YEAR, LAST_YEAR, LONGEST
from connectors.meeting import Appointment, Meeting, Window
from connectors.mime.charsets import clean_line
from connectors.zones import iana_name

_LISTED = (
    "item:Subject", "item:Sensitivity", "calendar:Start", "calendar:End", "calendar:IsAllDayEvent",
    "calendar:LegacyFreeBusyStatus", "calendar:IsMeeting", "calendar:CalendarItemType", "calendar:StartTimeZone",
)  # fmt: skip
"""What a view tells: enough to see what is private, what is a meeting, and who is away."""
_WHOLE = (
    *_LISTED, "calendar:UID", "calendar:RecurrenceId", "calendar:OriginalStart", "calendar:IsCancelled",
    "calendar:MyResponseType", "calendar:Organizer", "calendar:RequiredAttendees", "calendar:OptionalAttendees",
)  # fmt: skip
"""Rooms and devices (calendar:Resources) are not asked for."""
_ONE_OF_A_SERIES = frozenset(("Occurrence", "Exception"))
_OUTLOOKS = "040000008200E00074C5B7101A82E008"
_DAY_IN_UID = slice(32, 40)
"""Where the UID that Outlook makes holds the day of one time of a series ([MS-OXOCAL] section 2.2.1.27)."""


def listed() -> Element:
    return shapes.shape(list(map(shapes.field, _LISTED)))


def whole() -> Element:
    return shapes.shape([*map(shapes.field, _WHOLE), calendar_item.own()])


def version(item: Element) -> str:
    """Differs whenever something of the item does."""
    return f"{id_of(item)}\n{change_key(item)}"


def is_private(item: Element) -> bool:
    """Whatever its owner marked in any way: personal, private or confidential."""
    return text(item, "Sensitivity").lower() not in ("", "normal")


def is_meeting(item: Element) -> bool:
    return text(item, "IsMeeting") == "true"


def says_enough(item: Element, window: Window) -> bool:
    """Whether the view tells all that is to be told of it. An absence may yet be a reminder of ours."""
    return (is_private(item) or not is_meeting(item)) and _away(item, window) is None


def alone(item: Element, window: Window) -> Appointment:
    """What a view tells of an item that is private, or is no meeting."""
    return Appointment(href=id_of(item), private=is_private(item), away=_away(item, window))


def read(item: Element, window: Window) -> Appointment:
    """A whole item; nothing of a reminder of ours, whatever its owner made of it."""
    if calendar_item.value_of(item):
        return Appointment(href=id_of(item))
    if is_private(item):
        return alone(item, window)
    meeting = _meeting(item, window)
    return Appointment(href=id_of(item), meetings=() if meeting is None else (meeting,), away=_away(item, window))


def _meeting(item: Element, window: Window) -> Meeting | None:
    """None where nobody else takes part, where its owner declined, and for what is at no time at all."""
    times, uid = _times(item, window), _uid(item)
    people = [*children(item, "RequiredAttendees"), *children(item, "OptionalAttendees")][:ATTENDEES]
    refused = text(item, "MyResponseType") == "Decline"
    if times is None or not uid or not people or refused:
        return None
    invited = [(person(find(one, "Mailbox")), text(one, "ResponseType")) for one in people]
    return Meeting(
        uid=uid,
        title=clean_line(text(item, "Subject"))[:TITLE_LIMIT],
        start=times[0],
        end=times[1],
        recurrence=_recurrence(item),
        organiser=person(find(item, "Organizer", "Mailbox")),
        attendees=tuple(one for one, _ in invited if one is not None),
        declined=frozenset(one.address for one, said in invited if one is not None and said == "Decline"),
        cancelled=text(item, "IsCancelled") == "true",
    )


def _uid(item: Element) -> str:
    """The same for each time of a series, whichever server names it."""
    uid = clean_line(text(item, "UID"))
    if not uid.upper().startswith(_OUTLOOKS) or len(uid) < _DAY_IN_UID.stop:
        return uid
    return (uid[: _DAY_IN_UID.start] + "0" * 8 + uid[_DAY_IN_UID.stop :]).upper()


def _recurrence(item: Element) -> str:
    """One time of a series is named by when it was to begin; also where somebody was invited to that one alone."""
    begins = moment(text(item, "RecurrenceId"))
    if text(item, "CalendarItemType") in _ONE_OF_A_SERIES:
        begins = moment(text(item, "OriginalStart")) or begins or moment(text(item, "Start"))
    return "" if begins is None else begins.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _times(item: Element, window: Window) -> tuple[datetime, datetime] | None:
    """Start and end; of whole days, midnights where the owner is."""
    start, end = moment(text(item, "Start")), moment(text(item, "End"))
    if start is None or end is None or not FIRST_YEAR <= start.year <= end.year <= LAST_YEAR:
        return None
    if text(item, "IsAllDayEvent") == "true":
        first, last = _days(item, start, end, window)
        own = ZoneInfo(window.zone)
        start, end = (datetime.combine(day, time(), own) for day in (first, last + timedelta(days=1)))
    return None if end - start > LONGEST else (start.astimezone(UTC), end.astimezone(UTC))


def _days(item: Element, start: datetime, end: datetime, window: Window) -> tuple[date, date]:
    """First and last day, in the zone that the item was made in."""
    named = find(item, "StartTimeZone")
    zone = ZoneInfo(iana_name("" if named is None else named.get("Id", "")) or window.zone)
    first = start.astimezone(zone).date()
    return first, max(first, end.astimezone(zone).date() - timedelta(days=1))


def _away(item: Element, window: Window) -> tuple[date, date] | None:
    """The days of a whole-day appointment with nobody that says its owner is away."""
    start, end = moment(text(item, "Start")), moment(text(item, "End"))
    if start is None or end is None or text(item, "IsAllDayEvent") != "true" or is_meeting(item):
        return None
    if text(item, "CalendarItemType") not in ("", "Single") or not FIRST_YEAR <= start.year <= end.year <= LAST_YEAR:
        return None
    is_marked = text(item, "LegacyFreeBusyStatus") == "OOF"
    if not is_marked and not AWAY.search(text(item, "Subject")[:TITLE_LIMIT]):
        return None
    return _days(item, start, end, window)
