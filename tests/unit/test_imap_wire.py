"""The wire between us and a server that says anything: every size is bounded, every end is a named error."""

import socket
import ssl
import threading
import tracemalloc
from collections.abc import Callable, Iterator

import pytest
from imapclient import SocketTimeout

from connectors.imap.faults import Dropped, Refused
from connectors.imap.wire import BURST_LIMIT, LITERAL_LIMIT, Client, Response, Wire, bursts, literal_size

Script = Callable[[bytes], Iterator[bytes]]


class Server:
    """Speaks the greeting and CAPABILITY, then for each line what the script yields."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.heard: list[bytes] = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._socket.close()
        self._thread.join(5)

    def _run(self) -> None:
        connection, _ = self._socket.accept()
        with connection, connection.makefile("rb") as lines:
            connection.sendall(b"* OK ready\r\n")
            try:
                for line in lines:
                    tag, _, command = line.rstrip().partition(b" ")
                    self.heard.append(command)
                    if command == b"CAPABILITY":
                        connection.sendall(b"* CAPABILITY IMAP4rev1\r\n%s OK done\r\n" % tag)
                        continue
                    for piece in self._script(line.rstrip()):
                        connection.sendall(piece.replace(b"TAG", tag))
            except (ConnectionError, ssl.SSLError):
                return


@pytest.fixture
def wire_to() -> Iterator[Callable[[Script], Wire]]:
    running: list[tuple[Server, Wire]] = []

    def start(script: Script) -> Wire:
        server = Server(script)
        client = Client("127.0.0.1", server.port, ssl=False, timeout=SocketTimeout(5, 5))
        wire = Wire(client)
        running.append((server, wire))
        return wire

    yield start
    for server, wire in running:
        wire.close()
        server.close()


def asked(wire: Wire, command: bytes = b"GO") -> list[Response]:
    found: list[Response] = []
    (done,) = wire.burst([command], found.append)
    done.insist("GO")
    return found


def test_a_response_comes_whole_with_its_literals(wire_to: Callable[[Script], Wire]) -> None:
    wire = wire_to(lambda line: iter([b"* 1 FETCH (A {3}\r\n\r\n) B {0}\r\n C d)\r\n* 2 EXISTS\r\nTAG OK done\r\n"]))
    assert asked(wire) == [[b"* 1 FETCH (A {3}", b"\r\n)", b" B {0}", b"", b" C d)"], [b"* 2 EXISTS"]]
    assert wire.round_trips == 1


def test_no_and_bad_are_refusals_with_the_servers_words(wire_to: Callable[[Script], Wire]) -> None:
    wire = wire_to(lambda line: iter([b"TAG NO [UNAVAILABLE] not now\r\n"]))
    with pytest.raises(Refused, match="not now"):
        asked(wire)
    assert not wire.closed


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"* 1 FETCH (A {10}\r\nshort",
        b"* 1 FETCH (A {99999999999999}\r\n",
        b"x999 OK not ours\r\n",
        b"TAG MAYBE\r\n",
        b"garbage\r\n",
        b"* no line end",
    ],
)
def test_what_makes_no_sense_ends_the_session(wire_to: Callable[[Script], Wire], answer: bytes) -> None:
    def script(line: bytes) -> Iterator[bytes]:
        yield answer
        raise ConnectionError

    wire = wire_to(script)
    with pytest.raises(Dropped):
        asked(wire)
    assert wire.closed
    with pytest.raises(Dropped):
        asked(wire)


def test_the_reason_of_a_bye_is_told(wire_to: Callable[[Script], Wire]) -> None:
    def script(line: bytes) -> Iterator[bytes]:
        yield b"* BYE [UNAVAILABLE] shutting down for maintenance\r\n"
        raise ConnectionError

    with pytest.raises(Dropped, match="maintenance"):
        asked(wire_to(script))


def test_a_literal_beyond_measure_is_cut_and_costs_no_memory(wire_to: Callable[[Script], Wire]) -> None:
    size, chunk = 64 * 1024 * 1024, b"x" * 65_536

    def script(line: bytes) -> Iterator[bytes]:
        yield b"* 1 FETCH (A {%d}\r\n" % size
        yield from (chunk for _ in range(size // len(chunk)))
        yield b" B c)\r\nTAG OK done\r\n"

    wire = wire_to(script)
    tracemalloc.start()
    try:
        ((_, literal, rest),) = asked(wire)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (len(literal), rest) == (LITERAL_LIMIT, b" B c)")
    assert peak < 3 * LITERAL_LIMIT


def test_answers_to_what_was_posted_are_taken_on_the_way_to_those_of_something_else(
    wire_to: Callable[[Script], Wire],
) -> None:
    """So the server goes on meanwhile, and nobody has to hold what came."""
    wire = wire_to(lambda line: iter([b"* %s\r\nTAG OK done\r\n" % line.partition(b" ")[2]]))
    found: list[Response] = []
    first, second = wire.post(b"FIRST", found.append), wire.post(b"SECOND", found.append)
    assert asked(wire, b"THIRD") == [[b"* THIRD"]]
    assert found == [[b"* FIRST"], [b"* SECOND"]]
    assert (wire.collect(second).status, wire.collect(first).status) == ("OK", "OK")
    assert len(found) == 2, "none is told twice"


def test_a_consumer_that_fails_leaves_no_half_read_session_behind(wire_to: Callable[[Script], Wire]) -> None:
    def fail(response: Response) -> None:
        raise KeyError

    wire = wire_to(lambda line: iter([b"* 1 EXISTS\r\nTAG OK done\r\n"]))
    with pytest.raises(KeyError):
        wire.burst([b"GO"], fail)
    assert wire.closed


def test_bursts_stay_below_what_a_socket_takes_without_being_read() -> None:
    flights = list(bursts([b"x" * 3_000] * 7))
    assert [len(flight) for flight in flights] == [2, 2, 2, 1]
    assert all(sum(map(len, flight)) < BURST_LIMIT for flight in flights)
    assert list(bursts([b"y" * 20_000])) == [[b"y" * 20_000]]


@pytest.mark.parametrize(
    ("line", "size"),
    [(b"x {12}\r\n", 12), (b"x ~{7+}\r\n", 7), (b"x {}\r\n", None), (b"x {-1}\r\n", None), (b"x\r\n", None)],
)
def test_a_literal_is_announced_at_the_end_of_a_line(line: bytes, size: int | None) -> None:
    assert literal_size(line) == size
