"""Reminders as events of Graph: written from a `CalendarEvent`, read back as a `FoundEvent`. Pure.

What is written is private, shown as free, rings, and names no attendee. An event that the user has invited people to,
or cancelled, is theirs from then on.
"""

import re
import uuid
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tzlocal.windows_tz import tz_win

from connectors.event import CalendarEvent, FoundEvent
from connectors.graph.entries import Entry, moment
from connectors.ical import DESCRIPTION_LIMIT, TITLE_LIMIT, means_done
from connectors.mime.charsets import clean_body, clean_line
from connectors.mime.html import html_to_text
from connectors.own_property import GRAPH_BIRTH_ID, GRAPH_ID, GRAPH_ZONE_ID, reminder_of
from connectors.zones import iana_name, is_zone

FIELDS = (
    "id,subject,body,start,end,isAllDay,originalStartTimeZone,categories,attendees,isCancelled,type,changeKey,"
    "isReminderOn,reminderMinutesBeforeStart"
)
SIGNAL_ID = "SystemTime {00062008-0000-0000-C000-000000000046} Id 0x8560"
"""PidLidReminderSignalTime ([MS-OXORMDR] section 2.2.1.7): when it rings next, which a snooze alone moves."""
EXPAND = "singleValueExtendedProperties($filter={})".format(
    " or ".join(f"id eq '{id}'" for id in (GRAPH_ID, GRAPH_BIRTH_ID, GRAPH_ZONE_ID, SIGNAL_ID))
)
SNOOZED_FOR = timedelta(hours=1)
"""A snooze that goes so far beyond the start counts as moving the item; a shorter one is for the alarm alone."""
_NAMESPACE = uuid.UUID("2d5e2f0c-6f0b-4c0e-9f9a-5b1c3f7a9d41")
_SPACE = re.compile(r"[ \t]+\n")
_OWN_KINDS = frozenset(("", "singleinstance", "seriesmaster"))


def transaction_of(uid: str, turn: str = "") -> str:
    """The same for each attempt to create this item. turn: sets one apart that comes after a deletion."""
    return str(uuid.uuid5(_NAMESPACE, f"{uid} {turn}" if turn else uid))


def new_item(event: CalendarEvent, *, transaction: str, birth: str, windows: bool = False) -> dict[str, Any]:
    """The body of a POST. windows: see `changed_times`."""
    times = changed_times(event, windows=windows)
    return {
        **changed_words(event),
        **times,
        "categories": list(event.categories),
        "showAs": "free",
        "sensitivity": "private",
        "responseRequested": False,
        "transactionId": transaction,
        "singleValueExtendedProperties": [
            {"id": GRAPH_ID, "value": event.uid},
            {"id": GRAPH_BIRTH_ID, "value": birth},
            *times.get("singleValueExtendedProperties", ()),
        ],
    }


def changed_words(event: CalendarEvent) -> dict[str, Any]:
    """Title and text."""
    return {
        "subject": clean_line(event.title)[:TITLE_LIMIT],
        "body": {"contentType": "text", "content": clean_body(event.description)[:DESCRIPTION_LIMIT]},
    }


def changed_times(event: CalendarEvent, *, windows: bool = False) -> dict[str, Any]:
    """Start, end and alarm. Wall time in the person's zone, so that Outlook shows it where they are.

    windows: the zone by the name that Windows has for it. Graph promises to take those, and of IANA's but some
    ("dateTimeTimeZone resource type"; Vienna and Zurich are not among them). Then the name that was meant stands in a
    property of ours, and a zone that Windows does not know is told as UTC: the instant is right.
    """
    start, zone = _in_windows(event) if windows else (event.start, event.timezone)
    end = start + timedelta(minutes=event.duration_minutes)
    return {
        "start": {"dateTime": start.isoformat(timespec="seconds"), "timeZone": zone},
        "end": {"dateTime": end.isoformat(timespec="seconds"), "timeZone": zone},
        "isAllDay": False,
        "isReminderOn": True,
        "reminderMinutesBeforeStart": event.alarm_minutes,
        **({"singleValueExtendedProperties": [{"id": GRAPH_ZONE_ID, "value": event.timezone}]} if windows else {}),
    }


