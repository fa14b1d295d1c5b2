"""What an event may be: its properties, which of them a client may set, and the words that mean something."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from tests.servers.graph import mime, refusals, zones
from tests.servers.graph.calendar import DEFAULTS
from tests.servers.graph.odata import words
from tests.servers.graph.properties import canonical

_SETTABLE = frozenset(DEFAULTS) | {"start", "end", "singleValueExtendedProperties", "onlineMeetingProvider"}
_READ_ONLY = words(
    "id changeKey createdDateTime lastModifiedDateTime bodyPreview hasAttachments iCalUId isCancelled isDraft"
    " isOrganizer onlineMeeting onlineMeetingUrl organizer originalEndTimeZone originalStart originalStartTimeZone"
    " responseStatus seriesMasterId type webLink cancelledOccurrences"
)
PROPERTIES = _SETTABLE | _READ_ONLY
_ENUMS: Mapping[str, Sequence[str]] = {
    "showAs": ("unknown", "free", "tentative", "busy", "oof", "workingElsewhere"),
    "sensitivity": ("normal", "personal", "private", "confidential"),
    "importance": ("low", "normal", "high"),
}
_INNER: Mapping[str, frozenset[str]] = {
    "start": frozenset({"dateTime", "timeZone"}),
    "end": frozenset({"dateTime", "timeZone"}),
    "body": frozenset({"contentType", "content"}),
}


def usual(name: str, value: Any) -> Any:  # noqa: ANN401  # a property of any type
    """Words of an enumeration in the letters that Graph answers with; a body as HTML."""
    if name in _ENUMS:
        return next(word for word in _ENUMS[name] if word.lower() == str(value).lower())
    if name == "body":
        body = {"contentType": str(value.get("contentType", "html")).lower(), "content": value.get("content") or ""}
        return (
            body
            if body["contentType"] == "html"
            else {**body, "contentType": "html", "content": mime.html_of(body["content"])}
        )
    return value


def check(wanted: Mapping[str, Any]) -> None:
    """Refuse what an event does not have, what only the server sets, and words that mean nothing."""
    for name, value in wanted.items():
        if name.startswith("@"):
            continue
        if name not in PROPERTIES:
            raise refusals.bad_request(
                f"The property '{name}' does not exist on type 'microsoft.graph.event'.", "RequestBodyRead"
            )
        if name in _READ_ONLY:
            raise invalid(f"{name} is read-only")
        if name in _ENUMS and str(value).lower() not in [word.lower() for word in _ENUMS[name]]:
            raise refusals.bad_request(f"Requested value '{value}' was not found.", "RequestBodyRead")
    for name in _INNER.keys() & wanted.keys():
        if not isinstance(wanted[name], dict) or set(wanted[name]) - _INNER[name]:
            raise refusals.bad_request(f"{name} has a property that does not exist on its type.", "RequestBodyRead")
    _check_values(wanted)


def _check_values(wanted: Mapping[str, Any]) -> None:
    for name in ("isReminderOn", "isAllDay"):
        if name in wanted and not isinstance(wanted[name], bool):
            raise refusals.bad_request(f"Cannot convert a value of {name} to Edm.Boolean.", "RequestBodyRead")
    for one in wanted.get("singleValueExtendedProperties") or []:
        canonical(str(one.get("id", "")))
    minutes = wanted.get("reminderMinutesBeforeStart", 0)
    if not isinstance(minutes, int) or minutes < 0:
        raise invalid("reminderMinutesBeforeStart must be a whole number that is not negative")
    if wanted.get("recurrence") is not None:
        raise refusals.Refuse(501, "NotImplemented", "This simulator has no recurring events.")


def check_times(start: datetime, end: datetime) -> None:
    """Refuse an event that ends before it begins."""
    if end < start:
        raise invalid("the end is before the start")


def invalid(what: str) -> refusals.Refuse:
    """A value that an event cannot have."""
    return refusals.bad_request(f"At least one property failed validation: {what}.", "ErrorPropertyValidationFailure")


def check_all_day(start: Mapping[str, Any], end: Mapping[str, Any]) -> None:
    """An event of whole days begins and ends at midnight, and lasts a day at least."""
    if any("T00:00" not in f"{moment.get('dateTime', '')}T00:00"[10:16] for moment in (start, end)):
        raise invalid("an all-day event begins and ends at midnight")
    if zones.read(end) - zones.read(start) < timedelta(hours=23):  # a day in spring has 23
        raise invalid("an all-day event lasts a day at least")
