"""Reminders in a calendar of Exchange: a `CalendarSink`.

Exchange takes any number of items with one uid, so a create looks first, and once more afterwards: of two that were
made at once no more than the first one stays. An update names the version it means (ChangeKey, NeverOverwrite);
a delete cannot, so it looks just before. Nobody is ever written to: every write says SendToNone, and no item of ours
names people.
"""

import json
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TypeVar

from config.model import ExchangeCalendar
from connectors.errors import Conflict, Fatal, Retriable, Skippable
from connectors.event import CalendarChanges, CalendarCursor, CalendarEvent, FoundEvent
from connectors.exchange import calendar_item, shapes
from connectors.exchange.cursors import BEGINNING
from connectors.exchange.faults import CHANGED, GONE, NoState
from connectors.exchange.folders import distinguished, list_folders
from connectors.exchange.items import change_key, id_of
from connectors.exchange.opening import Opened
from connectors.exchange.reading import (
    MOST_LISTED,
    Changes,
    folder_id,
    get_items,
    next_offset,
    root_of,
    sync,
)
from connectors.exchange.soap import Seat, code_of, only
from connectors.exchange.xml import MESSAGES, Element, children, find, m, moment, t, text

T = TypeVar("T")
_VERSION = 1
_MOST_ITEMS = 50_000
MOST_OWED = 500
"""Ids of kept back items in a cursor."""
_KIND = "IPF.Appointment"
_TAKEN = "an item with this uid stands there already"
_CHANGED = "the calendar item was changed meanwhile"


