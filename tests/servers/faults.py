"""What can go wrong with a stream of bytes on its way from a server to its client.

A fault decides, the proxy does: `down` turns bytes into steps (send, pause, cut). Faults are chained in the order they
were asked for, and know connections by number only.
"""

import re
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Up:
    """Send to the server."""

    data: bytes


@dataclass(frozen=True)
class Down:
    """Send to the client, in one write (so in one TLS record of at most 16 KB)."""

    data: bytes


@dataclass(frozen=True)
class Pause:
    """Wait, seconds."""

    seconds: float


@dataclass(frozen=True)
class Cut:
    """Close both sides without a goodbye; `reset` sends RST, else FIN."""

    reset: bool = False


Step = Up | Down | Pause | Cut


class Fault(Protocol):
    """Something that happens to bytes going down."""

    def down(self, link: int, data: bytes) -> Iterable[Step]:
        """The steps to take instead of sending `data`. `link` is the number of the connection."""
        ...


class Budget:
    """How often something still happens; None is for ever."""

    def __init__(self, times: int | None) -> None:
        self.left = times
        self._lock = threading.Lock()

    def take(self) -> bool:
        """One use, if there is one left."""
        if self.left is None:
            return True
        with self._lock:
            self.left -= 1
            return self.left >= 0


class _Finder:
    """Ends of a pattern's matches in a stream, found across chunks (matches of up to 256 octets)."""

    def __init__(self, pattern: bytes) -> None:
        self._pattern = re.compile(pattern)
        self._tail = b""
        self._done = 0  # how much of the tail has been matched already

    def feed(self, data: bytes) -> list[int]:
        """Offsets in `data` just behind each match."""
        known, window = len(self._tail), self._tail + data
        ends = [m.end() for m in self._pattern.finditer(window, self._done) if m.end() > known]
        keep = min(len(window), 256)
        self._done = max(0, (ends[-1] if ends else 0) - (len(window) - keep))
        self._tail = window[len(window) - keep :]
        return [end - known for end in ends]


class CutAfterBytes:
    """The connection ends after exactly so many octets; this happens to `times` connections."""

    def __init__(self, count: int, times: int | None) -> None:
        self._left: dict[int, int] = defaultdict(lambda: count)
        self._budget = Budget(times)

    def down(self, link: int, data: bytes) -> Iterable[Step]:
        """See Fault."""
        self._left[link] -= len(data)
        if self._left[link] > 0 or not self._budget.take():
            return [Down(data)]
        return [Down(data[: len(data) + self._left[link]]), Cut()]


class CutAfterPattern:
    """The connection ends right behind the `count`-th match; this happens to `times` connections."""

    def __init__(self, pattern: bytes, count: int, times: int | None) -> None:
        self._finders: dict[int, _Finder] = defaultdict(lambda: _Finder(pattern))
        self._left: dict[int, int] = defaultdict(lambda: count)
        self._budget = Budget(times)

    def down(self, link: int, data: bytes) -> Iterable[Step]:
        """See Fault."""
        for end in self._finders[link].feed(data):
            self._left[link] -= 1
            if self._left[link] == 0 and self._budget.take():
                return [Down(data[:end]), Cut()]
        return [Down(data)]


class SplitAfterPattern:
    """What follows a match comes in a write of its own, a moment later."""

    def __init__(self, pattern: bytes, pause: float) -> None:
        self._finders: dict[int, _Finder] = defaultdict(lambda: _Finder(pattern))
        self._pause = pause

    def down(self, link: int, data: bytes) -> Iterable[Step]:
        """See Fault."""
        return _pieces(data, self._finders[link].feed(data), self._pause)


class SplitEvery:
    """Everything comes in writes of at most `size` octets."""

    def __init__(self, size: int, pause: float) -> None:
        self._size, self._pause = size, pause

    def down(self, link: int, data: bytes) -> Iterable[Step]:
        """See Fault."""
        return _pieces(data, list(range(self._size, len(data), self._size)), self._pause)


class Delay:
    """Each write waits first."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def down(self, link: int, data: bytes) -> Iterable[Step]:
        """See Fault."""
        return [Pause(self._seconds), Down(data)]


def apply(faults: Iterable[Fault], link: int, steps: Iterable[Step]) -> list[Step]:
    """Send steps through all faults. What a fault puts behind a cut is never sent."""
    result = list(steps)
    for fault in faults:
        result = list(_through(fault, link, result))
    return result


def _through(fault: Fault, link: int, steps: Iterable[Step]) -> Iterator[Step]:
    for step in steps:
        if isinstance(step, Down):
            yield from fault.down(link, step.data)
        else:
            yield step


def _pieces(data: bytes, ends: list[int], pause: float) -> Iterator[Step]:
    start = 0
    for end in [*ends, len(data)]:
        if end > start:
            if start:
                yield Pause(pause)
            yield Down(data[start:end])
            start = end
