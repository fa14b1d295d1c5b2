"""The owner's own appointments in a CalDAV calendar (RFC 4791): read, never written.

Implements `connectors.base.MeetingSource` for `connectors.caldav`. Asks for the addresses and versions of what touches
the window, and reads what it has not seen; a calendar whose ctag is the same is not asked at all. A new day reads all
of the window again, because a series comes into it without being changed.
"""

import hashlib
import json
import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict
from datetime import UTC
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

from config.model import CaldavCalendar
from connectors.dav import DAV, DavClient, Resource, TooLong, path_of, resources
from connectors.errors import Fatal, Retriable
from connectors.event import CalendarCursor
from connectors.ical_meeting import read_appointment
from connectors.meeting import Appointment, Appointments, Window
from connectors.seen import Mark

VERSION = 2
LISTING_LIMIT = 20_000
_BATCH = 50
_XML = {"Content-Type": "application/xml; charset=utf-8"}
_NAMESPACES = 'xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav" xmlns:s="http://calendarserver.org/ns/"'
_CTAG = "{http://calendarserver.org/ns/}getctag"
_DATA = "{urn:ietf:params:xml:ns:caldav}calendar-data"


class CalDavMeetings:
    """One calendar collection, read-only. `dav` is its own: it is closed with this."""

    def __init__(self, calendar: CaldavCalendar, dav: DavClient) -> None:
        self._root = path_of(calendar.url if calendar.url.endswith("/") else calendar.url + "/")
        self._dav = dav

    def meetings(self, cursor: CalendarCursor | None, window: Window, known: Collection[str]) -> Appointments:
        """See MeetingSource."""
        day, mark, seen = _load(cursor)
        began, now_day, now_mark = time.time(), window.start.date().isoformat(), self._mark()
        if day == now_day and mark.tells_nothing_new(now_mark) and cursor is not None:
            return Appointments(cursor=cursor)
        versions = self._versions(window)
        fresh = [href for href, tag in versions.items() if day != now_day or _digest(href, tag) not in seen]
        found = list(self._read(fresh, window))
        left = [href for href in known if href not in versions]
        moved = list(self._read(left, window))
        still = {one.href for one in moved}
        return Appointments(
            found=(*found, *moved),
            gone=tuple(href for href in left if href not in still),
            cursor=_dump(now_day, mark.then(now_mark, began), {_digest(href, tag) for href, tag in versions.items()}),
        )

    def close(self) -> None:
        self._dav.close()

    def _mark(self) -> str:
        """The ctag, '' if there is none."""
        body = f"<d:propfind {_NAMESPACES}><d:prop><s:getctag/></d:prop></d:propfind>"
        told = self._ask("PROPFIND", body, depth="0")
        return next((one.text(_CTAG) for one in told if one.properties), "")

    def _versions(self, window: Window) -> dict[str, str]:
        """Address -> ETag of everything that touches the window."""
        start, end = (one.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ") for one in (window.start, window.end))
        body = (
            f"<c:calendar-query {_NAMESPACES}><d:prop><d:getetag/></d:prop><c:filter>"
            '<c:comp-filter name="VCALENDAR"><c:comp-filter name="VEVENT">'
            f'<c:time-range start="{start}" end="{end}"/>'
            "</c:comp-filter></c:comp-filter></c:filter></c:calendar-query>"
        )
        found = {one.href: one.text(f"{DAV}getetag") for one in self._ask("REPORT", body) if one.href != self._root}
        if len(found) > LISTING_LIMIT:
            raise Fatal(f"the calendar holds more than {LISTING_LIMIT} appointments in a few months")
        return found

    def _read(self, hrefs: Iterable[str], window: Window) -> Iterable[Appointment]:
        wanted = list(hrefs)
        for start in range(0, len(wanted), _BATCH):
            for one in self._multiget(wanted[start : start + _BATCH]):
                data = one.text(_DATA)
                item = read_appointment(data.encode(), href=one.href, window=window) if data else None
                if item is not None:
                    yield item

    def _multiget(self, hrefs: Sequence[str]) -> list[Resource]:
        """By halves where an answer becomes too long; what is too long alone is more than we read of one item."""
        names = "".join(f"<d:href>{escape(href)}</d:href>" for href in hrefs)
        body = f"<c:calendar-multiget {_NAMESPACES}><d:prop><d:getetag/><c:calendar-data/></d:prop>{names}"
        try:
            return self._ask("REPORT", f"{body}</c:calendar-multiget>")
        except TooLong:
            middle = len(hrefs) // 2
            return [*self._multiget(hrefs[:middle]), *self._multiget(hrefs[middle:])] if middle else []

    def _ask(self, method: str, body: str, *, depth: str = "1") -> list[Resource]:
        answer = self._dav.request(method, self._root, body=body, headers={"Depth": depth, **_XML})
        if answer.status in (401, 403):
            raise Fatal("the account may not read this calendar", advice="give it the right to read it")
        if answer.status in (404, 410):
            raise Fatal("there is no calendar at this address", advice="correct reminders.meetings or calendar.url")
        if answer.status != 207:
            raise Retriable(f"the calendar server answered {answer.status} instead of a listing")
        return list(resources(answer))


def on_same_server(one: str, other: str) -> bool:
    """Whether two addresses are of one origin: credentials are for it alone."""
    first, second = urlsplit(one), urlsplit(other)
    return (first.scheme, first.hostname, first.port) == (second.scheme, second.hostname, second.port)


def _load(cursor: CalendarCursor | None) -> tuple[str, Mark, frozenset[str]]:
    """(day, ctag, digests of what was seen); all empty for no cursor, and for one that this version did not write."""
    try:
        content = json.loads(cursor) if cursor is not None else None
    except ValueError:
        content = None
    if not isinstance(content, dict) or content.get("v") != VERSION:
        return "", Mark(), frozenset()
    return content["day"], Mark(**content["mark"]), frozenset(content["seen"])


def _dump(day: str, mark: Mark, seen: Collection[str]) -> CalendarCursor:
    content = {"v": VERSION, "day": day, "mark": asdict(mark), "seen": sorted(seen)}
    return CalendarCursor(json.dumps(content, separators=(",", ":")))


def _digest(href: str, version: str) -> str:
    """48 bits: enough to tell the items of one calendar apart; of other people's appointments nothing is kept."""
    return hashlib.sha256(f"{href}\n{version}".encode()).hexdigest()[:12]
