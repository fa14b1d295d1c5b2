"""Cutting the two directions of an IMAP connection into commands and answers (RFC 3501, section 2.2).

Literals are counted, never interpreted. An answer whose literals exceed `STREAMED` octets is passed on as it comes and
not shown to any rule, so that a mail of any size costs no memory.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

STREAMED = 4 * 1024 * 1024
_LITERAL = re.compile(rb"~?\{(\d+)(\+?)\}\r?\n$")


@dataclass(frozen=True)
class Command:
    """The first line of a client's command. verb: upper case, `UID FETCH` for the UID kind. arguments: after it."""

    tag: bytes
    verb: str
    arguments: bytes
    line: bytes


@dataclass(frozen=True)
class Answer:
    """One complete answer. text: without the contents of literals. literals: (start, end) in `raw`, braces included."""

    raw: bytes
    text: bytes
    literals: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class Raw:
    """Octets that belong to no line a rule may see."""

    data: bytes


@dataclass
class ClientStream:
    """Client's octets -> commands, and everything else as it is (literals, continuations, DONE)."""

    expects_continuation: bool = False
    _buffer: bytearray = field(default_factory=bytearray)
    _literal: int = 0
    _inside: bool = False

    def feed(self, data: bytes) -> Iterator[Command | Raw]:
        """What the octets complete."""
        self._buffer += data
        while self._buffer:
            if self._literal:
                yield Raw(self._cut(min(self._literal, len(self._buffer)), literal=True))
                continue
            end = self._buffer.find(b"\n")
            if end < 0:
                return
            yield self._line(self._cut(end + 1))

    @property
    def awaits_literal(self) -> bool:
        """Is a literal under way? Then `+` asks for it and for nothing else."""
        return self._literal > 0

    def _line(self, line: bytes) -> Command | Raw:
        continued = self._inside or self.expects_continuation or line.strip().upper() in (b"DONE", b"")
        self.expects_continuation = False
        literal = _LITERAL.search(line)
        self._literal, self._inside = (int(literal[1]), True) if literal else (0, False)
        return Raw(line) if continued else _command(line)

    def _cut(self, count: int, *, literal: bool = False) -> bytes:
        piece = bytes(self._buffer[:count])
        del self._buffer[:count]
        if literal:
            self._literal -= count
        return piece


@dataclass
class ServerStream:
    """Server's octets -> answers."""

    _buffer: bytearray = field(default_factory=bytearray)
    _scanned: int = 0
    _text: bytearray = field(default_factory=bytearray)
    _literals: list[tuple[int, int]] = field(default_factory=list)
    _passing: int = 0

    def feed(self, data: bytes) -> Iterator[Answer | Raw]:
        """What the octets complete."""
        self._buffer += data
        while self._buffer:
            if self._passing:
                count = min(self._passing, len(self._buffer))
                self._passing -= count
                yield Raw(self._cut(count))
                continue
            end = self._buffer.find(b"\n", self._scanned)
            if end < 0:
                return
            found = self._line(end + 1)
            if found is not None:
                yield found

    def _line(self, end: int) -> Answer | Raw | None:
        """Take in the line up to `end`; None if the answer goes on behind a literal."""
        line = bytes(self._buffer[self._scanned : end])
        self._text += line
        literal = _LITERAL.search(line)
        if literal is None:
            return self._complete(end)
        size = int(literal[1])
        if size > STREAMED:
            self._passing = size
            self._start_over()
            return Raw(self._cut(end))
        self._literals.append((end - len(literal[0]), end + size))
        self._scanned = end + size
        return None

    def _complete(self, end: int) -> Answer:
        text, literals = bytes(self._text), tuple(self._literals)
        self._start_over()
        return Answer(self._cut(end), text, literals)

    def _start_over(self) -> None:
        self._scanned = 0
        self._text.clear()
        self._literals.clear()

    def _cut(self, count: int) -> bytes:
        piece = bytes(self._buffer[:count])
        del self._buffer[:count]
        return piece


def _command(line: bytes) -> Command:
    words = line.split(None, 2)
    verb = words[1].upper() if len(words) > 1 else b""
    rest = words[2].rstrip(b"\r\n") if len(words) > 2 else b""
    if verb == b"UID" and rest:
        second, _, rest = rest.partition(b" ")
        verb += b" " + second.upper()
    return Command(words[0] if words else b"", verb.decode("ascii", "replace"), rest, line)