class ExchangeSink:
    """One calendar of one mailbox. See `connectors.base.CalendarSink`."""

    def __init__(self, calendar: ExchangeCalendar) -> None:
        self._calendar = calendar
        self._opened: Opened | None = None
        self._seat_kept: Seat | None = None
        self._folder = ""

    def find(self, uid: str) -> FoundEvent | None:
        items = self._items([id for id, _ in self._search(calendar_item.is_ours(uid))])
        return next((found for item in items if (found := calendar_item.read(item)) is not None), None)

    def create(self, event: CalendarEvent) -> FoundEvent:
        with _alone(self._calendar.place):
            if self._search(calendar_item.is_ours(event.uid)):
                raise Conflict(_TAKEN)
            made = self._create(event)
            self._settle_twins(event.uid, made)
            return self._read(made)

    def update(self, event: CalendarEvent, found: FoundEvent) -> FoundEvent:
        standing = self._standing(found)
        changes = calendar_item.revise(event, standing)
        item = t("ItemChange", t("ItemId", Id=found.href, ChangeKey=found.etag), t("Updates", *changes))
        payload = m(
            "UpdateItem",
            m("ItemChanges", item),
            ConflictResolution="NeverOverwrite",
            MessageDisposition="SaveOnly",
            SendMeetingInvitationsOrCancellations="SendToNone",
        )
        self._written(self._seat().ask(payload, writes=True))
        return self._read(found.href)

    def delete(self, found: FoundEvent) -> None:
        item = next(iter(self._items([found.href])), None)
        if item is None:
            return
        if change_key(item) != found.etag:
            raise Conflict(_CHANGED)
        self._remove(found.href)

    def changes(self, cursor: CalendarCursor | None) -> CalendarChanges:
        state, place, owed = _place_of(cursor)
        if not self._calendar.name:  # a named one is looked for by its name, which may mean another one now
            self._folder = self._folder or place
        if state:
            try:
                return self._since(state, owed)
            except NoState:
                pass
        return self._everything()

    def close(self) -> None:
        opened, self._opened, self._seat_kept, self._folder = self._opened, None, None, ""
        if opened is not None:
            opened.close()

    # Reading

    def _since(self, state: str, owed: Sequence[str]) -> CalendarChanges:
        """owed: ids of what changed before and was kept back then. What is kept back now waits in the cursor."""
        touched = dict.fromkeys(owed, True)
        while True:
            answer = self._sync(state)
            for change in answer.changes:
                touched[change.id] = change.kind != "delete"
            moved, state = answer.state != state, answer.state
            if answer.last:
                break
            if not moved:
                raise Retriable("the calendar server never comes to the end of its changes")
        found, kept_back = self._found([id for id, there in touched.items() if there])
        told = kept_back | {one.href for one in found}
        gone = tuple(id for id in touched if id not in told)
        cursor = _cursor(state, self._folder, kept_back)
        return CalendarChanges(found=found, gone=gone, cursor=cursor, complete=False)

    def _everything(self) -> CalendarChanges:
        """The state first, and then what stands there: a change in between is told twice, not never.

        Where an item of ours is kept back this is not everything: nothing is taken for gone, and all is read again.
        """
        state, last = "", False
        while not last:
            answer = self._sync(state)
            state, last = answer.state, answer.last
        found, kept_back = self._found([id for id, _ in self._search(calendar_item.carries_mark())])
        cursor = _cursor("" if kept_back else state, self._folder)
        return CalendarChanges(found=found, gone=(), cursor=cursor, complete=not kept_back)

    def _sync(self, state: str) -> Changes:
        return self._on_place(lambda place: sync(self._seat(), place, state))

    def _on_place(self, step: Callable[[str], T]) -> T:
        """A step on the calendar; once more on the one that took its place, if it is gone since it was found."""
        known = self._folder
        try:
            return step(self._place())
        except Skippable:
            if not known:
                raise
        self._folder = ""
        return step(self._place())

    def _search(self, condition: Element) -> list[tuple[str, datetime]]:
        """Ids of the items of this calendar that meet a condition, with the time they were made."""
        return self._on_place(lambda place: self._search_in(place, condition))

    def _search_in(self, place: str, condition: Element) -> list[tuple[str, datetime]]:
        found: list[tuple[str, datetime]] = []
        offset: int | None = 0
        while offset is not None and len(found) <= _MOST_ITEMS:
            payload = m(
                "FindItem",
                shapes.shape([shapes.field("item:DateTimeCreated")]),
                m(
                    "IndexedPageItemView",
                    MaxEntriesReturned=str(MOST_LISTED),
                    Offset=str(offset),
                    BasePoint="Beginning",
                ),
                m("Restriction", shapes.again(condition)),
                m("ParentFolderIds", folder_id(place)),
                Traversal="Shallow",
            )
            root = root_of(only(self._seat().ask(payload)))
            items = list(children(root, "Items"))
            found += [(id_of(item), moment(text(item, "DateTimeCreated")) or BEGINNING) for item in items]
            offset = next_offset(root, offset, len(items))
        return found

    def _items(self, ids: Sequence[str]) -> list[Element]:
        """Those that still stand there. Raises Skippable for one that is kept back."""
        items: list[Element] = []
        for got in get_items(self._seat(), ids, calendar_item.shape()):
            if got.refused:
                raise Skippable(f"a calendar item cannot be read: {next(iter(got.refused.values()))}")
            items += got.items.values()
        return items

    def _found(self, ids: Sequence[str]) -> tuple[tuple[FoundEvent, ...], set[str]]:
        """Those of ours among these, and the ids of what the server keeps back, which blocks none of the others."""
        found: list[FoundEvent] = []
        kept_back: set[str] = set()
        for got in get_items(self._seat(), ids, calendar_item.shape()):
            found += [one for item in got.items.values() if (one := calendar_item.read(item)) is not None]
            kept_back |= {*got.refused, *got.long}
        return tuple(found), kept_back

    def _read(self, id: str) -> FoundEvent:
        item = next(iter(self._items([id])), None)
        found = None if item is None else calendar_item.read(item)
        if found is None:
            raise Conflict(_CHANGED)
        return found

    def _standing(self, found: FoundEvent) -> FoundEvent:
        standing = self._read(found.href)
        if standing.etag != found.etag:
            raise Conflict(_CHANGED)
        return standing

    # Writing

    def _create(self, event: CalendarEvent) -> str:
        payload = m(
            "CreateItem",
            m("SavedItemFolderId", folder_id(self._place())),
            m("Items", calendar_item.compose(event)),
            SendMeetingInvitations="SendToNone",
        )
        message = only(self._seat().ask(payload, writes=True))
        items = message.find(MESSAGES + "Items")
        made = "" if items is None or len(items) == 0 else id_of(items[0])
        if not made:
            raise Retriable("the calendar server made an item without saying which")
        return made

    def _settle_twins(self, uid: str, made: str) -> None:
        """Takes back what was made, unless it was made before every other one. Raises Conflict if somebody was first.

        Times are whole seconds: of two made in the same one both may go, so that is Retriable, and both look again.
        """
        twins = dict(self._search(calendar_item.is_ours(uid)))
        own = twins.pop(made, None)
        if not twins or (own is not None and own < min(twins.values())):
            return
        self._remove(made)
        if own == min(twins.values()):
            raise Retriable("the calendar item was made by somebody else in the same second")
        raise Conflict(_TAKEN)

    def _remove(self, id: str) -> None:
        payload = m(
            "DeleteItem",
            m("ItemIds", t("ItemId", Id=id)),
            DeleteType="HardDelete",
            SendMeetingCancellations="SendToNone",
        )
        messages = self._seat().ask(payload, writes=True)
        if len(messages) == 1 and code_of(messages[0]) in GONE:
            return
        self._written(messages)

    def _written(self, messages: Sequence[Element]) -> None:
        if len(messages) == 1 and code_of(messages[0]) in CHANGED | GONE:
            raise Conflict(_CHANGED)
        only(messages)

    # The calendar

    def _seat(self) -> Seat:
        if self._seat_kept is None:
            access = self._calendar.access
            self._opened = Opened(access)
            self._seat_kept = Seat(self._opened.wire, access.user, access.access)
        return self._seat_kept

    def _place(self) -> str:
        """The id of the calendar. Raises Fatal if there is none and none is to be made."""
        if not self._folder:
            self._folder = self._named(self._calendar.name) if self._calendar.name else self._default()
        return self._folder

    def _default(self) -> str:
        address = self._seat().primary_smtp_address
        payload = m(
            "GetFolder",
            m("FolderShape", t("BaseShape", "IdOnly")),
            m("FolderIds", distinguished("calendar", address)),
        )
        return _folder_of(only(self._seat().ask(payload)))

    def _named(self, name: str) -> str:
        with _alone(self._calendar.place):
            found = self._calendars().get(name.casefold())
            if found is not None:
                return found
            if not self._calendar.create:
                raise Fatal(f'there is no calendar "{name}" in this mailbox', advice="make it, or set `create = true`")
            return self._make(name)

    def _calendars(self) -> dict[str, str]:
        """Ids of the mailbox's calendars by name."""
        found: dict[str, str] = {}
        for place in list_folders(self._seat()):
            if place.kind.startswith(_KIND.lower()):
                found.setdefault(place.name.casefold(), place.id)
        return found

    def _make(self, name: str) -> str:
        payload = m(
            "CreateFolder",
            m("ParentFolderId", distinguished("calendar", self._seat().primary_smtp_address)),
            m("Folders", t("CalendarFolder", t("FolderClass", _KIND), t("DisplayName", name))),
        )
        messages = self._seat().ask(payload, writes=True)
        if len(messages) == 1 and code_of(messages[0]) == "ErrorFolderExists":
            raise Retriable(f'the calendar "{name}" was made by somebody else meanwhile')
        if len(messages) == 1 and code_of(messages[0]) == "ErrorAccessDenied":
            advice = "make it in Outlook, or let the account make folders in this mailbox's calendar"
            raise Fatal(f'the account may not make the calendar "{name}" (ErrorAccessDenied)', advice=advice)
        return _folder_of(only(messages))


