"""A fault-injecting proxy: a real server behind, real sockets on both sides, and bad weather on demand.

    with ImapProxy(dovecot.imap_port, certificate=authority.server) as proxy:
        ... configure the client with 127.0.0.1, proxy.port, TLS and `ca_file` ...
        proxy.cut_after(rb"\\* \\d+ FETCH", count=30)      # the line dies in the middle of the 30th answer
        ... run the program under test ...
        assert proxy.connections == 2

Three kinds share what stands in this file:
- `Proxy` knows bytes only. Without `certificate` it passes on whatever is spoken, TLS included.
- `ImapProxy` (imap_proxy.py) reads commands and answers: it counts, rewrites, hides, answers by itself, calls the test.
- `HttpProxy` (http_proxy.py) does so with requests, e.g. to lose the answer to a write that has happened.

With `certificate` the proxy speaks TLS to the client and plain TCP to the server, so that content can be seen.

Faults hold for all connections, open and coming, until `clear()`. `times` says how many connections (or commands) meet
one; None is for ever. The faults of this file:
- `refuse()` / `accept()`: connecting is refused by the kernel / works again
- `limit(n, farewell)`: connections above n are told `farewell` and closed
- `cut_open()`: all open connections end now; `cut_after_bytes(n)`, `cut_after(pattern, count)`: later, exactly there
- `stall(new=False)`: open connections stay open and carry nothing any more, as behind a NAT that forgot them
- `delay(seconds)`, `split_after(pattern)`, `split_every(size)`: slow, or cut into separate writes (TLS records)

Counters: `connections`, `open`, `most_open`, `refused` (by the limit), `bytes_up`, `bytes_down`, `round_trips` (times
the client spoke after hearing the server). They start at zero with `reset_counters()`.
"""

import contextlib
import itertools
import select
import socket
import ssl
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Self

from tests.servers.certs import ServerCertificate
from tests.servers.faults import (
    Cut,
    CutAfterBytes,
    CutAfterPattern,
    Delay,
    Down,
    Fault,
    Pause,
    SplitAfterPattern,
    SplitEvery,
    Step,
    Up,
    apply,
)
from tests.servers.process import free_port

_CHUNK = 64 * 1024
_SEEING_OFF = 1.0
"""Seconds that a connection under way to its end may take before it counts against the limit."""
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: on, zero seconds: close() sends RST


