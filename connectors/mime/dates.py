"""The Date field: RFC 5322 section 3.3, its obsolete forms of section 4.3, and the broken ones that are common.

A date without a zone, or with `-0000`, says nothing about when: it counts as none, with the defect `naive-date`.
"""

import re
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_tz
from functools import lru_cache

from connectors.message import YEARS_OF_MAIL

_MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES, start=1)}
_USUAL = re.compile(
    r"(?:[A-Za-z]{3}, *)?(\d{1,2}) ([A-Za-z]{3}) (\d{4}) (\d\d):(\d\d)(?::(\d\d))? ([+-]\d{4})(?: \(.*)?$"
)
_COMMENT = re.compile(r"\([^()]*\)")
_ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:?\d\d)?$")
_NUMERIC_ZONE = re.compile(r"(?:GMT|UTC)?([+-])(\d\d):?(\d\d)$", re.IGNORECASE)
_NAMED_ZONES = {
    "UT": 0, "UTC": 0, "GMT": 0, "Z": 0,
    "EST": -300, "EDT": -240, "CST": -360, "CDT": -300, "MST": -420, "MDT": -360, "PST": -480, "PDT": -420,
}  # fmt: skip
"""RFC 5322 section 4.3, minutes east. Every other name, the military letters too, counts as `-0000`."""
_LONGEST = 200


def read_date(value: str) -> tuple[datetime | None, str | None]:
    """(aware date, None), or (None, defect) with defect `naive-date` or `unreadable-date`."""
    usual = _USUAL.match(value)
    if usual is None:
        return _read_odd(value)
    day, month, year, hour, minute, second, zone = usual.groups()
    return _build(
        (int(year), _MONTHS.get(month.lower(), 0), int(day), int(hour), int(minute), int(second or 0)), _offset(zone)
    )


def _read_odd(value: str) -> tuple[datetime | None, str | None]:
    value = _COMMENT.sub(" ", value[:_LONGEST]).strip()
    if _ISO.match(value):
        return _read_iso(value)
    try:
        parts = parsedate_tz(value)
    except (ValueError, IndexError, TypeError, OverflowError):
        parts = None
    if parts is None:
        return None, "unreadable-date"
    year, month, day, hour, minute, second = parts[:6]
    zone = _offset(value.split()[-1])
    return _build((_full_year(year, value), month, day, hour, minute, second), zone)


def _full_year(year: int, value: str) -> int:
    """Three-digit years count from 1900 (RFC 5322 section 4.3); the standard library has done two-digit ones."""
    return year + 1900 if 100 <= year < 1000 and not re.search(rf"\b0{year}\b", value) else year


def _read_iso(value: str) -> tuple[datetime | None, str | None]:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None, "unreadable-date"
    if moment.tzinfo is None:
        return None, "naive-date"
    return (moment, None) if moment.year in YEARS_OF_MAIL else (None, "unreadable-date")


@lru_cache(maxsize=256)
def _offset(zone: str) -> timezone | None:
    """The zone, None for `-0000` and for everything that is no zone."""
    numeric = _NUMERIC_ZONE.match(zone)
    if numeric is None:
        minutes = _NAMED_ZONES.get(zone.upper())
        return None if minutes is None else timezone(timedelta(minutes=minutes))
    sign, hours, rest = numeric.groups()
    if int(hours) > 23 or int(rest) > 59 or (sign == "-" and hours == rest == "00"):
        return None
    return timezone((-1 if sign == "-" else 1) * timedelta(hours=int(hours), minutes=int(rest)))


def _build(parts: tuple[int, int, int, int, int, int], zone: timezone | None) -> tuple[datetime | None, str | None]:
    year, month, day, hour, minute, second = parts
    if year not in YEARS_OF_MAIL:
        return None, "unreadable-date"
    try:
        moment = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=zone)  # 60: a leap second
    except ValueError:
        return None, "unreadable-date"
    return (moment, None) if zone is not None else (None, "naive-date")
