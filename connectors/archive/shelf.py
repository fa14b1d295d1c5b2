"""What a kind of archive must tell of one folder: the seam between the lanes and the formats."""

import os
import stat
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from connectors.errors import Skippable
from connectors.message import Flags

HEADER_OCTETS = 256 * 1024
"""Octets of a file that are read for its header."""
WHOLE_OCTETS = 16 * 1024 * 1024
"""Octets of a message that are read for its text and the names of its attachments."""
_FIRST_READ = 16 * 1024
_SETTLED_SECONDS = 2
"""A folder changed more recently than that may change again without its time stamp telling."""


class Entry(NamedTuple):
    """A message in a folder. key orders it; id is its stable name."""

    key: list[Any]
    id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """The beginning of a message, at most as much as was asked for. size: of the whole. when: server time, aware."""

    raw: bytes
    size: int
    when: datetime
    flags: Flags


class Shelf(Protocol):
    """One folder of an archive. Raises Skippable where it cannot be read."""

    ordered_by_place: bool
    """Whether keys are places in a file, which shift when the file is rewritten."""

    def mark(self) -> str | None:
        """Equal marks mean that nothing was added, removed or renamed; None while that cannot be told."""

    def entries(self) -> Sequence[Entry]:
        """Everything that lies there now, by key."""

    def day(self, id: str) -> date:
        """The server's date of a message, the far future if it is gone."""

    def read(self, id: str, limit: int) -> Piece | None:
        """The first `limit` octets, None if the message is gone. Raises Skippable if this one cannot be read."""

    def flags(self, id: str) -> Flags | None:
        """The flags now, None if the message is gone."""


_EMPTY_LINES = (b"\n\n", b"\n\r\n", b"\n\r\r\n")


def read_header(shelf: Shelf, id: str) -> Piece | None:
    """Enough of a message to hold its header."""
    piece = shelf.read(id, _FIRST_READ)
    if piece is None or len(piece.raw) < _FIRST_READ or any(end in piece.raw for end in _EMPTY_LINES):
        return piece
    return shelf.read(id, HEADER_OCTETS)


def read_file(path: Path, limit: int, *, start: int = 0) -> tuple[bytes, os.stat_result] | None:
    """(octets, status) of a regular file, None if it is gone. Links are not followed. Raises Skippable."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Skippable(f"file {path.name} cannot be read: {error.strerror}") from error
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise Skippable(f"{path.name} is no regular file")
        try:
            file.seek(start)
            return _read(file.read, min(limit, max(0, status.st_size - start))), status
        except OSError as error:
            raise Skippable(f"file {path.name} cannot be read: {error.strerror}") from error


def _read(read: Any, size: int) -> bytes:  # noqa: ANN401  # the method of a raw file
    pieces: list[bytes] = []
    while size > 0 and (piece := read(size)):
        pieces.append(piece)
        size -= len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def list_folder(path: Path) -> list[os.DirEntry[str]]:
    """What lies in a folder; nothing if it is gone. Raises Skippable."""
    try:
        with os.scandir(path) as entries:
            return list(entries)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise Skippable(f"folder {path} cannot be read: {error.strerror}", advice="check its permissions") from error


def mark_of(*paths: Path) -> str | None:
    """A mark made of the time stamps of folders or files, None if one changed a moment ago or is missing."""
    stamps: list[str] = []
    for path in paths:
        try:
            status = path.stat()
        except OSError:
            return None
        if abs(time.time() - status.st_mtime) < _SETTLED_SECONDS:
            return None
        stamps.append(f"{status.st_ino:x}.{status.st_mtime_ns:x}.{status.st_size:x}")
    return "-".join(stamps)


def moment(seconds: float) -> datetime:
    """Seconds since 1970 as an aware time; nonsense counts as 1970."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)


def plain_id(name: str) -> str:
    """A file name as an id that any database takes: octets that are no text are written as %XX."""
    if name.isprintable():
        return name
    return "".join(f"%{octet:02X}" if octet < 32 or octet > 126 else chr(octet) for octet in os.fsencode(name))
