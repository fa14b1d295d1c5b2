"""Reminders in a calendar of Exchange Online: a `CalendarSink`.

Each item carries a property of our own, and is looked for by it before anything is created; `transactionId` and a
second property guard the moment between. Changes are read by a calendarView delta over a window of time, which is
moved once a month; what happens to an item outside the window is seen then.
"""

import json
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from config.model import GraphCalendar
from connectors.errors import Conflict, Fatal, Skippable
from connectors.event import CalendarChanges, CalendarCursor, CalendarEvent, FoundEvent
from connectors.graph import items
from connectors.graph.client import Ask, GraphClient, Part, Query, segment, with_query
from connectors.graph.entries import Entry
from connectors.graph.faults import Absent, Refused, Reply, Stale, Trouble
from connectors.graph.view import ROUNDS, entries_of, first_link, follow
from connectors.own_property import GRAPH_ID

WINDOW_BACK, WINDOW_AHEAD = timedelta(days=92), timedelta(days=400)
"""What the changes of a calendar are read of: older reminders concern nobody, none is made so far ahead."""
WINDOW_KEPT = timedelta(days=30)
MOST_OWED = 500
"""Ids of kept back items in a cursor; with more of them everything is read again."""
_VERSION = 1
_ITEM: Query = {"$select": items.FIELDS, "$expand": items.EXPAND}
_CHANGED = "the calendar item was changed meanwhile"