class Proxy:
    """A proxy on a port of its own in front of `target_port`. See the module for faults and counters."""

    def __init__(
        self, target_port: int, *, target_host: str = "127.0.0.1", certificate: ServerCertificate | None = None
    ) -> None:
        self.target = (target_host, target_port)
        self.host = "127.0.0.1"
        self._tls = certificate.context() if certificate else None
        self._lock = threading.RLock()
        self._links: dict[int, Link] = {}
        self._numbers = itertools.count(1)
        self.failures: list[BaseException] = []
        self.clear()
        self.reset_counters()
        self._socket = _bound()
        self.port: int = self._socket.getsockname()[1]
        self._closed = False
        self.accept()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        if error is None and self.failures:
            raise self.failures[0]

    def close(self) -> None:
        """End the proxy and all connections through it."""
        self._closed = True
        self._socket.close()
        self._each(lambda link: link.post([Cut()]))
        for link in self._open_links():
            link.join(5)

    def reset_counters(self) -> None:
        """Forget what was counted; open connections stay counted as open."""
        with self._lock:
            self.connections = self.refused = self.bytes_up = self.bytes_down = self.round_trips = 0
            self.most_open = self.open

    @property
    def open(self) -> int:
        """Connections that are open now."""
        return len(self._links)

    def wait_until_open(self, count: int, *, patience: float = 20) -> None:
        """Wait until so many connections are open: one that ended is told of by its thread, a moment later."""
        until = time.monotonic() + patience
        while self.open != count:
            if time.monotonic() > until:
                raise TimeoutError(f"{self.open} connections are open, not {count}")
            time.sleep(0.01)

    # Faults.

    def clear(self) -> None:
        """Fair weather again. What was stalled stays so, and a refusing proxy refuses until `accept()`."""
        with self._lock:
            self._faults: list[Fault] = []
            self._limit: tuple[int, bytes] | None = None
            self._stall_new = False

    def refuse(self) -> None:
        """From now on connecting is refused. Open connections go on."""
        self._socket.shutdown(socket.SHUT_RDWR)  # bound and not listening: the port stays ours, the kernel says no

    def accept(self) -> None:
        """Connecting works (again)."""
        self._socket.listen(128)
        threading.Thread(target=self._accept, daemon=True).start()

    def limit(self, connections: int, farewell: bytes = b"") -> None:
        """More connections than this are told `farewell` and closed."""
        self._limit = (connections, farewell)

    def cut_open(self, *, reset: bool = False) -> None:
        """End all open connections now."""
        self._each(lambda link: link.post([Cut(reset)]))

    def say_open(self, data: bytes, *, cut: bool = False) -> None:
        """Let the server seem to say something on all open connections, and hang up if `cut`."""
        self._each(lambda link: link.post([Down(data), *([Cut()] if cut else [])]))

    def stall(self, *, new: bool = False) -> None:
        """Open connections stay open and carry nothing in either direction; with `new`, coming ones do so too."""
        self._stall_new = new
        self._each(Link.stall)

    def cut_after_bytes(self, count: int, *, times: int | None = 1) -> None:
        """Connections end after exactly so many octets from the server, counted from now."""
        self._add(CutAfterBytes(count, times))

    def cut_after(self, pattern: bytes, *, count: int = 1, times: int | None = 1) -> None:
        """Connections end right behind the count-th match in what the server says, counted from now."""
        self._add(CutAfterPattern(pattern, count, times))

    def split_after(self, pattern: bytes, *, pause: float = 0.05) -> None:
        """What follows a match goes into a separate write: `split_after(rb"\\* \\d+ EX")`."""
        self._add(SplitAfterPattern(pattern, pause))

    def split_every(self, size: int, *, pause: float = 0.0) -> None:
        """Everything goes in writes of at most `size` octets."""
        self._add(SplitEvery(size, pause))

    def delay(self, seconds: float) -> None:
        """Everything the server says comes that much later."""
        self._add(Delay(seconds))

    # What the kinds of proxy fill in.

    def opened(self, link: "Link") -> None:
        """A connection begins."""

    def closed(self, link: "Link") -> None:
        """A connection has ended."""

    def from_client(self, link: "Link", data: bytes) -> Iterable[Step]:
        """Steps for what the client sent."""
        return [Up(data)]

    def from_server(self, link: "Link", data: bytes) -> Iterable[Step]:
        """Steps for what the server sent."""
        return [Down(data)]

    # Inside.

    def faulty(self, link: "Link", steps: Iterable[Step]) -> list[Step]:
        """The steps after all faults had their way. A test's hooks run first, unlocked: they may connect here too."""
        steps = list(steps)
        with self._lock:
            return apply(self._faults, link.number, steps)

    def count(self, *, up: int = 0, down: int = 0, turn: bool = False) -> None:
        """Add to the counters."""
        with self._lock:
            self.bytes_up += up
            self.bytes_down += down
            self.round_trips += turn

    def forget(self, link: "Link") -> None:
        """A connection is over."""
        with self._lock:
            self._links.pop(link.number, None)

    def _add(self, fault: Fault) -> None:
        with self._lock:
            self._faults.append(fault)

    def _open_links(self) -> "Sequence[Link]":
        with self._lock:
            return list(self._links.values())

    def _each(self, action: "Callable[[Link], None]") -> None:
        for link in self._open_links():
            action(link)

    def _accept(self) -> None:
        while not self._closed:
            try:
                select.select([self._socket], [], [], 0.1)
                client, _ = self._socket.accept()
            except BlockingIOError:
                continue
            except (OSError, ValueError):  # refusing or closed
                return
            self._begin(client)

    def _begin(self, client: socket.socket) -> None:
        self._see_off()
        with self._lock:
            full = self._limit is not None and self.open >= self._limit[0]
            farewell = self._limit[1] if full and self._limit else None
            link = Link(self, next(self._numbers), client, self._tls, farewell)
            if full:
                self.refused += 1
            else:
                self._links[link.number] = link
                self.connections += 1
                self.most_open = max(self.most_open, self.open)
        if self._stall_new:
            link.stall()
        link.start()

    def _see_off(self) -> None:
        """Where there is no room: wait for a connection that its client has closed and its thread still holds."""
        patience = time.monotonic() + _SEEING_OFF
        while self._limit is not None and self.open >= self._limit[0] and time.monotonic() < patience:
            time.sleep(0.01)


