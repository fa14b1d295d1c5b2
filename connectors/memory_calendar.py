"""A calendar that lives in memory: the server's state with what its owner does, and the sink that writes into it.

`MemoryCalendar` is shared; each `MemorySink` is one agent's connection. Every write gives a new version, conditional
writes meet Conflict as on a CalDAV server, and a log of changes answers `changes`.
"""

import json
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from connectors.errors import Conflict, ConnectorError
from connectors.event import CalendarChanges, CalendarCursor, CalendarEvent, FoundEvent
from connectors.ical import means_done

_VERSION = 1
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(kw_only=True)
class CalendarFaults:
    """What the server does wrong from now on; empty it to heal the server.

    error: raised by every call, before anything was done. after_write: called with the call's name after a write was
    done and before it is confirmed: raise there to lose the answer. forget: cursors are unknown to the server.
    """

    error: ConnectorError | None = None
    after_write: Callable[[str], None] | None = None
    forget: bool = False


@dataclass(kw_only=True)
class MemoryCalendar:
    """The server's side, with the owner's actions on our items. writes: names of all calls that wrote, in order."""

    items: dict[str, FoundEvent] = field(default_factory=dict)
    faults: CalendarFaults = field(default_factory=CalendarFaults)
    writes: list[str] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)
    _log: list[str] = field(default_factory=list)
    _version: int = 0

    def open(self) -> "MemorySink":
        return MemorySink(self)

    def put(self, item: FoundEvent) -> FoundEvent:
        """Stores an item under a new version."""
        with self.lock:
            self._version += 1
            stored = replace(item, etag=f'"{self._version}"')
            self.items[item.href] = stored
            self._log.append(item.href)
            return stored

    def drop(self, href: str) -> None:
        with self.lock:
            del self.items[href]
            self._log.append(href)

    def by_uid(self, uid: str) -> FoundEvent | None:
        with self.lock:
            return next((item for item in self.items.values() if item.uid == uid), None)

    def changed_since(self, place: int | None) -> tuple[int, Sequence[str] | None]:
        """(the place now, hrefs touched since, or None if the place is unknown)."""
        with self.lock:
            known = place is not None and 0 <= place <= len(self._log) and not self.faults.forget
            return len(self._log), (tuple(dict.fromkeys(self._log[place:])) if known else None)

    def user_moves(self, uid: str, start: datetime | date, timezone: str = "") -> None:
        """The owner drags the item to another time; a date makes it all-day."""
        item = self._item(uid)
        self.put(replace(item, start=start, timezone=timezone or item.timezone))

    def user_edits(self, uid: str, *, title: str | None = None, description: str | None = None) -> None:
        item = self._item(uid)
        title = item.title if title is None else title
        description = item.description if description is None else description
        self.put(replace(item, title=title, description=description, done=means_done(title)))

    def user_finishes(self, uid: str) -> None:
        self.put(replace(self._item(uid), done=True))

    def user_deletes(self, uid: str) -> None:
        self.drop(self._item(uid).href)

    def _item(self, uid: str) -> FoundEvent:
        item = self.by_uid(uid)
        if item is None:
            raise KeyError(uid)
        return item


class MemorySink:
    """Writes into a MemoryCalendar: a `CalendarSink`."""

    def __init__(self, calendar: MemoryCalendar) -> None:
        self._calendar = calendar

    def find(self, uid: str) -> FoundEvent | None:
        self._meet_faults()
        return self._calendar.by_uid(uid)

    def create(self, event: CalendarEvent) -> FoundEvent:
        self._meet_faults()
        with self._calendar.lock:
            if self._calendar.by_uid(event.uid) is not None:
                raise Conflict("an item with this uid stands there already")
            created = self._calendar.put(_as_found(event, f"/memory/{event.uid}.ics"))
        self._wrote("create")
        return created

    def update(self, event: CalendarEvent, found: FoundEvent) -> FoundEvent:
        self._meet_faults()
        with self._calendar.lock:
            self._check_version(found)
            updated = self._calendar.put(_as_found(event, found.href))
        self._wrote("update")
        return updated

    def delete(self, found: FoundEvent) -> None:
        self._meet_faults()
        with self._calendar.lock:
            if found.href not in self._calendar.items:
                return
            self._check_version(found)
            self._calendar.drop(found.href)
        self._wrote("delete")

    def changes(self, cursor: CalendarCursor | None) -> CalendarChanges:
        self._meet_faults()
        with self._calendar.lock:
            place, touched = self._calendar.changed_since(_place(cursor))
            items = dict(self._calendar.items)
        hrefs = items if touched is None else touched
        return CalendarChanges(
            found=tuple(items[href] for href in hrefs if href in items),
            gone=tuple(href for href in hrefs if href not in items),
            cursor=CalendarCursor(json.dumps({"v": _VERSION, "place": place})),
            complete=touched is None,
        )

    def close(self) -> None:
        """Nothing is held."""

    def _check_version(self, found: FoundEvent) -> None:
        now = self._calendar.items.get(found.href)
        if now is None or now.etag != found.etag:
            raise Conflict("the item was changed or removed meanwhile")

    def _meet_faults(self) -> None:
        if self._calendar.faults.error is not None:
            raise self._calendar.faults.error

    def _wrote(self, call: str) -> None:
        self._calendar.writes.append(call)
        if self._calendar.faults.after_write is not None:
            self._calendar.faults.after_write(call)


def _as_found(event: CalendarEvent, href: str) -> FoundEvent:
    title = _CONTROLS.sub("", event.title).replace("\n", " ")
    return FoundEvent(
        uid=event.uid,
        reminder=event.reminder,
        title=title,
        description=_CONTROLS.sub("", event.description),
        start=event.start,
        timezone=event.timezone,
        etag="",
        href=href,
        done=means_done(title, event.categories),
    )


def _place(cursor: CalendarCursor | None) -> int | None:
    """The place a cursor names; None for one that is not ours, which means everything."""
    try:
        content = json.loads(cursor) if cursor is not None else None
    except ValueError:
        return None
    if not isinstance(content, dict) or content.get("v") != _VERSION:
        return None
    place = content.get("place")
    return place if isinstance(place, int) else None
