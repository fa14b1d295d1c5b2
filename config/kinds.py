"""The kinds of values that mean the same for everybody: names, numbers, choices, days, spans, zones, addresses."""

import re
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from config.model import WorkingDays
from config.nearest import nearest, one_of
from config.node import Node
from config.reading import Kind, Reading, Wrong, converted, name_of, text_of

_SPAN = re.compile(r"(\d{1,6})([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_WORKING_DAYS = re.compile(r"(\d{1,3}) working days?")
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_LABEL = r"[^\s@.,;:/\\<>()\[\]\"'*?{}]+"
_DOMAIN = re.compile(rf"{_LABEL}(\.{_LABEL})*")
_ADDRESS = re.compile(rf"[^\s@<>,;\"]+@{_LABEL}(\.{_LABEL})*")
_X500 = re.compile(r"/(?:o|cn)=[^<>@\";]{1,1000}", re.IGNORECASE)
_PATTERN = re.compile(r"[^\s@]+@[^\s@]+")
LONGEST_ADDRESS = 254  # octets, RFC 5321 section 4.5.3.1.3 less the brackets


def _text(node: Node, reading: Reading) -> str:
    return text_of(node)


text = converted({"type": "string", "minLength": 1}, _text)


def _yes_no(node: Node, reading: Reading) -> bool:
    if not isinstance(node.value, bool):
        raise Wrong(f"{name_of(node)} stands where true or false belongs", "write true or false")
    return node.value


yes_no = converted({"type": "boolean"}, _yes_no)


def whole(low: int, high: int) -> Kind:
    """A whole number from low to high."""

    def convert(node: Node, reading: Reading) -> int:
        if isinstance(node.value, bool) or not isinstance(node.value, int):
            raise Wrong(f"{name_of(node)} stands where a whole number belongs", f"write one from {low} to {high}")
        if not low <= node.value <= high:
            raise Wrong(f"{node.value} is out of range", f"write a number from {low} to {high}")
        return node.value

    return converted({"type": "integer", "minimum": low, "maximum": high}, convert)


def choice(*allowed: str, later: Sequence[str] = ()) -> Kind:
    """One of the allowed words. Those of `later` are known, but come with a later version."""

    def convert(node: Node, reading: Reading) -> str:
        value = text_of(node, f"write {one_of(allowed)}")
        if value in later:
            raise Wrong(f'"{value}" comes with a later version', f"write {one_of(allowed)}, or remove it")
        if value not in allowed:
            raise Wrong(f'"{value}" is none of the choices', f"write {one_of(allowed)}")
        return value

    return converted({"enum": list(allowed)}, convert)


def _weekday_number(node: Node, reading: Reading) -> int:
    """Monday is 0. Raises Wrong for anything but the English names of the days."""
    value = text_of(node, f"write {one_of(WEEKDAYS)}")
    if value not in WEEKDAYS:
        raise Wrong(f'"{value}" is no day of the week', f"write {nearest(value, WEEKDAYS) or one_of(WEEKDAYS)}")
    return WEEKDAYS.index(value)


WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
weekday = converted({"enum": list(WEEKDAYS)}, _weekday_number)

_WRITE_DAY = "write a date without quotes, such as 2026-01-31"


def _day(node: Node, reading: Reading) -> date:
    if isinstance(node.value, datetime) or not isinstance(node.value, date):
        raise Wrong(f"{name_of(node)} stands where a day belongs", _WRITE_DAY)
    return node.value


# TOML dates reach an editor's schema as strings
day = converted({"type": "string", "format": "date"}, _day)


def span_of(written: str) -> timedelta:
    """A span such as `30m`. Raises Wrong."""
    match = _SPAN.fullmatch(written)
    if match is None or not int(match[1]):
        raise Wrong(f'"{written}" is no span of time', 'write a number and s, m, h, d or w, such as "30m" or "30d"')
    return timedelta(seconds=int(match[1]) * _SECONDS[match[2]])


_UNITS = (("w", 604800), ("d", 86400), ("h", 3600), ("m", 60), ("s", 1))


def written_span(value: timedelta) -> str:
    """The span as people write it, in the largest unit that needs no fraction."""
    seconds = int(value.total_seconds())
    unit, size = next((unit, size) for unit, size in _UNITS if seconds % size == 0)
    return f"{seconds // size}{unit}"


def _span(node: Node, reading: Reading) -> timedelta:
    return span_of(text_of(node, 'write a span such as "30m"'))


span = converted({"type": "string", "pattern": f"^{_SPAN.pattern}$"}, _span)


def _since(node: Node, reading: Reading) -> date | timedelta:
    if isinstance(node.value, str):
        try:
            return span_of(node.value)
        except Wrong as wrong:
            raise Wrong(wrong.what, f'{_WRITE_DAY}, or a span such as "365d"') from None
    return _day(node, reading)


since = converted({"type": "string", "anyOf": [dict(day.schema), dict(span.schema)]}, _since)


def _working_days(node: Node, reading: Reading) -> WorkingDays:
    value = text_of(node, 'write "3 working days"')
    match = _WORKING_DAYS.fullmatch(value)
    if match is None or not int(match[1]):
        raise Wrong(f'"{value}" is no number of working days', 'write "3 working days"')
    return WorkingDays(count=int(match[1]))


working_days = converted({"type": "string", "pattern": f"^{_WORKING_DAYS.pattern}$"}, _working_days)


def _clock(node: Node, reading: Reading) -> time:
    if isinstance(node.value, time):
        return node.value.replace(second=0, microsecond=0)
    value = text_of(node, 'write "08:30"')
    match = _CLOCK.fullmatch(value)
    if match is None:
        raise Wrong(f'"{value}" is no time of day', 'write "08:30"')
    return time(int(match[1]), int(match[2]))


clock = converted({"type": "string", "pattern": f"^{_CLOCK.pattern}$"}, _clock)


def _zone(node: Node, reading: Reading) -> str:
    value = text_of(node, 'write an IANA time zone, such as "Europe/Berlin"')
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: the name of a folder, such as "Europe"
        raise Wrong(f'"{value}" is no IANA time zone', _zone_to_write(value)) from None
    return value


def _zone_to_write(value: str) -> str:
    from tzlocal.windows_tz import win_tz  # loaded only when something is wrong

    windows = {name.lower(): iana for name, iana in win_tz.items()}
    near = windows.get(value.lower()) or nearest(value, available_timezones())
    return f'write "{near}"' if near else 'write one such as "Europe/Berlin"'


zone = converted({"type": "string", "pattern": "^[A-Za-z0-9_+/-]+$"}, _zone)


def _domain(node: Node, reading: Reading) -> str:
    value = text_of(node, 'write a domain such as "ourfirm.example"')
    if not _DOMAIN.fullmatch(value):
        bare = value.rpartition("@")[2].strip()
        raise Wrong(f'"{value}" is no domain', f'write "{bare if _DOMAIN.fullmatch(bare) else "ourfirm.example"}"')
    return value.lower()


domain = converted({"type": "string", "pattern": "^[^@\\s]+$"}, _domain)


def _host(node: Node, reading: Reading) -> str:
    value = text_of(node, 'write a host such as "imap.ourfirm.example"')
    if re.search(r"[\s/@]", value) or value.count(":") == 1:
        raise Wrong(f'"{value}" is no host', "write only the host's name, and the port apart as port = …")
    return value.strip("[]")


host = converted({"type": "string", "minLength": 1}, _host)


def _address(node: Node, reading: Reading) -> str:
    value = text_of(node, 'write an address such as "anna@ourfirm.example"')
    if not _ADDRESS.fullmatch(value) or len(value.encode()) > LONGEST_ADDRESS:
        raise Wrong(f'"{value}" is no mail address', 'write one such as "anna@ourfirm.example"')
    return value


address = converted({"type": "string", "format": "email"}, _address)


def _own_name(node: Node, reading: Reading) -> str:
    value = text_of(node, 'write an address such as "anna@ourfirm.example"')
    return value if _X500.fullmatch(value) else _address(node, reading)


own_name = converted({"type": "string", "minLength": 1}, _own_name)
"""An address, or the name by which Exchange calls a mailbox in old mail."""


def _address_pattern(node: Node, reading: Reading) -> str:
    value = text_of(node, 'write "*@domain" or an address')
    if not _PATTERN.fullmatch(value):
        raise Wrong(f'"{value}" can match no address', f'write "*@{value.strip("@*")}" or an address')
    return value


address_pattern = converted({"type": "string", "pattern": "^[^@\\s]+@[^@\\s]+$"}, _address_pattern)
