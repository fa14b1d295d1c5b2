"""The owner's own appointments in the calendar of a mailbox of Exchange: read, never written.

Implements `connectors.base.MeetingSource`. A view of the calendar (FindItem with CalendarView, [MS-OXWSSRCH]) lists
every time that falls into the window, of series too, with its version; only meetings that were not seen in that version
are read whole, for a view names nobody. A calendar in which nothing changed since costs one question.
"""

import hashlib
import json
from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from config.model import ExchangeCalendar
from connectors.errors import Fatal
from connectors.event import CalendarCursor
from connectors.exchange import appointment
from connectors.exchange.folders import look_at
from connectors.exchange.items import id_of
from connectors.exchange.opening import Opened
from connectors.exchange.people import People
from connectors.exchange.reading import MOST_LISTED, folder_id, get_items, root_of
from connectors.exchange.soap import Seat, only
from connectors.exchange.xml import Element, children, m
from connectors.meeting import Appointment, Appointments, Meeting, Window
from connectors.message import Address

_VERSION = 1
MOST_APPOINTMENTS = 20_000
_SHORTEST = timedelta(minutes=30)
"""A part of the window that holds more than one answer, and is not parted any more."""
_TOO_MANY = "the calendar holds more appointments in a few months than are read"


class ExchangeMeetings:
    """The mailbox's main calendar, read-only."""

    def __init__(self, calendar: ExchangeCalendar) -> None:
        self._access = calendar.access
        self._opened: Opened | None = None
        self._people = People()

    def meetings(self, cursor: CalendarCursor | None, window: Window, known: Collection[str]) -> Appointments:
        """See MeetingSource."""
        seat = self._seat()
        place, mark = look_at(seat, "calendar")
        day, before, seen = _load(cursor)
        today = window.start.date().isoformat()
        if cursor is not None and mark is not None and (day, before) == (today, mark):
            return Appointments(cursor=cursor)
        items = self._listed(seat, place, window.start, window.end)
        fresh = [item for item in items.values() if _digest(item) not in seen]
        found, kept_back = self._told(seat, fresh, window)
        left = [href for href in known if href not in items]
        moved, gone = self._elsewhere(seat, left, window)
        told = {_digest(item) for href, item in items.items() if href not in kept_back}
        return Appointments(found=(*found, *moved), gone=gone, cursor=_dump(today, mark, told))

    def close(self) -> None:
        opened, self._opened = self._opened, None
        if opened is not None:
            opened.close()

    def _seat(self) -> Seat:
        if self._opened is None:
            self._opened = Opened(self._access)
        return Seat(self._opened.wire, self._access.user, self._access.access)

    def _listed(self, seat: Seat, place: str, start: datetime, end: datetime) -> dict[str, Element]:
        """Everything between two moments, by id. A view has no second page, so what does not fit in one is parted."""
        view = m("CalendarView", MaxEntriesReturned=str(MOST_LISTED), StartDate=_stamp(start), EndDate=_stamp(end))
        ask = m("FindItem", appointment.listed(), view, m("ParentFolderIds", folder_id(place)), Traversal="Shallow")
        root = root_of(only(seat.ask(ask), folder=True))
        found = {id_of(item): item for item in children(root, "Items")}
        if (root.get("IncludesLastItemInRange") or "").lower() in ("true", "1") and len(found) < MOST_LISTED:
            return found
        if end - start < _SHORTEST:
            raise Fatal(_TOO_MANY)
        middle = start + (end - start) / 2
        found = {**self._listed(seat, place, start, middle), **self._listed(seat, place, middle, end)}
        if len(found) > MOST_APPOINTMENTS:
            raise Fatal(_TOO_MANY)
        return found

    def _told(self, seat: Seat, items: Iterable[Element], window: Window) -> tuple[list[Appointment], set[str]]:
        """What these stand for, and the ids of those that the server keeps back. Private ones are not read."""
        found: list[Appointment] = []
        wanted: list[str] = []
        for item in items:
            if appointment.says_enough(item, window):
                found.append(appointment.alone(item, window))
            else:
                wanted.append(id_of(item))
        whole, gone, refused = self._whole(seat, wanted, window)
        return [*found, *whole], {*gone, *refused}

    def _elsewhere(
        self, seat: Seat, hrefs: list[str], window: Window
    ) -> tuple[tuple[Appointment, ...], tuple[str, ...]]:
        """What became of those that stand in the window no more. One that is kept back is told nothing of."""
        found, gone, _ = self._whole(seat, hrefs, window)
        return tuple(found), tuple(gone)

    def _whole(self, seat: Seat, ids: list[str], window: Window) -> tuple[list[Appointment], list[str], list[str]]:
        """(read, gone, kept back)"""
        found: list[Appointment] = []
        gone: list[str] = []
        refused: list[str] = []
        for got in get_items(seat, ids, appointment.whole()):
            found += (self._named(seat, appointment.read(item, window)) for item in got.items.values())
            gone += got.gone
            refused += [*got.refused, *got.long]
        return found, gone, refused

    def _named(self, seat: Seat, one: Appointment) -> Appointment:
        """With addresses of mail for everybody whom only the directory knows."""
        meetings = (self._met(seat, each) for each in one.meetings)
        return replace(one, meetings=tuple(each for each in meetings if each.attendees))

    def _met(self, seat: Seat, one: Meeting) -> Meeting:
        no = tuple(each for each in one.attendees if each.address in one.declined)
        return replace(
            one,
            organiser=None if one.organiser is None else self._organiser(seat, one.organiser),
            attendees=self._people.addresses(seat, one.attendees),
            declined=frozenset(each.address for each in self._people.addresses(seat, no)),
        )

    def _organiser(self, seat: Seat, one: Address) -> Address:
        """Whom nobody knows is somebody nevertheless: a meeting without an organiser is taken for its owner's."""
        return next(iter(self._people.addresses(seat, [one])), replace(one, address=""))


def _stamp(when: datetime) -> str:
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _digest(item: Element) -> str:
    """48 bits: enough to tell the items of one calendar apart; of other people's appointments nothing is kept."""
    return hashlib.sha256(appointment.version(item).encode()).hexdigest()[:12]


def _load(cursor: CalendarCursor | None) -> tuple[str, str, frozenset[str]]:
    """(day, mark, digests of what was seen); all empty for no cursor, and for one that this version did not write."""
    try:
        content = json.loads(cursor) if cursor is not None else None
    except ValueError:
        content = None
    if not isinstance(content, dict) or content.get("v") != _VERSION:
        return "", "", frozenset()
    return content["day"], content["mark"], frozenset(content["seen"])


def _dump(day: str, mark: str | None, seen: Collection[str]) -> CalendarCursor:
    content = {"v": _VERSION, "day": day, "mark": mark or "", "seen": sorted(seen)}
    return CalendarCursor(json.dumps(content, separators=(",", ":")))