def _folder_of(message: Element) -> str:
    folders = message.find(MESSAGES + "Folders")
    own = None if folders is None or len(folders) == 0 else find(folders[0], "FolderId")
    if own is None or not own.get("Id"):
        raise Retriable("the calendar server named a calendar without an id")
    return str(own.get("Id"))


class _Locks:
    """One lock a calendar, for the threads of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._locks: dict[tuple[str, ...], threading.RLock] = {}

    def of(self, place: tuple[str, ...]) -> threading.RLock:
        with self._lock:
            return self._locks.setdefault(place, threading.RLock())


_LOCKS = _Locks()


@contextmanager
def _alone(place: tuple[str, ...]) -> Iterator[None]:
    with _LOCKS.of(place):
        yield


def _cursor(state: str, place: str, owed: Collection[str] = ()) -> CalendarCursor:
    """With more owed than is noted, everything is read again."""
    if len(owed) > MOST_OWED:
        state, owed = "", ()
    return CalendarCursor(json.dumps({"v": _VERSION, "state": state, "place": place, "owed": sorted(owed)}))


def _place_of(cursor: CalendarCursor | None) -> tuple[str, str, Sequence[str]]:
    """State, id of the calendar, and what is owed; '' for what is not told, and for a cursor that is not ours."""
    try:
        content = json.loads(cursor) if cursor is not None else None
    except ValueError:
        content = None
    if not isinstance(content, dict) or content.get("v") != _VERSION:
        return "", "", ()
    state, place = (content.get(name) for name in ("state", "place"))
    owed = list(map(str, content.get("owed") or ()))
    return state if isinstance(state, str) else "", place if isinstance(place, str) else "", owed
