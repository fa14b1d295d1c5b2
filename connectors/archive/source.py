"""The lanes over any archive: a `MailSource` that knows folders as shelves.

Forward: everything whose key is not below the place. The place keeps count and sum of all ids below it, so that a
message that left, or came in below, is noticed and said (`verify`). An archive never gives an id another meaning: its
validity is a constant.
"""

import hashlib
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from config.model import FolderChoice
from connectors import mime
from connectors.archive.layout import Place, find_folders
from connectors.archive.shelf import WHOLE_OCTETS, Entry, Shelf, read_header
from connectors.errors import Renumbered, Skippable
from connectors.message import Cursor, Envelope, FlagChange, Folder, Listing, Message, Page, Withheld
from connectors.past import Past, portions, read_past, read_place, write_place

PAGE = 200
VALIDITY = "1"
_MODULUS = 2**64


class ArchiveSource:
    """Reads one archive. `root` is looked at when it is first used."""

    flags_in_changes = False

    def __init__(self, root: Path, choice: FolderChoice) -> None:
        self._root = root
        self._choice = choice
        self._places: dict[str, Place] = {}

    def folders(self) -> Sequence[Folder]:
        found = find_folders(self._root, self._choice)
        self._places = {place.folder.key: self._places.get(place.folder.key, place) for place in found}
        return [place.folder for place in found]

    def changes(self, folder: Folder, cursor: Cursor | None) -> Iterator[Page]:
        known = read_place(cursor, "forward") if cursor is not None else None
        shelf = self._shelf(folder)
        mark = shelf.mark()
        if known is not None and mark is not None and known.get("mark") == mark:
            return
        entries = shelf.entries()
        if known is None:
            yield _first_page(entries, mark)
            return
        yield from self._news(shelf, entries, known, mark)

    def _news(self, shelf: Shelf, entries: Sequence[Entry], known: dict[str, Any], mark: str | None) -> Iterator[Page]:
        first = _first_new(shelf, entries, known)
        total = _sum(entries[:first])
        verify = first != known["count"] or total != known["sum"]
        if not verify and first == len(entries) and mark == known.get("mark"):
            return
        for start in range(first, max(len(entries), first + 1), PAGE):
            chunk = entries[start : start + PAGE]
            total = (total + _sum(chunk)) % _MODULUS
            last = start + len(chunk) == len(entries)
            place = _forward(entries[: start + len(chunk)], total, mark if last else None)
            envelopes, withheld, _ = _read_headers(shelf, [entry.id for entry in chunk])
            yield Page(validity=VALIDITY, envelopes=envelopes, withheld=withheld, verify=verify, cursor=place)
            verify = False

    def history(self, folder: Folder, cursor: Cursor, since: date | None) -> Iterator[Page]:
        past = read_past(cursor)
        _check(past.validity)
        shelf, floor = self._shelf(folder), since or date.min
        dated = floor > date.min or any(done.floor > date.min for done in past.passes)
        unread = [entry for entry in reversed(shelf.entries()) if _is_due(past, shelf, entry, floor, dated=dated)]
        for start in range(0, len(unread), PAGE):
            chunk = unread[start : start + PAGE]
            past = past.after(floor, chunk[-1].key if start + PAGE < len(unread) else None)
            envelopes, withheld, _ = _read_headers(shelf, [entry.id for entry in chunk])
            yield Page(validity=VALIDITY, envelopes=envelopes, withheld=withheld, cursor=past.write())

    def headers(self, folder: Folder, validity: str, ids: Sequence[str]) -> Iterator[Page]:
        _check(validity)
        shelf = self._shelf(folder)
        for portion in portions(ids, PAGE):
            envelopes, withheld, gone = _read_headers(shelf, portion)
            yield Page(validity=VALIDITY, envelopes=envelopes, withheld=withheld, gone=gone)

    def bodies(self, folder: Folder, validity: str, ids: Sequence[str]) -> Iterator[Message | Withheld]:
        _check(validity)
        shelf = self._shelf(folder)
        for id in ids:
            yield _read_body(shelf, id)

    def flags(self, folder: Folder, validity: str, ids: Sequence[str]) -> Page:
        _check(validity)
        shelf = self._shelf(folder)
        now = {id: shelf.flags(id) for id in ids}
        changes = tuple(FlagChange(id=id, flags=flags) for id, flags in now.items() if flags is not None)
        return Page(validity=VALIDITY, flags=changes, gone=tuple(id for id, flags in now.items() if flags is None))

    def ids(self, folder: Folder, since: date | None) -> Listing:
        shelf = self._shelf(folder)
        entries = shelf.entries()
        found = (entry.id for entry in entries if since is None or shelf.day(entry.id) >= since)
        return Listing(validity=VALIDITY, ids=frozenset(found))

    def close(self) -> None:
        """Nothing stays open between two calls."""

    def _shelf(self, folder: Folder) -> Shelf:
        """Raises Skippable, Fatal."""
        if folder.key not in self._places:
            self.folders()
        place = self._places.get(folder.key)
        if place is None or not place.path.exists():
            raise Skippable(f"folder {folder.name} is not there any more", advice="check the path of the archive")
        return place.shelf


