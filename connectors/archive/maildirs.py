"""One Maildir folder (cr.yp.to/proto/maildir.html): the id is the unique name, the flags stand in the file name.

Order is the time of delivery in the unique name. A message whose name is older than what was listed before (moved in
by hand) is not seen by the forward lane; the sum over all names tells that something is there, and the page says so.
"""

import os
import re
import time
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from pathlib import Path

from connectors.archive.shelf import Entry, Piece, list_folder, mark_of, moment, plain_id, read_file
from connectors.message import Flags

_NAME = re.compile(r"(\d{1,12})\.(?:M(\d{1,9}))?")
_INFO = re.compile(r"[:;!]2,")
"""`:` by the standard; `;` and `!` where a file system forbids it."""
_OLDEST = 631_152_000
"""1990 in seconds: unique names that say less hold no time."""
_MOST_KEYWORDS = 26
_TICK = 50_000_000
"""Nanoseconds in which a second change may leave the same time stamp."""


class MaildirShelf:
    """`path` holds cur and new; tmp is never looked at."""

    ordered_by_place = False

    def __init__(self, path: Path) -> None:
        self._path = path
        self._files: dict[str, Path] = {}
        self._keywords: tuple[str, ...] = ()
        self._listed: tuple[int, ...] | None = None

    def mark(self) -> str | None:
        return mark_of(self._path / "cur", self._path / "new")

    def entries(self) -> Sequence[Entry]:
        self._list()
        return sorted(Entry(self._key(id), id) for id in self._files)

    def day(self, id: str) -> date:
        path = self._files.get(id)
        try:
            return _when(id, path.stat(follow_symlinks=False)).date() if path else date.max
        except OSError:
            return date.max

    def read(self, id: str, limit: int) -> Piece | None:
        for path in self._paths(id):
            found = read_file(path, limit)
            if found is not None:
                raw, status = found
                return Piece(raw=raw, size=status.st_size, when=_when(id, status), flags=self._flags(path))
        return None

    def flags(self, id: str) -> Flags | None:
        return next((self._flags(path) for path in self._paths(id) if path.exists()), None)

    def _paths(self, id: str) -> Iterator[Path]:
        """Where the message lies; once more if it is not there: a changed flag renames it, seen mail moves to cur."""
        if id in self._files:
            yield self._files[id]
        if self._listed is None or self._listed != self._stamps():
            self._list()
            if id in self._files:
                yield self._files[id]

    def _stamps(self) -> tuple[int, ...] | None:
        """The times of the last change, None if a folder is missing."""
        try:
            return tuple((self._path / place).stat().st_mtime_ns for place in ("new", "cur"))
        except OSError:
            return None

    def _list(self) -> None:
        stamps = self._stamps()
        settled = stamps is not None and time.time_ns() - max(stamps) > _TICK
        files: dict[str, Path] = {}
        for place in ("new", "cur"):
            for entry in list_folder(self._path / place):
                if not entry.name.startswith(".") and entry.is_file(follow_symlinks=False):
                    files[plain_id(_INFO.split(entry.name, maxsplit=1)[0])] = Path(entry.path)
        self._files = files
        self._listed = stamps if settled else None
        self._keywords = _read_keywords(self._path)

    def _key(self, id: str) -> list[int | str]:
        named = _NAME.match(id)
        if named and int(named[1]) >= _OLDEST:
            return [int(named[1]), int(named[2] or 0), id]
        try:
            return [int(self._files[id].stat(follow_symlinks=False).st_mtime), 0, id]
        except OSError:
            return [0, 0, id]

    def _flags(self, path: Path) -> Flags:
        letters = _INFO.split(path.name, maxsplit=1)[1:]
        if not letters or not letters[0]:
            return Flags()
        words = frozenset(word for n, word in enumerate(self._keywords) if word and chr(ord("a") + n) in letters[0])
        return Flags(flagged="F" in letters[0], draft="D" in letters[0], categories=words)


def _when(id: str, status: os.stat_result) -> datetime:
    """The earlier of the delivery in the name and the file's time: a copy spoils the one, an import the other."""
    named = _NAME.match(id)
    seconds = float(named[1]) if named and int(named[1]) >= _OLDEST else status.st_mtime
    return moment(min(seconds, status.st_mtime))


def _read_keywords(path: Path) -> tuple[str, ...]:
    """The words behind the letters a to z, as Dovecot keeps them (`0 CRM` a line)."""
    found = read_file(path / "dovecot-keywords", 16 * 1024)
    words = [""] * _MOST_KEYWORDS
    for line in found[0].decode("utf-8", "replace").splitlines() if found else ():
        number, _, word = line.partition(" ")
        if number.isdecimal() and int(number) < _MOST_KEYWORDS:
            words[int(number)] = word.strip()
    return tuple(words)
