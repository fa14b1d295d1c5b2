"""Times as Graph's dateTimeTimeZone has them: a local time and the name of a zone, Windows' or IANA's."""

import re
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tzlocal.windows_tz import win_tz

from tests.servers.graph import refusals

_LOCAL = re.compile(r"(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d)(?::(\d\d)(?:\.(\d{1,7}))?)?)?(Z?)")
_MOMENT = re.compile(r"(.+?)(\.\d+)?(Z|[+-]\d\d:\d\d)?")


@lru_cache(maxsize=256)
def zone(name: str) -> tzinfo:
    """The zone that is called so. Refused if there is none."""
    if name.upper() in ("UTC", "GMT"):
        return UTC
    try:
        return ZoneInfo(win_tz.get(name, name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        message = f"A valid TimeZone value must be specified. The following TimeZone value is not supported: '{name}'."
        raise refusals.bad_request(message, "TimeZoneNotSupportedException") from None


def read(value: object) -> datetime:
    """A dateTimeTimeZone as a moment in UTC. Refused if it is none."""
    if not isinstance(value, dict) or not isinstance(value.get("dateTime"), str):
        raise refusals.bad_request("At least one property failed validation.", "ErrorPropertyValidationFailure")
    if not isinstance(value.get("timeZone", ""), str | None):
        raise refusals.bad_request("Cannot convert the value of timeZone to Edm.String.", "RequestBodyRead")
    found = _LOCAL.fullmatch(value["dateTime"])
    if found is None:
        message = f"The value '{value['dateTime']}' is no DateTime in the format {{date}}T{{time}}."
        raise refusals.bad_request(message, "ErrorInvalidRequest")
    day, time, seconds, _, universal = found.groups()
    local = datetime.fromisoformat(f"{day}T{time or '00:00'}:{seconds or '00'}")
    return local.replace(tzinfo=UTC if universal else zone(value.get("timeZone") or "UTC")).astimezone(UTC)


def write(moment: datetime, name: str) -> dict[str, str]:
    """A moment in the zone of this name."""
    return {"dateTime": moment.astimezone(zone(name)).strftime("%Y-%m-%dT%H:%M:%S.0000000"), "timeZone": name}


def bound(text: str | None, option: str) -> datetime:
    """startDateTime or endDateTime of a calendar view: ISO 8601, UTC unless it says otherwise."""
    found = _MOMENT.fullmatch(text or "")
    try:
        moment = datetime.fromisoformat(f"{found[1]}{found[3] or ''}" if found else "")
    except ValueError:
        raise missing_window(option) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def missing_window(option: str) -> refusals.Refuse:
    """A calendar view was asked for without its bounds."""
    message = (
        "This request requires a time window specified by the query string parameters StartDateTime and EndDateTime;"
        f" {option} is missing or malformed."
    )
    return refusals.bad_request(message, "ErrorInvalidParameter")


def shown_in(preference: str | None) -> str:
    """The zone that `Prefer: outlook.timezone` names, UTC without it. Refused if there is none such."""
    name: Any = preference or "UTC"
    zone(name)
    return str(name)
