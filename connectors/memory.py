"""A mailbox (and, from the room next door, a calendar) that lives in memory and behaves as servers do.

Both ship: embedders feed mail through them, and they are the test double of this program. `MemoryMailbox` is the
server's state with the owner's actions (deliver, move, copy, expunge, flag, rename, renumber) and its faults;
`MemorySource` reads it as the IMAP connector reads a server. One mailbox may be read by many sources in many threads.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime

from connectors import mime
from connectors.errors import Renumbered, Skippable
from connectors.memory_calendar import CalendarFaults, MemoryCalendar, MemorySink
from connectors.memory_state import Faults, MemoryFolder, Stored
from connectors.message import (
    NO_FLAGS,
    Away,
    Card,
    Cursor,
    Envelope,
    FlagChange,
    Flags,
    Folder,
    Listing,
    Message,
    Page,
    Withheld,
)
from connectors.past import Past, portions, read_past, read_place, write_place

__all__ = [
    "CalendarFaults",
    "Faults",
    "LateMemorySource",
    "MemoryCalendar",
    "MemoryFolder",
    "MemoryMailbox",
    "MemorySink",
    "MemorySource",
    "Stored",
]

PAGE = 100
_ORDER = {"inbox": 0, "sent": 1}
_EARLY = ("thread-index", "content-type", "content-class", "x-ms-exchange-calendar-originator-id")


class MemoryMailbox:
    """The server's side. A folder's key is its name, as on an IMAP server; ids are decimal texts."""

    def __init__(
        self,
        *,
        tells_flags: bool = True,
        provider_ids: bool = False,
        late_headers: bool = False,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        """tells_flags: `changes` reports flags of earlier mail. provider_ids: envelopes have ids that survive moves.

        late_headers: pages lack what filters read, as Exchange's do, and `complete` tells it.
        """
        self.lock = threading.RLock()
        self.folders: dict[str, MemoryFolder] = {}
        self.faults = Faults()
        self.tells_flags = tells_flags
        self.provider_ids = provider_ids
        self.late_headers = late_headers
        self.away: Away | None = None
        self.cards: dict[str, Card] = {}
        self._clock = clock or (lambda: datetime.now(UTC))
        self._validity = 1_000
        self._guid = 0
        self.create("INBOX", role="inbox")

    def create(self, name: str, *, role: str | None = None) -> str:
        """A new folder; its key."""
        with self.lock:
            self._validity += 1
            self.folders[name] = MemoryFolder(name=name, role=role, validity=self._validity)
            return name

    def deliver(self, folder: str, raw: bytes, *, when: datetime | None = None, flags: Flags = NO_FLAGS) -> str:
        """Mail arrives; its id. `when` is the server time, now if not given."""
        with self.lock:
            self._guid += 1
            return self._put(folder, raw, when or self._clock(), flags, f"g{self._guid}")

    def _put(self, folder: str, raw: bytes, when: datetime | None, flags: Flags, guid: str) -> str:
        place = self.folders[folder]
        place.changes += 1
        uid, place.next = place.next, place.next + 1
        place.messages[uid] = Stored(raw=raw, when=when, flags=flags, change=place.changes, guid=guid)
        return str(uid)

    def copy(self, folder: str, id: str, target: str) -> str:
        """The id of the copy."""
        with self.lock:
            stored = self.folders[folder].messages[int(id)]
            return self._put(target, stored.raw, stored.when, stored.flags, stored.guid)

    def move(self, folder: str, id: str, target: str) -> str:
        """The new id."""
        with self.lock:
            moved = self.copy(folder, id, target)
            self.expunge(folder, id)
            return moved

    def expunge(self, folder: str, *ids: str) -> None:
        with self.lock:
            for id in ids:
                del self.folders[folder].messages[int(id)]
            self.folders[folder].changes += 1

    def flag(self, folder: str, id: str, flags: Flags) -> None:
        """Replaces the flags of a message."""
        with self.lock:
            place = self.folders[folder]
            place.changes += 1
            place.messages[int(id)] = replace(place.messages[int(id)], flags=flags, change=place.changes)

    def rename(self, folder: str, name: str) -> str:
        """The same folder under another name, hence another key; ids and validity stay. INBOX cannot be renamed."""
        with self.lock:
            place = self.folders.pop(folder)
            place.name = name
            self.folders[name] = place
            return name

    def remove(self, folder: str) -> None:
        with self.lock:
            del self.folders[folder]

    def renumber(self, folder: str, *, validity: int | None = None) -> dict[str, str]:
        """Every id changes its meaning (UIDVALIDITY rises, or becomes what is given): old id → new id."""
        with self.lock:
            place = self.folders[folder]
            self._validity += 1
            place.validity = self._validity if validity is None else validity
            old, place.messages, place.next = place.messages, {}, 1
            place.changes += 1
            return {
                str(uid): self._put(folder, stored.raw, stored.when, stored.flags, stored.guid)
                for uid, stored in sorted(old.items())
            }

    def snapshot(self) -> dict[str, dict[str, tuple[bytes, Flags]]]:
        """Everything that stands there, to prove that nothing was changed."""
        with self.lock:
            return {
                key: {str(uid): (stored.raw, stored.flags) for uid, stored in place.messages.items()}
                for key, place in self.folders.items()
            }

    def open(self) -> "MemorySource":
        return LateMemorySource(self) if self.late_headers else MemorySource(self)


class MemorySource:
    """Reads a MemoryMailbox: a `MailSource`."""

    def __init__(self, mailbox: MemoryMailbox, *, page: int = PAGE) -> None:
        self._mailbox = mailbox
        self._page = page
        self.flags_in_changes = mailbox.tells_flags

    def folders(self) -> Sequence[Folder]:
        self._meet_faults("folders", "")
        with self._mailbox.lock:
            if self._mailbox.faults.hide_folders:
                return ()
            found = [
                Folder(key=key, name=place.name, role=place.role, mark=f"{place.validity}.{place.next}.{place.changes}")
                for key, place in self._mailbox.folders.items()
            ]
        return sorted(found, key=lambda folder: _ORDER.get(folder.role or "", 2))

    def changes(self, folder: Folder, cursor: Cursor | None) -> Iterator[Page]:
        known = read_place(cursor, "forward") if cursor is not None else None
        while True:
            with self._entered("changes", folder) as place:
                if known is None or known["validity"] != place.validity:
                    page: Page | None = self._first_page(place, renumbered=known is not None)
                    last = True
                else:
                    page = self._news(folder, place, known)
                    last = page is None
            if page is not None:
                yield page
            if last or page is None or page.cursor is None:
                return
            known = read_place(page.cursor, "forward")

    def _first_page(self, place: MemoryFolder, *, renumbered: bool) -> Page:
        history = Past(validity=str(place.validity), top=[place.next])
        return Page(
            validity=str(place.validity),
            cursor=_forward(place, place.next, len(place.messages), place.changes),
            history=history.write(),
            renumbered=renumbered,
        )

    def _news(self, folder: Folder, place: MemoryFolder, known: dict[str, int]) -> Page | None:
        """The next page, None when nothing is left."""
        new = sorted(uid for uid in place.messages if uid >= known["next"])
        chunk = new[: self._page]
        flags = self._changed_flags(place, known) if place.changes > known["changes"] else ()
        verify = known["count"] + len(new) != len(place.messages)
        if not (chunk or flags or verify or place.changes > known["changes"]):
            return None
        next_id = chunk[-1] + 1 if chunk and len(new) > len(chunk) else place.next
        count = len(place.messages) - len(new) + len(chunk)
        cursor = _forward(place, next_id, count, place.changes)
        envelopes, withheld, _ = self._envelopes(folder, place, chunk)
        return Page(
            validity=str(place.validity),
            envelopes=envelopes,
            withheld=withheld,
            flags=flags,
            verify=verify,
            cursor=cursor,
        )

    def _changed_flags(self, place: MemoryFolder, known: dict[str, int]) -> tuple[FlagChange, ...]:
        if not self.flags_in_changes:
            return ()
        return tuple(
            FlagChange(id=str(uid), flags=stored.flags)
            for uid, stored in sorted(place.messages.items())
            if stored.change > known["changes"] and uid < known["next"]
        )

    def history(self, folder: Folder, cursor: Cursor, since: date | None) -> Iterator[Page]:
        past = read_past(cursor)
        floor = since or date.min
        left = True
        while left:
            with self._entered("history", folder, past.validity) as place:
                unread = sorted(
                    (uid for uid, stored in place.messages.items() if _is_due(past, uid, stored, floor)), reverse=True
                )
                chunk, left = unread[: self._page], len(unread) > self._page
                if not chunk:
                    return
                past = past.after(floor, [chunk[-1]] if left else None)
                envelopes, withheld, _ = self._envelopes(folder, place, chunk)
            yield Page(validity=past.validity, envelopes=envelopes, withheld=withheld, cursor=past.write())

    def headers(self, folder: Folder, validity: str, ids: Sequence[str]) -> Iterator[Page]:
        for portion in portions(ids, self._page):
            with self._entered("headers", folder, validity) as place:
                envelopes, withheld, gone = self._envelopes(folder, place, [int(id) for id in portion])
            yield Page(validity=validity, envelopes=envelopes, withheld=withheld, gone=gone)

    def naming(self, folder: Folder, validity: str, addresses: Sequence[str]) -> frozenset[str]:
        wanted = [address.lower().encode() for address in addresses]
        with self._entered("naming", folder, validity) as place:
            heads = {id: stored.raw.partition(b"\r\n\r\n")[0].lower() for id, stored in place.messages.items()}
        return frozenset(str(id) for id, head in heads.items() if any(one in head for one in wanted))

    def bodies(self, folder: Folder, validity: str, ids: Sequence[str]) -> Iterator[Message | Withheld]:
        for id in ids:
            with self._entered("bodies", folder, validity) as place:
                stored = place.messages.get(int(id))
                reason = self._mailbox.faults.refuse.get((folder.key, id))
            if stored is None:
                yield Withheld(id=id, reason="it has left the folder", gone=True)
            elif reason is not None:
                yield Withheld(id=id, reason=reason)
            else:
                yield mime.read_message(stored.raw, id=id)

    def flags(self, folder: Folder, validity: str, ids: Sequence[str]) -> Page:
        with self._entered("flags", folder, validity) as place:
            messages = place.messages
            return Page(
                validity=validity,
                flags=tuple(FlagChange(id=id, flags=messages[int(id)].flags) for id in ids if int(id) in messages),
                gone=tuple(id for id in ids if int(id) not in messages),
            )

    def ids(self, folder: Folder, since: date | None) -> Listing:
        with self._entered("ids", folder) as place:
            floor = since or date.min
            found = frozenset(str(uid) for uid, stored in place.messages.items() if _day(stored) >= floor)
            return Listing(validity=str(place.validity), ids=found)

    def away(self) -> Away | None:
        """The owner's automatic replies."""
        self._meet_faults("away", "")
        return self._mailbox.away

    def contacts(self) -> Iterator[Card]:
        """The owner's address book: `MemoryMailbox.cards`, by id."""
        self._meet_faults("contacts", "")
        with self._mailbox.lock:
            found = [card for _, card in sorted(self._mailbox.cards.items())]
        yield from found

    def close(self) -> None:
        """Nothing is held."""

    def _envelopes(
        self, folder: Folder, place: MemoryFolder, uids: Sequence[int]
    ) -> tuple[tuple[Envelope, ...], tuple[Withheld, ...], tuple[str, ...]]:
        """(envelopes, those refused, those gone)."""
        envelopes: list[Envelope] = []
        withheld: list[Withheld] = []
        gone: list[str] = []
        for uid in uids:
            stored, reason = place.messages.get(uid), self._mailbox.faults.refuse.get((folder.key, str(uid)))
            if stored is None:
                gone.append(str(uid))
            elif reason is not None:
                withheld.append(Withheld(id=str(uid), reason=reason))
            else:
                envelopes.append(self._envelope(uid, stored))
        return tuple(envelopes), tuple(withheld), tuple(gone)

    def _envelope(self, uid: int, stored: Stored) -> Envelope:
        provider_id = stored.guid if self._mailbox.provider_ids else None
        return mime.read_header(
            stored.raw,
            id=str(uid),
            size=len(stored.raw),
            server_time=stored.when,
            flags=stored.flags,
            provider_id=provider_id,
        )

    @contextmanager
    def _entered(self, call: str, folder: Folder, validity: str | None = None) -> Iterator[MemoryFolder]:
        """The folder, locked, once it can be opened. Raises Skippable, Renumbered, or the fault that is set."""
        self._meet_faults(call, folder.key)
        with self._mailbox.lock:
            place = self._mailbox.folders.get(folder.key)
            if place is None or folder.key in self._mailbox.faults.broken:
                raise Skippable(f"folder {folder.name} cannot be opened", advice="check that it exists")
            if validity is not None and validity != str(place.validity):
                raise Renumbered(f"the ids of folder {folder.name} changed meanwhile")
            yield place

    def _meet_faults(self, call: str, key: str) -> None:
        faults = self._mailbox.faults
        if faults.before is not None:
            faults.before(call, key)
        if faults.error is not None:
            raise faults.error