class GraphSink:
    """One calendar: the mailbox's own, or one of its calendars by name."""

    def __init__(
        self,
        calendar: GraphCalendar,
        *,
        today: Callable[[], date] = lambda: datetime.now(UTC).date(),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.client = GraphClient(calendar.access, permission="Calendars.ReadWrite", sleep=sleep)
        self._calendar, self._today = calendar, today
        self._known: str | None = None
        self._windows_zones: set[str] = set()

    def find(self, uid: str) -> FoundEvent | None:
        entry = self._look_up(uid)
        return items.found_of(entry) if entry is not None else None

    def create(self, event: CalendarEvent) -> FoundEvent:
        """Looks first. If somebody else creates the same at this moment, one of the two meets Conflict."""
        if self._look_up(event.uid) is not None:
            raise _taken()
        birth = secrets.token_hex(8)
        try:
            made = self._post(event, birth, items.transaction_of(event.uid))
        except Conflict:
            if self._look_up(event.uid) is not None:
                raise _taken() from None
            # the server still knows the transaction of an item that was deleted since
            made = self._post(event, birth, items.transaction_of(event.uid, birth))
        entry = self._get(str(made.get("id")))
        if items.birth_of(entry) not in ("", birth):
            raise _taken()
        return _ours(entry)

    def update(self, event: CalendarEvent, found: FoundEvent) -> FoundEvent:
        """Our words, and our time if it is another one; all that the user added to it stays."""
        moved = (found.start, found.timezone) != (event.start, event.timezone)

        def write(windows: bool) -> dict[str, Any]:
            body = items.changed_words(event) | (items.changed_times(event, windows=windows) if moved else {})
            return self._write("PATCH", self._event(found.href), body=body, etag=found.etag)

        try:
            self._in_its_zone(event.timezone, write)
        except Absent as gone:
            raise Conflict(_CHANGED) from gone
        return _ours(self._get(found.href))

    def delete(self, found: FoundEvent) -> None:
        try:
            self._write("DELETE", self._event(found.href), etag=found.etag)
        except Absent:
            return

    def changes(self, cursor: CalendarCursor | None) -> CalendarChanges:
        """Everything at first, once a month, and when the server has forgotten the link."""
        link = self._link_of(cursor)
        if link is None:
            return self._everything()
        try:
            touched, link = follow(self.client, link)
        except (Stale, Absent, Refused):
            return self._everything()
        found, gone, owed = self._read(list(dict.fromkeys((*_owed(cursor), *touched))))
        if len(owed) > MOST_OWED:
            return self._everything()
        return CalendarChanges(found=found, gone=gone, cursor=self._cursor(link, _anchor(cursor), owed), complete=False)

    def close(self) -> None:
        """The connections belong to all mailboxes of the tenant."""

    # Reading

    def _everything(self) -> CalendarChanges:
        """The link first, then the items: what changes between is told twice."""
        today = self._today()
        midnight = datetime.combine(today, datetime.min.time(), tzinfo=UTC)
        _, link = follow(self.client, first_link(self._path(), midnight - WINDOW_BACK, midnight + WINDOW_AHEAD))
        found = tuple(item for entry in self._all_ours() if (item := items.found_of(entry)) is not None)
        return CalendarChanges(found=found, gone=(), cursor=self._cursor(link, today), complete=True)

    def _read(self, ids: Sequence[str]) -> tuple[tuple[FoundEvent, ...], tuple[str, ...], tuple[str, ...]]:
        """Our items among these, the ids of all that is not there or not ours, for the delta does not tell whose, and
        those of what the server keeps back: that is owed, and blocks none of the others.
        """
        parts = [Part(id=str(number), path=with_query(self._event(id), _ITEM)) for number, id in enumerate(ids)]
        replies = self.client.batch(parts)
        found: list[FoundEvent] = []
        gone: list[str] = []
        owed: list[str] = []
        for number, id in enumerate(ids):
            reply = replies[str(number)]
            item = items.found_of({**reply.body, "id": id}) if reply.ok else None
            if item is not None:
                found.append(item)
            else:
                (gone if self._is_elsewhere(reply) else owed).append(id)
        return tuple(found), tuple(gone), tuple(owed)

    def _is_elsewhere(self, reply: Reply) -> bool:
        """Whether what is not one of our items is not there or not ours; else it is kept back. Raises for the rest."""
        fault = None if reply.ok else self.client.fault(reply)
        if fault is not None and not isinstance(fault, Skippable | Trouble):
            raise fault
        return fault is None or isinstance(fault, Absent)

    def _all_ours(self) -> Iterator[Entry]:
        ours = f"singleValueExtendedProperties/any(ep: ep/id eq '{GRAPH_ID}' and ep/value ne null)"
        try:
            yield from self._list({**_ITEM, "$filter": ours, "$top": 100})
        except (Refused, Trouble):
            yield from self._list({**_ITEM, "$top": 100})

    def _list(self, query: Query) -> Iterator[Entry]:
        link = with_query(f"{self._path()}/events", query)
        for _ in range(ROUNDS):
            answer = self.client.get(link)
            yield from entries_of(answer)
            link = str(answer.get("@odata.nextLink") or "")
            if not link:
                return
        raise Fatal("the calendar holds too many items", advice="give the reminders a calendar of their own")

    def _look_up(self, uid: str) -> Entry | None:
        """The item with our property, whatever the user has made of it."""
        quoted = uid.replace("'", "''")
        ours = f"singleValueExtendedProperties/any(ep: ep/id eq '{GRAPH_ID}' and ep/value eq '{quoted}')"
        found = self._list({**_ITEM, "$filter": ours, "$top": 10})
        return next((entry for entry in found if items.uid_of(entry) == uid), None)

    def _get(self, id: str) -> Entry:
        return {**self.client.get(with_query(self._event(id), _ITEM)), "id": id}

    # Writing

    def _post(self, event: CalendarEvent, birth: str, transaction: str) -> dict[str, Any]:
        def write(windows: bool) -> dict[str, Any]:
            body = items.new_item(event, transaction=transaction, birth=birth, windows=windows)
            return self._write("POST", f"{self._path()}/events", body=body)

        return self._in_its_zone(event.timezone, write)

    def _in_its_zone(self, zone: str, write: Callable[[bool], dict[str, Any]]) -> dict[str, Any]:
        """A write that names a zone as IANA does, or as Windows does (True) where the server does not take that."""
        if zone in self._windows_zones:
            return write(True)
        try:
            return write(False)
        except Refused:
            done = write(True)  # raises if the zone is not to blame
            self._windows_zones.add(zone)
            return done

    def _write(self, method: str, path: str, *, body: Any = None, etag: str = "") -> dict[str, Any]:  # noqa: ANN401  # whatever JSON can hold
        """Never sent twice by itself: whether it was carried out is looked up by whoever asked for it.

        But for a busy server (503, 504): a `transactionId` is there for that ("event resource type"), and so is a
        version; one that was carried out before meets Conflict or is gone.
        """
        condition = {"If-Match": etag} if etag else {}
        guarded = bool(etag) or "transactionId" in (body or {})
        return self.client.ask(
            Ask(method=method, path=path, headers=condition, body=body, again=False, guarded=guarded)
        )

    # Places

    def _path(self) -> str:
        if self._known is None:
            name = self._calendar.name
            self._known = f"{self.client.user}/calendar" if name is None else self._named(name)
        return self._known

    def _named(self, name: str) -> str:
        id = self._calendar_id(name)
        if id is None and self._calendar.create:
            try:
                made = self._write("POST", f"{self.client.user}/calendars", body={"name": name})
                id = str(made["id"])
            except (Conflict, Refused):  # somebody else has just made it
                id = self._calendar_id(name)
        if id is None:
            raise Fatal(
                f"the mailbox has no calendar named {name}", advice="make it in Outlook, or write `create = true`"
            )
        return f"{self.client.user}/calendars/{segment(id)}"

    def _calendar_id(self, name: str) -> str | None:
        link = with_query(f"{self.client.user}/calendars", {"$select": "id,name", "$top": 100})
        while link:
            answer = self.client.get(link)
            for entry in entries_of(answer):
                if str(entry.get("name", "")).casefold() == name.casefold():
                    return str(entry["id"])
            link = str(answer.get("@odata.nextLink") or "")
        return None

    def _event(self, id: str) -> str:
        return f"{self.client.user}/events/{segment(id)}"

    # Cursors

    def _cursor(self, link: str, anchor: date, owed: Sequence[str] = ()) -> CalendarCursor:
        """owed: ids of what changed and was kept back; it is asked for again."""
        place = {"v": _VERSION, "link": link, "since": anchor.isoformat(), "owed": list(owed)}
        return CalendarCursor(json.dumps(place))

    def _link_of(self, cursor: CalendarCursor | None) -> str | None:
        """None for a cursor that is not ours, and for one whose window lies too far back."""
        anchor = _anchor(cursor)
        if cursor is None or self._today() - anchor > WINDOW_KEPT:
            return None
        return str(_content(cursor)["link"])


def _content(cursor: CalendarCursor) -> dict[str, Any]:
    try:
        content = json.loads(cursor)
    except ValueError:
        return {}
    ours = isinstance(content, dict) and content.get("v") == _VERSION and isinstance(content.get("link"), str)
    return content if ours else {}


def _anchor(cursor: CalendarCursor | None) -> date:
    """The day on which the window was made; long ago for what is no cursor of ours."""
    try:
        return date.fromisoformat(str(_content(cursor).get("since"))) if cursor is not None else date.min
    except ValueError:
        return date.min


def _owed(cursor: CalendarCursor | None) -> Sequence[str]:
    return list(map(str, _content(cursor).get("owed") or ())) if cursor is not None else ()


def _ours(entry: Entry) -> FoundEvent:
    found = items.found_of(entry)
    if found is None:
        raise Skippable("the calendar item is no longer one of ours, so it is left alone")
    return found


def _taken() -> Conflict:
    return Conflict("an item with this uid stands in the calendar already")
