"""Signals as words, read by the main thread. A handler does nothing but wake it, so no lock can be caught half held."""

import select
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from types import FrameType


class Asked(StrEnum):
    """What somebody wants of the daemon."""

    STOP = "stop"
    RELOAD = "reload"
    LISTS = "lists"
    """Nobody outside can ask for it: lists of mailboxes were looked at."""


_MEANING = {signal.SIGTERM: Asked.STOP, signal.SIGINT: Asked.STOP, signal.SIGHUP: Asked.RELOAD}
_CODES = {**{int(number): meaning for number, meaning in _MEANING.items()}, 0: Asked.LISTS}
"""By the byte that says so; no signal has the number 0."""


class Inbox:
    """Waits for signals, or for `post` from another thread (an embedded daemon, a test)."""

    def __init__(self) -> None:
        self._read, self._write = socket.socketpair()
        self._write.setblocking(False)

    def post(self, asked: Asked) -> None:
        """Asks from within the process."""
        self._write.send(bytes([next(code for code, meaning in _CODES.items() if meaning is asked)]))

    def wait(self, seconds: float | None = None) -> Asked | None:
        """What is asked next; None after so many seconds without anything."""
        ready, _, _ = select.select([self._read], [], [], seconds)
        return _CODES.get(self._read.recv(1)[0]) if ready else None

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Takes SIGTERM, SIGINT and SIGHUP until the end of the block. Main thread only."""
        former = {number: signal.signal(number, _wake) for number in _MEANING}
        descriptor = signal.set_wakeup_fd(self._write.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(descriptor)
            for number, handler in former.items():
                signal.signal(number, handler)

    def close(self) -> None:
        """Lets go of both ends."""
        self._read.close()
        self._write.close()


def _wake(number: int, frame: FrameType | None) -> None:
    """The wakeup descriptor carries the number; a handler must exist for it to be written."""