class LateMemorySource(MemorySource):
    """A source whose pages hold envelopes without the headers that filters read: it `CompletesHeaders`.

    completed: the ids that were asked for, in order.
    """

    def __init__(self, mailbox: MemoryMailbox, *, page: int = PAGE) -> None:
        super().__init__(mailbox, page=page)
        self.completed: list[str] = []
        self._whole = False

    def complete(self, folder: Folder, validity: str, ids: Sequence[str], *, texts: bool) -> Iterator[Page]:
        self._meet_faults("complete", folder.key)
        self.completed += ids
        self._whole = True
        try:
            pages = list(self.headers(folder, validity, ids))
        finally:
            self._whole = False
        yield from pages

    def _envelope(self, uid: int, stored: Stored) -> Envelope:
        envelope = super()._envelope(uid, stored)
        return envelope if self._whole else replace(envelope, headers=_told_early(envelope), reply_to=(), size=None)


def _told_early(envelope: Envelope) -> dict[str, str]:
    """What every page tells: the conversation, and that a message is an invitation, an answer to one, or a report."""
    return {name: envelope.headers[name] for name in _EARLY if name in envelope.headers}


def _forward(place: MemoryFolder, next_id: int, count: int, changes: int) -> Cursor:
    return write_place("forward", validity=place.validity, next=next_id, count=count, changes=changes)


def _day(stored: Stored) -> date:
    return stored.when.date() if stored.when else date.max


def _is_due(past: Past, uid: int, stored: Stored, floor: date) -> bool:
    day = _day(stored)
    return day >= floor and past.holds([uid], day)
