"""The owner's own appointments in Exchange Online: read, never written.

Implements `connectors.base.MeetingSource`. A calendarView delta over the window says what changed, and that is asked
for by id. A new day begins a new round: the window has moved on, and so has what falls into it.
"""

import json
import time
from collections.abc import Callable, Collection, Iterable, Sequence

from config.model import GraphCalendar
from connectors.event import CalendarCursor
from connectors.graph import items
from connectors.graph.appointments import FIELDS, appointment_of, touches
from connectors.graph.client import GraphClient, Part, Query, segment, with_query
from connectors.graph.faults import Absent, Refused, Stale
from connectors.graph.view import first_link, follow
from connectors.meeting import Appointment, Appointments, Window

_VERSION = 1
_ITEM: Query = {"$select": FIELDS, "$expand": items.EXPAND}
_LEFT_SERIES = "erroroccurrence"
"""How codes begin that say that a time of a series was taken out of it."""


class GraphMeetings:
    """The main calendar of a mailbox, wherever its reminders stand."""

    def __init__(self, calendar: GraphCalendar, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self.client = GraphClient(calendar.access, permission="Calendars.ReadWrite", sleep=sleep)

    def meetings(self, cursor: CalendarCursor | None, window: Window, known: Collection[str]) -> Appointments:
        """See MeetingSource."""
        day = window.start.date().isoformat()
        if link := _link_of(cursor, day):
            try:
                return self._news(link, cursor, window, known)
            except (Stale, Absent):
                pass
        touched, link = follow(self.client, first_link(self.client.user, window.start, window.end))
        return self._told(dict.fromkeys((*touched, *known)), _dump(day, link), window, known)

    def close(self) -> None:
        """The connections belong to all mailboxes of the tenant."""

    def _news(self, link: str, cursor: CalendarCursor | None, window: Window, known: Collection[str]) -> Appointments:
        """Where nothing happened the old link goes on: it says the same as the new one."""
        touched, after = follow(self.client, link)
        if not touched and cursor is not None:
            return Appointments(cursor=cursor)
        return self._told(touched, _dump(window.start.date().isoformat(), after), window, known)

    def _told(self, ids: Iterable[str], cursor: CalendarCursor, window: Window, known: Collection[str]) -> Appointments:
        """What stands at these ids. What lies outside the window counts where it was told before."""
        found, absent = self._read(list(ids), window)
        asked = frozenset(known)
        return Appointments(
            found=tuple(one for one in found if one.href in asked or touches(one, window)),
            gone=tuple(id for id in absent if id in asked),
            cursor=cursor,
        )

    def _read(self, ids: Sequence[str], window: Window) -> tuple[list[Appointment], list[str]]:
        """Appointments, and the ids at which nothing stands. One that the server keeps back blocks nothing."""
        path = f"{self.client.user}/events"
        parts = [Part(id=str(number), path=with_query(f"{path}/{segment(id)}", _ITEM)) for number, id in enumerate(ids)]
        replies = self.client.batch(parts)
        found: list[Appointment] = []
        absent: list[str] = []
        for number, id in enumerate(ids):
            reply = replies[str(number)]
            fault = None if reply.ok else self.client.fault(reply)
            if fault is None and (one := appointment_of({**reply.body, "id": id}, window)) is not None:
                found.append(one)
            elif isinstance(fault, Absent) or reply.code.startswith(_LEFT_SERIES):
                absent.append(id)
            elif fault is not None and not isinstance(fault, Refused):
                raise fault
        return found, absent


def _link_of(cursor: CalendarCursor | None, day: str) -> str:
    """The link of that day; '' for none, and for a cursor that this version did not write."""
    try:
        content = json.loads(cursor) if cursor is not None else None
    except ValueError:
        return ""
    if not isinstance(content, dict) or content.get("v") != _VERSION or content.get("day") != day:
        return ""
    return str(content.get("link") or "")


def _dump(day: str, link: str) -> CalendarCursor:
    return CalendarCursor(json.dumps({"v": _VERSION, "day": day, "link": link}))