class Link(threading.Thread):
    """One connection through the proxy. Only its own thread touches the sockets; others `post` steps to it."""

    def __init__(
        self, proxy: Proxy, number: int, client: socket.socket, tls: ssl.SSLContext | None, farewell: bytes | None
    ) -> None:
        super().__init__(daemon=True)
        self.number = number
        self._proxy, self._client, self._tls, self._farewell = proxy, client, tls, farewell
        self._server: socket.socket | None = None
        self._stalled = False
        self._heard = True
        self._posted: deque[Sequence[Step]] = deque()
        self._bell, self._ring = socket.socketpair()

    def post(self, steps: Sequence[Step]) -> None:
        """Have the connection's thread take these steps now."""
        self._posted.append(steps)
        with contextlib.suppress(OSError):
            self._ring.send(b"!")

    def stall(self) -> None:
        """Swallow everything from now on."""
        self._stalled = True

    def run(self) -> None:
        """Carry bytes until one side ends."""
        reset = False
        try:
            self._shake_hands()
            if self._farewell is None:
                reset = self._carry()
            elif self._farewell:
                self._client.sendall(self._farewell)
        except OSError:
            pass  # one side went away; that is what this proxy is for
        except Exception as error:  # noqa: BLE001  # a test's own hook failed: kept, and raised when the proxy closes
            self._proxy.failures.append(error)
        finally:
            self._end(reset)

    def _shake_hands(self) -> None:
        self._client.settimeout(30)
        self._client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._tls is not None:
            self._client = self._tls.wrap_socket(self._client, server_side=True, suppress_ragged_eofs=True)
        if self._farewell is None:
            self._server = socket.create_connection(self._proxy.target, timeout=30)
            self._server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._proxy.opened(self)

    def _carry(self) -> bool:
        """Until a side ends; True if the client is to see a reset."""
        assert self._server is not None
        sides = [self._server, self._client]
        while True:
            ready, _, _ = select.select([self._bell, *sides], [], [])
            if self._bell in ready:
                self._bell.recv(1)
                if (ending := self._take(self._posted.popleft())) is not None:
                    return ending.reset
            for side in [side for side in sides if side in ready]:
                data = _received(side)
                if not data and self._stalled and side is self._server:
                    sides.remove(side)  # the client is not to notice
                elif (ending := self._deal_with(side, data) if data else Cut()) is not None:
                    return ending.reset

    def _deal_with(self, side: socket.socket, data: bytes) -> Cut | None:
        if self._stalled:
            return None
        if side is self._server:
            self._heard = True
            self._proxy.count(down=len(data))
            return self._take(self._proxy.from_server(self, data))
        self._proxy.count(up=len(data), turn=self._heard)
        self._heard = False
        return self._take(self._proxy.from_client(self, data))

    def _take(self, steps: Iterable[Step]) -> Cut | None:
        """Do the steps; the cut, if one of them was."""
        assert self._server is not None
        for step in self._proxy.faulty(self, steps):
            match step:
                case Up(data):
                    self._server.sendall(data)
                case Down(data):
                    self._client.sendall(data)
                case Pause(seconds):
                    time.sleep(seconds)
                case Cut():
                    return step
        return None

    def _end(self, reset: bool) -> None:
        self._proxy.forget(self)
        if reset:
            self._client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        for end in (self._client, self._server, self._bell, self._ring):
            if end is not None:
                end.close()
        self._proxy.closed(self)


def _received(side: socket.socket) -> bytes:
    """What lies ready; TLS records that OpenSSL has read already show in no select."""
    data = side.recv(_CHUNK)
    while data and isinstance(side, ssl.SSLSocket) and (waiting := side.pending()):
        data += side.recv(waiting)
    return data


def _bound() -> socket.socket:
    """A socket bound by number: only then does it keep its port while it refuses (Linux)."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setblocking(False)
    while True:
        with contextlib.suppress(OSError):  # taken meanwhile
            listener.bind(("127.0.0.1", free_port()))
            return listener
