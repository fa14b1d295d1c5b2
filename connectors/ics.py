"""Reminders as files: a folder that holds one .ics file an item, for vdirsyncer, khal and the like.

A file appears whole or not at all (written aside, then linked or renamed), and a lock file lets one writer in at a
time, so two agents started by mistake do no harm. Other programs need not know the lock: a file is replaced or
removed only if its content is what we last saw. Files that are not ours are never touched.
"""

import fcntl
import hashlib
import os
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from config.model import Calendar, IcsCalendar
from connectors.errors import Conflict, Fatal, Retriable
from connectors.event import CalendarChanges, CalendarCursor, CalendarEvent, FoundEvent
from connectors.ical import ITEM_LIMIT, compose, read, revise
from connectors.seen import Seen, load

_LOCK = ".crm-agent.lock"
_PATIENCE = 10.0
_PLAIN_UID = re.compile(r"[A-Za-z0-9@_-][A-Za-z0-9@._-]{0,199}")


class IcsSink:
    """One folder. Implements `connectors.base.CalendarSink`; an item's href is its file name."""

    def __init__(self, calendar: IcsCalendar) -> None:
        self._folder = calendar.path

    def find(self, uid: str) -> FoundEvent | None:
        """In the file named after it first, then in every file: programs may rename."""
        with self._failures():
            found = self._read(_name(uid))
            if found is not None and found.uid == uid:
                return found
            items = (self._read(name) for name in self._names())
            return next((item for item in items if item is not None and item.uid == uid), None)

    def create(self, event: CalendarEvent) -> FoundEvent:
        """A link refuses to replace, so the file is made once even against a writer without the lock."""
        with self._alone():
            if self.find(event.uid) is not None:
                raise _taken()
            target = self._folder / _name(event.uid)
            with self._aside(compose(event, datetime.now(UTC))) as written:
                try:
                    os.link(written, target)
                except FileExistsError as error:
                    raise _taken() from error
            return self._standing(target.name)

    def update(self, event: CalendarEvent, found: FoundEvent) -> FoundEvent:
        with self._alone():
            content = self._unchanged(found)
            with self._aside(revise(content, event, datetime.now(UTC))) as written:
                written.replace(self._folder / found.href)
            return self._standing(found.href)

    def delete(self, found: FoundEvent) -> None:
        with self._alone():
            if self._content(found.href) is not None:
                self._unchanged(found)
                (self._folder / found.href).unlink(missing_ok=True)

    def changes(self, cursor: CalendarCursor | None) -> CalendarChanges:
        with self._failures():
            seen = load(cursor)
            before = seen or Seen()
            versions = {name: _version(content) for name, content in self._contents()}
            news = {name: self._read(name) for name in before.news(versions)}
        found = tuple(item for item in news.values() if item is not None)
        others = [name for name, item in news.items() if item is None]
        gone = before.gone(versions, others)
        after = before.then(versions, found, others)
        return CalendarChanges(found=found, gone=gone, cursor=after.dump(), complete=seen is None)

    def close(self) -> None:
        """Nothing is held open between calls."""

    def _names(self) -> list[str]:
        files = self._folder.glob("*.ics")
        return sorted(file.name for file in files if not file.name.startswith(".") and not file.is_symlink())

    def _contents(self) -> Iterator[tuple[str, bytes]]:
        for name in self._names():
            content = self._content(name)
            if content is not None:
                yield name, content

    def _content(self, name: str) -> bytes | None:
        """None if there is no such file; one that is too large is cut, so that it cannot be read as an item."""
        path = self._folder / name
        if path.name != name or path.is_symlink() or not path.is_file():
            return None
        try:
            with path.open("rb") as file:
                return file.read(ITEM_LIMIT + 1)
        except FileNotFoundError:
            return None

    def _read(self, name: str) -> FoundEvent | None:
        content = self._content(name)
        return read(content, href=name, etag=_version(content)) if content is not None else None

    def _standing(self, name: str) -> FoundEvent:
        found = self._read(name)
        if found is None:
            raise Retriable("the calendar file was taken away while it was written")
        return found

    def _unchanged(self, found: FoundEvent) -> bytes:
        content = self._content(found.href)
        if content is None or _version(content) != found.etag:
            raise Conflict("the calendar item was changed meanwhile")
        return content

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with self._failures(), (self._folder / _LOCK).open("a") as lock:
            _take(lock)
            yield

    @contextmanager
    def _aside(self, content: bytes) -> Iterator[Path]:
        """The content on disk under a name that nobody reads; what is left of it goes afterwards."""
        number, name = tempfile.mkstemp(dir=self._folder, prefix=".", suffix=".tmp")
        path = Path(name)
        try:
            with os.fdopen(number, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            yield path
        finally:
            path.unlink(missing_ok=True)
        _sync_folder(self._folder)

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            if not self._folder.is_dir():
                raise Fatal(f"there is no folder {self._folder}", advice="make it, or correct calendar.path")
            yield
        except PermissionError as error:
            raise Fatal(
                f"folder {self._folder} cannot be used", advice="give the agent the right to write it"
            ) from error
        except OSError as error:
            raise Retriable(f"folder {self._folder} cannot be used: {error.strerror}") from error


def _take(lock: IO[str]) -> None:
    """Waits for another writer, but not for ever: the file system may be a share that hangs."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError as error:
            if time.monotonic() > deadline:
                raise Retriable("another program holds the calendar folder") from error
            time.sleep(0.02)


def _name(uid: str) -> str:
    plain = uid if _PLAIN_UID.fullmatch(uid) else hashlib.sha256(uid.encode()).hexdigest()
    return f"{plain}.ics"


def _version(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]


def _sync_folder(folder: Path) -> None:
    """A rename survives a power cut only when its folder is on disk too."""
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _taken() -> Conflict:
    return Conflict("an item with this uid stands in the calendar already")


def open_calendar(calendar: Calendar) -> IcsSink:
    """For `connectors.registry`. Raises Fatal if it is no folder."""
    if not isinstance(calendar, IcsCalendar):
        raise Fatal("the mailbox has no calendar folder", advice='write type = "ics" in [calendar]')
    return IcsSink(calendar)
