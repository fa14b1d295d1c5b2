"""One mbox file (RFC 4155, and what mail programs make of it), read by offsets: the file is never held in memory.

The id is a digest of the separator and the header, without the fields that mail programs rewrite (Status …), and a
count where several are alike. So ids survive appending, compacting and a change of flags; only offsets move, and those
are found again by looking through the file, from the last message onward where it has only grown. Order is the number
of the message in the file: it only falls when others before it are taken out, so no message is passed over.
"""

import hashlib
import os
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

from connectors.archive.shelf import HEADER_OCTETS, Entry, Piece, mark_of, moment, read_file
from connectors.errors import Skippable
from connectors.message import YEARS_OF_MAIL, Flags

_BLOCK = 4 * 1024 * 1024
_LONGEST_SEPARATOR = 400
_SEPARATOR = re.compile(
    rb"From [^\r\n]{0,300}?(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) +(?P<month>[A-Z][a-z]{2}) +(?P<day>\d{1,2}) +"
    rb"(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d))?(?: +(?P<zone>[+-]\d{4}|[A-Z]{1,5}))?"
    rb" +(?P<year>\d{4})(?: +(?P<late>[+-]\d{4}))?[^\r\n]{0,60}(?:\r?\n|\Z)"
)
"""A line counts as separator only with a date in it: `From here on …` in a text is text."""
_MONTHS = {name: n for n, name in enumerate(b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), start=1)}
_REWRITTEN = re.compile(
    rb"^(?:Status|X-Status|X-Keywords|X-UID|X-IMAP(?:base)?|X-Mozilla-[A-Za-z-]+|Content-Length|Lines):"
    rb".*\n(?:[ \t].*\n)*",
    re.IGNORECASE | re.MULTILINE,
)
_QUOTED = re.compile(rb"^>(>*From )", re.MULTILINE)
_STATUS = re.compile(rb"^X-Status:[ \t]*([A-Z]{0,10})", re.IGNORECASE | re.MULTILINE)
_KEYWORDS = re.compile(rb"^X-Keywords:[ \t]*([^\r\n]{0,1000})", re.IGNORECASE | re.MULTILINE)
_TAIL = 1024


@dataclass(kw_only=True)
class _Index:
    """Where every message begins. tail: the last octets, by which a file that has only grown is known again."""

    identity: tuple[int, int, int] = (0, 0, 0)
    starts: list[int] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    place: dict[str, int] = field(default_factory=dict)
    copies: dict[str, int] = field(default_factory=dict)
    size: int = 0
    tail: bytes = b""


