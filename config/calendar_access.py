"""Where a mailbox's reminders go: which keys belong to which kind of calendar, and what goes without saying."""

from dataclasses import dataclass

from config.model import (
    Access,
    CaldavCalendar,
    Calendar,
    ExchangeAccess,
    ExchangeCalendar,
    GraphAccess,
    GraphCalendar,
    IcsCalendar,
)
from config.node import Node
from config.reading import Reading
from config.values import Values, need
from config.words import CALENDAR


@dataclass(frozen=True, kw_only=True)
class _CalendarKind:
    name: str
    keys: frozenset[str]
    needs: tuple[str, ...] = ()


_CALENDARS = {
    "caldav": _CalendarKind(
        name="caldav", needs=("url",), keys=frozenset({"type", "url", "username", "password", "ca_file"})
    ),
    "ics": _CalendarKind(name="ics", needs=("path",), keys=frozenset({"type", "path"})),
    "own": _CalendarKind(name="own", keys=frozenset({"type", "name", "create"})),
    "none": _CalendarKind(name="none", keys=frozenset({"type"})),
}


def calendar_of(
    place: Node | None, values: Values, access: Access | None, reading: Reading, *, has_own: bool
) -> Calendar | None:
    """The calendar that applies to a mailbox, None if it has none or something about it is wrong.

    access: how the mailbox is reached, None if that is wrong. has_own: its server keeps a calendar beside the mail
    (Exchange), which is the default then.
    """
    calendar = values.get("calendar")
    if place is None and has_own:
        return _own(access, {})
    if place is None or not isinstance(calendar, dict):
        return None
    if not has_own:
        need(place, ["type"], reading)
    kind = _CALENDARS.get(str(calendar.get("type", "own" if has_own and "type" not in place.table() else "")))
    if kind is None or not _belong(place, kind, reading):
        return None
    need(place, kind.needs, reading)
    if kind.name == "own":
        _check_own(place, calendar, reading, has_own=has_own)
        return _own(access, calendar)
    return _elsewhere(kind.name, calendar, reading) if all(one in calendar for one in kind.needs) else None


def _elsewhere(kind: str, calendar: Values, reading: Reading) -> Calendar | None:
    if kind == "ics":
        return IcsCalendar.model_validate(calendar)
    if kind == "caldav":
        signs_in = {"username": reading.address} if "password" in calendar else {}
        return CaldavCalendar.model_validate({**signs_in, **calendar})
    return None


def _check_own(place: Node, calendar: Values, reading: Reading, *, has_own: bool) -> None:
    if not has_own:
        reading.note(place, "only graph and exchange mailboxes have a calendar of their own", "write caldav or ics")
    elif calendar.get("create") and "name" not in place.table():
        reading.note(place, "create makes a calendar by its name, and none is given", "write name = …")


def _own(access: Access | None, calendar: Values) -> Calendar | None:
    wanted = {"access": access, **{name: calendar[name] for name in ("name", "create") if name in calendar}}
    match access:
        case GraphAccess():
            return GraphCalendar.model_validate(wanted)
        case ExchangeAccess():
            return ExchangeCalendar.model_validate(wanted)
        case _:
            return None


def _belong(place: Node, kind: _CalendarKind, reading: Reading) -> bool:
    """Whether all keys that are calendar keys are of this kind of calendar; those that are not are noted."""
    strange = [node for name, node in place.table().items() if name in CALENDAR.keys and name not in kind.keys]
    for node in strange:
        name = node.key.rpartition(".")[2]
        reading.note(node, f"{name} does not belong to {kind.name} calendars", "remove it")
    return not strange
