"""The octets between us and an IMAP server: commands out, whole responses in, with every size bounded.

IMAPClient dials, speaks TLS and signs in; from then on the mailbox is read through `Wire`, because imaplib files
responses by their type (an unasked FETCH mixes with an asked one), holds whole literals of any announced size, and
spends several regular expressions on every line. A response here is a list of parts: text, literal, text, …

A literal longer than `LITERAL_LIMIT` is cut: the rest is read and thrown away, so a server that ignores a partial
FETCH of a 700 MB message costs time, not memory.
"""

import imaplib
import io
import re
import socket
import ssl
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Any, cast

from imapclient import IMAPClient
from imapclient.imap4 import IMAP4WithTimeout
from imapclient.tls import IMAP4_TLS

from connectors.imap.faults import Dropped, Refused, clean, describe

LITERAL_LIMIT = 2 * 1024 * 1024
"""Octets of one literal that are kept; we never ask for more than half of it."""
LINE_LIMIT = 16 * 1024 * 1024
"""Octets of one line: the ids of a million messages fit in."""
PARTS_LIMIT = 4_000
"""Texts and literals in one response; a BODYSTRUCTURE may hold many."""
ENDLESS = 2 * 1024**3
"""A literal announced longer than this ends the session."""
BURST_LIMIT = 8_000
"""Octets of commands sent before answers are read: less than any socket buffer, so both sides never wait to write."""
_BUFFER = 64 * 1024

_STATUS = re.compile(rb"^(\S+ )(ok|no|bad|bye|preauth|capability)\b( )?", re.IGNORECASE)

Response = list[bytes]
Sink = Callable[[Response], None]


class _Bounded:
    """What both kinds of imaplib connection share: one reader with a large buffer, and bounded literals."""

    sock: socket.socket
    capabilities: tuple[str, ...]
    _read_from: socket.socket | None = None
    _reader: io.BufferedReader

    def reader(self) -> io.BufferedReader:
        """The reader of the present socket. STARTTLS replaces the socket: what was buffered in clear is dropped."""
        if self._read_from is not self.sock:
            self._reader = cast(io.BufferedReader, self.sock.makefile("rb", _BUFFER))
            self._read_from = self.sock
        return self._reader

    def readline(self) -> bytes:
        line = self.reader().readline(LINE_LIMIT)
        if len(line) >= LINE_LIMIT:
            raise imaplib.IMAP4.abort("a line without end")
        return _as_imaplib_wants(line)

    def read(self, size: int) -> bytes:
        if size > LITERAL_LIMIT:
            raise imaplib.IMAP4.abort("a literal without measure")
        return self.reader().read(size)

    def _get_capabilities(self) -> None:
        """imaplib hangs up on a server that names IMAP4rev2 alone, whose sign-in is the same (RFC 9051 appendix E)."""
        super()._get_capabilities()  # type: ignore[misc]  # imaplib's, by way of the classes below
        if "IMAP4REV2" in self.capabilities:
            self.capabilities += ("IMAP4REV1",)

    def shutdown(self) -> None:
        """The socket is closed for good only when its reader is."""
        if self._read_from is not None:
            self._reader.close()
        super().shutdown()  # type: ignore[misc]  # imaplib's, by way of the classes below


class _Plain(_Bounded, IMAP4WithTimeout):  # type: ignore[misc]  # imapclient is untyped
    pass


class _Tls(_Bounded, IMAP4_TLS):  # type: ignore[misc]  # imapclient is untyped
    pass


class Client(IMAPClient):  # type: ignore[misc]  # imapclient is untyped
    """IMAPClient on connections whose reads are bounded, without its trace of every literal."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # handed through as they are
        super().__init__(*args, **kwargs)
        self._imap.debug = 0
        self.normalise_times = False
        self.folder_encode = False

    @property
    def signed_in(self) -> bool:
        """Whether the server knows us, from its greeting on or since we proved it."""
        return bool(self._imap.state == "AUTH")

    def _create_IMAP4(self) -> imaplib.IMAP4:  # noqa: N802  # IMAPClient's name
        if self.ssl:
            return _Tls(self.host, self.port, self.ssl_context, self._timeout.connect)
        return _Plain(self.host, self.port, self._timeout.connect)


@dataclass(frozen=True, kw_only=True, slots=True)
class Completion:
    """How one command ended: OK, NO or BAD, and the words of the server."""

    status: str
    text: str

    def insist(self, what: str) -> None:
        """Raises Refused unless the server said OK."""
        if self.status != "OK":
            raise Refused(what, clean(self.text))


@dataclass(kw_only=True, slots=True)
class Posted:
    """A command sent ahead of time. sink: takes its answers whenever they are read, also on the way to others'."""

    tag: bytes
    sink: Sink
    done: Completion | None = None