class MboxShelf:
    """`path` is the file."""

    ordered_by_place = True

    def __init__(self, path: Path) -> None:
        self._path = path
        self._index = _Index()

    def mark(self) -> str | None:
        return mark_of(self._path)

    def entries(self) -> Sequence[Entry]:
        self._refresh()
        return [Entry([number], id) for number, id in enumerate(self._index.ids)]

    def day(self, id: str) -> date:
        found = self._span(id)
        separator = read_file(self._path, _LONGEST_SEPARATOR, start=found[0]) if found else None
        return _when(separator[0], separator[1].st_mtime).date() if separator else date.max

    def read(self, id: str, limit: int) -> Piece | None:
        self._refresh()
        span = self._span(id)
        if span is None:
            return None
        start, end = span
        found = read_file(self._path, min(end - start, limit + _LONGEST_SEPARATOR), start=start)
        if found is None:
            return None
        separator = _SEPARATOR.match(found[0])
        skipped = separator.end() if separator else 0
        raw = _QUOTED.sub(rb"\1", found[0][skipped : skipped + limit])
        return Piece(raw=raw, size=end - start - skipped, when=_when(found[0], found[1].st_mtime), flags=_flags(raw))

    def flags(self, id: str) -> Flags | None:
        piece = self.read(id, HEADER_OCTETS)
        return piece.flags if piece else None

    def _span(self, id: str) -> tuple[int, int] | None:
        start = self._index.place.get(id)
        if start is None:
            return None
        after = bisect_right(self._index.starts, start)
        return start, (self._index.starts[after] if after < len(self._index.starts) else self._index.size)

    def _refresh(self) -> None:
        """Brings the index up to the file; a file that is gone is empty."""
        try:
            status = self._path.stat(follow_symlinks=False)
        except FileNotFoundError:
            self._index = _Index()
            return
        except OSError as error:
            raise Skippable(f"file {self._path.name} cannot be read: {error.strerror}") from error
        identity = (status.st_ino, status.st_size, status.st_mtime_ns)
        if identity == self._index.identity:
            return
        if not self._has_only_grown(status):
            self._index = _Index()
        self._scan(status.st_size)
        self._index.identity = identity

    def _has_only_grown(self, status: os.stat_result) -> bool:
        index = self._index
        if status.st_ino != index.identity[0] or status.st_size < index.size or not index.starts:
            return False
        tail = read_file(self._path, len(index.tail), start=index.size - len(index.tail))
        return tail is not None and tail[0] == index.tail

    def _scan(self, size: int) -> None:
        """Adds the messages behind the last one known."""
        index = self._index
        index.size = size
        for start in self._separators(index.starts[-1] + 1 if index.starts else 0, size):
            digest = self._digest(start)
            index.copies[digest] = copy = index.copies.get(digest, 0) + 1
            id = digest if copy == 1 else f"{digest}-{copy}"
            index.starts.append(start)
            index.ids.append(id)
            index.place[id] = start
        tail = read_file(self._path, min(_TAIL, size), start=max(0, size - _TAIL))
        index.tail = tail[0] if tail else b""

    def _separators(self, at: int, size: int) -> Iterator[int]:
        """Offsets of the separators from `at` on, found block by block."""
        while at < size:
            found = read_file(self._path, _BLOCK + _LONGEST_SEPARATOR, start=at)
            if found is None or not found[0]:
                return
            block = found[0]
            if at == 0 and _SEPARATOR.match(block):
                yield 0
            place = block.find(b"\nFrom ")
            while 0 <= place < _BLOCK:
                if _SEPARATOR.match(block, place + 1):
                    yield at + place + 1
                place = block.find(b"\nFrom ", place + 1)
            at += _BLOCK

    def _digest(self, start: int) -> str:
        found = read_file(self._path, 16 * 1024, start=start)
        block = found[0].replace(b"\r\n", b"\n") if found else b""
        header = block.partition(b"\n\n")[0] + b"\n"
        return hashlib.blake2b(_REWRITTEN.sub(b"", header), digest_size=12).hexdigest()


def is_mbox(beginning: bytes) -> bool:
    """Whether a file begins as an mbox; an empty file is one without mail."""
    return not beginning or _SEPARATOR.match(beginning) is not None


def _when(separator: bytes, modified: float) -> datetime:
    """The date of the separator line, UTC where it names no zone; the file's time if it makes no sense."""
    found = _SEPARATOR.match(separator)
    if found is None:
        return moment(modified)
    written = found["late"] or found["zone"] or b""
    try:
        day, hour, minute, second = (int(found[name] or 0) for name in ("day", "hour", "minute", "second"))
        month = _MONTHS.get(found["month"], 0)
        if int(found["year"]) not in YEARS_OF_MAIL:
            return moment(modified)
        return datetime(int(found["year"]), month, day, hour, minute, min(second, 59), tzinfo=_zone(written))
    except ValueError:
        return moment(modified)


def _zone(written: bytes) -> timezone:
    """Raises ValueError for an offset of a day or more."""
    if written[:1] not in (b"+", b"-"):
        return UTC
    minutes = int(written[1:3]) * 60 + int(written[3:])
    return timezone(timedelta(minutes=-minutes if written[:1] == b"-" else minutes))


def _flags(raw: bytes) -> Flags:
    header = raw[:HEADER_OCTETS].replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    status, words = _STATUS.search(header), _KEYWORDS.search(header)
    letters = _known_letters(status[1].upper()) if status else b""
    categories = frozenset(words[1].decode("utf-8", "replace").split()) if words else frozenset[str]()
    return Flags(flagged=b"F" in letters, draft=b"T" in letters, categories=categories)


def _known_letters(letters: bytes) -> bytes:
    """X-Status as most programs write it: A, D, F and T (draft) alone. KMail writes others: G flagged, T attachment."""
    return letters if not letters.strip(b"ADFT") else b"F" if b"G" in letters else b""