def _first_page(entries: Sequence[Entry], mark: str | None) -> Page:
    history = Past(validity=VALIDITY, top=_behind(entries))
    return Page(validity=VALIDITY, cursor=_forward(entries, _sum(entries), mark), history=history.write())


def _behind(entries: Sequence[Entry]) -> list[Any]:
    """The lowest key behind all of them."""
    return [*entries[-1].key, 0] if entries else []


def _forward(entries: Sequence[Entry], total: int, mark: str | None) -> Cursor:
    last = entries[-1].id if entries else ""
    return write_place("forward", next=_behind(entries), last=last, count=len(entries), sum=total, mark=mark)


def _first_new(shelf: Shelf, entries: Sequence[Entry], known: dict[str, Any]) -> int:
    """The index of the first message that was not listed yet."""
    first = bisect_left(entries, known["next"], key=lambda entry: entry.key)
    if not shelf.ordered_by_place or (first == known["count"] and _sum(entries[:first]) == known["sum"]):
        return first
    places = [index for index, entry in enumerate(entries) if entry.id == known["last"]]
    return places[0] + 1 if places else len(entries)


def _sum(entries: Sequence[Entry]) -> int:
    """The same for the same ids in any order."""
    digests = (hashlib.blake2b(entry.id.encode("utf-8"), digest_size=8).digest() for entry in entries)
    return sum(int.from_bytes(digest, "big") for digest in digests) % _MODULUS


def _is_due(past: Past, shelf: Shelf, entry: Entry, floor: date, *, dated: bool) -> bool:
    day = shelf.day(entry.id) if dated else date.max
    return day >= floor and past.holds(entry.key, day)


def _read_headers(
    shelf: Shelf, ids: Sequence[str]
) -> tuple[tuple[Envelope, ...], tuple[Withheld, ...], tuple[str, ...]]:
    """(envelopes, what cannot be read, what is gone)."""
    envelopes: list[Envelope] = []
    withheld: list[Withheld] = []
    gone: list[str] = []
    for id in ids:
        try:
            piece = read_header(shelf, id)
        except Skippable as error:
            withheld.append(Withheld(id=id, reason=str(error)))
            continue
        if piece is None:
            gone.append(id)
        else:
            envelopes.append(
                mime.read_header(piece.raw, id=id, size=piece.size, server_time=piece.when, flags=piece.flags)
            )
    return tuple(envelopes), tuple(withheld), tuple(gone)


def _read_body(shelf: Shelf, id: str) -> Message | Withheld:
    try:
        piece = shelf.read(id, WHOLE_OCTETS)
    except Skippable as error:
        return Withheld(id=id, reason=str(error))
    if piece is None:
        return Withheld(id=id, reason="it has left the folder", gone=True)
    return mime.read_message(piece.raw, id=id, truncated=piece.size > WHOLE_OCTETS)


def _check(validity: str) -> None:
    if validity != VALIDITY:
        raise Renumbered("these ids were given by another kind of mailbox")