def _in_windows(event: CalendarEvent) -> tuple[datetime, str]:
    zone = tz_win.get(event.timezone)
    if zone is not None:
        return event.start, zone
    return event.start.replace(tzinfo=ZoneInfo(event.timezone)).astimezone(UTC).replace(tzinfo=None), "UTC"


def uid_of(entry: Entry) -> str:
    """The value of our property, '' without one."""
    return _properties(entry).get(GRAPH_ID.lower(), "")


def birth_of(entry: Entry) -> str:
    return _properties(entry).get(GRAPH_BIRTH_ID.lower(), "")


def found_of(entry: Entry) -> FoundEvent | None:
    """The item, if it is ours and can be read."""
    uid = uid_of(entry)
    if not uid or entry.get("attendees") or entry.get("isCancelled") is True:
        return None
    if str(entry.get("type") or "").lower() not in _OWN_KINDS:
        return None
    start = _start(entry)
    if start is None:
        return None
    title = clean_line(str(entry.get("subject") or ""))[:TITLE_LIMIT]
    categories = entry.get("categories")
    return FoundEvent(
        uid=uid,
        reminder=reminder_of(uid),
        title=title,
        description=_text(entry.get("body")),
        start=start[0],
        timezone=start[1],
        etag=etag_of(entry),
        href=str(entry["id"]),
        done=means_done(title, tuple(map(str, categories)) if isinstance(categories, list) else ()),
    )


def etag_of(entry: Entry) -> str:
    """The version for If-Match."""
    return str(entry.get("@odata.etag") or (f'W/"{entry["changeKey"]}"' if entry.get("changeKey") else ""))


def _start(entry: Entry) -> tuple[datetime | date, str] | None:
    """Wall time and zone. The zone is '' for a whole day, and UTC where nobody knows the name of the event's own."""
    when = instant_of(entry.get("start"))
    if when is None:
        return None
    if entry.get("isAllDay") is True:
        return when.date(), ""
    when = _snoozed(entry, when)
    zone = _zone(entry)
    return when.astimezone(ZoneInfo(zone)).replace(tzinfo=None), zone


def _zone(entry: Entry) -> str:
    """The zone we wrote while Windows' zone is still that one, else the one that the event's own name stands for."""
    written, ours = str(entry.get("originalStartTimeZone") or ""), _properties(entry).get(GRAPH_ZONE_ID.lower(), "")
    if written.lower().endswith("/utc"):  # Exchange also writes it `tzone://Microsoft/Utc`
        written = "UTC"
    if ours and is_zone(ours) and tz_win.get(ours, "UTC") == tz_win.get(written, written or "UTC"):
        return ours
    return iana_name(written) or "UTC"


def _snoozed(entry: Entry, start: datetime) -> datetime:
    rings = moment(_properties(entry).get(SIGNAL_ID.lower()))
    asleep = rings is not None and entry.get("isReminderOn") is True and rings - start >= SNOOZED_FOR
    return rings if asleep and rings is not None else start


def instant_of(written: object) -> datetime | None:
    """A dateTimeTimeZone, in UTC; Graph answers in UTC unless it is asked for another zone. None for anything else."""
    if not isinstance(written, Mapping):
        return None
    zone = iana_name(str(written.get("timeZone") or "UTC")) or "UTC"
    try:
        return datetime.fromisoformat(str(written.get("dateTime"))).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _properties(entry: Entry) -> dict[str, str]:
    """By id in small letters: servers write GUIDs in either."""
    found = entry.get("singleValueExtendedProperties")
    return {
        str(one.get("id", "")).lower(): str(one.get("value", ""))
        for one in (found if isinstance(found, list) else ())
        if isinstance(one, dict)
    }


def _text(body: object) -> str:
    """Exchange keeps a text as HTML and is asked for that: its own way back to text doubles lines."""
    if not isinstance(body, Mapping):
        return ""
    content = str(body.get("content") or "")
    text = html_to_text(content) if str(body.get("contentType", "")).lower() == "html" else clean_body(content)
    return _SPACE.sub("\n", text)[:DESCRIPTION_LIMIT]