class Wire:
    """A signed-in connection. Not for two threads at once. Every failure is Dropped or Refused.

    round_trips: how often we waited for the server; responses, octets: how many came since (goodbyes do not count).
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._imap = client._imap
        self._reader: io.BufferedReader = self._imap.reader()
        self._tag = 0
        self._posted: deque[Posted] = deque()
        self.listener: Sink = lambda response: None
        """Sees every untagged response the moment it is read, and status lines as if they were untagged."""
        self.round_trips = self.responses = 0
        self.octets = 0
        self.closed = False
        self.bye = ""

    def burst(self, commands: Sequence[bytes], sink: Sink) -> list[Completion]:
        """Several commands in one flight, answered in order. Only for commands that do not depend on each other."""
        with self._guarded():
            self._drain()
            tags = self._send(commands)
            self.round_trips += 1
            done = self._read_until(tags, sink)
        return [done[tag] for tag in tags]

    def post(self, command: bytes, sink: Sink) -> Posted:
        """Send a command now and `collect` its answers later, so that the server works while we do something else."""
        with self._guarded():
            (tag,) = self._send([command])
        posted = Posted(tag=tag, sink=sink)
        self._posted.append(posted)
        return posted

    def collect(self, posted: Posted) -> Completion:
        """Has the answers to a posted command go to its sink, those that did not yet, and says how it ended."""
        if posted.done is None:
            with self._guarded():
                self._drain(before=posted)
                self.round_trips += 1
                posted.done = self._read_until([posted.tag], posted.sink)[posted.tag]
                self._posted.remove(posted)
        return posted.done

    def settle(self) -> None:
        """Read all that is still on its way."""
        with self._guarded():
            self._drain()

    def _drain(self, before: Posted | None = None) -> None:
        """Read what was posted and not collected, oldest first: answers come in the order of commands."""
        while self._posted and self._posted[0] is not before:
            posted = self._posted[0]
            posted.done = self._read_until([posted.tag], posted.sink)[posted.tag]
            self._posted.popleft()

    def _send(self, commands: Sequence[bytes]) -> list[bytes]:
        tags = [self._next_tag() for _ in commands]
        self._imap.send(b"".join(b"%s %s\r\n" % pair for pair in zip(tags, commands, strict=True)))
        return tags

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """Whatever interrupts an exchange ends the session: what is still on its way belongs to nobody."""
        if self.closed:
            raise Dropped("the session was closed")
        with ExitStack() as unless_done:
            unless_done.callback(self.close)
            try:
                yield
            except (OSError, ssl.SSLError, ValueError, imaplib.IMAP4.error) as error:
                raise Dropped(f"the session broke off: {self.bye or describe(error)}") from error
            unless_done.pop_all()

    def close(self) -> None:
        """Ends the connection without ceremony. Never raises."""
        self.closed = True
        with suppress(OSError, imaplib.IMAP4.error, ValueError):  # it may be gone already
            self._client.shutdown()

    def _next_tag(self) -> bytes:
        self._tag += 1
        return b"x%d" % self._tag

    def _read_until(self, tags: Sequence[bytes], sink: Sink) -> dict[bytes, Completion]:
        done: dict[bytes, Completion] = {}
        while len(done) < len(tags):
            response = self._read_response()
            line = response[0]
            if line.startswith(b"* "):
                if line[2:6].upper() == b"BYE ":
                    self.bye = clean(line[6:].decode("utf-8", "replace"))
                else:
                    self.responses += 1
                self.listener(response)
                sink(response)
            elif not line.startswith(b"+"):
                tag, _, rest = line.partition(b" ")
                if tag not in tags:
                    raise ValueError("an answer to no question of ours")
                done[tag] = _completion(rest)
                self.responses += 1
                self.listener([b"* " + rest])  # response codes stand in tagged answers as well
        return done

    def _read_response(self) -> Response:
        line = self._line()
        if not line.endswith(b"}\r\n") or line[:1] != b"*":
            return [line[:-2]]
        parts: Response = []
        while (size := literal_size(line)) is not None:
            parts += (line[:-2], self._literal(size))
            if len(parts) > PARTS_LIMIT:
                raise ValueError("a response of too many parts")
            line = self._line()
        parts.append(line[:-2])
        return parts

    def _line(self) -> bytes:
        line = self._reader.readline(LINE_LIMIT)
        if not line.endswith(b"\r\n"):
            if line.endswith(b"\n"):
                return line[:-1] + b"\r\n"
            raise ValueError("the server hung up" if len(line) < LINE_LIMIT else "a line without end")
        self.octets += len(line)
        return line

    def _literal(self, size: int) -> bytes:
        if size > ENDLESS:
            raise ValueError("a literal without measure")
        kept = self._reader.read(min(size, LITERAL_LIMIT))
        left = size - len(kept)
        while left > 0 and len(kept) == LITERAL_LIMIT:
            skipped = len(self._reader.read(min(left, _BUFFER)))
            if not skipped:
                break
            left -= skipped
        if left:
            raise ValueError("the server hung up inside a literal")
        self.octets += size
        return kept


def bursts(commands: Iterable[bytes]) -> Iterator[list[bytes]]:
    """The commands in flights that fit into a socket buffer."""
    flight: list[bytes] = []
    octets = 0
    for command in commands:
        if flight and octets + len(command) > BURST_LIMIT:
            yield flight
            flight, octets = [], 0
        flight.append(command)
        octets += len(command) + 12
    if flight:
        yield flight


def _as_imaplib_wants(line: bytes) -> bytes:
    """A line before sign-in, in the one spelling that imaplib knows: capitals, CRLF, and a text after every status.

    The words are case-insensitive (RFC 3501 section 9); GNU Mailutils ends its answer to AUTHENTICATE with a bare LF.
    """
    ended = line[:-1] + b"\r\n" if line.endswith(b"\n") and not line.endswith(b"\r\n") else line
    return _STATUS.sub(lambda found: found[1] + found[2].upper() + (found[3] or b" "), ended, count=1)


def literal_size(line: bytes) -> int | None:
    """The size announced at the end of a line, `{n}` or `~{n}` (RFC 3516), or None."""
    if not line.endswith(b"}\r\n"):
        return None
    digits = line[line.rfind(b"{") + 1 : -3].removesuffix(b"+")
    return int(digits) if digits.isdigit() and len(digits) < 20 else None


def _completion(rest: bytes) -> Completion:
    status, _, text = rest.partition(b" ")
    word = status.upper().decode("ascii", "replace")
    if word not in ("OK", "NO", "BAD"):
        raise ValueError("an answer that is neither OK, NO nor BAD")
    return Completion(status=word, text=text.decode("utf-8", "replace"))
