"""HTTP/1.1 over TLS, as little as a simulator needs: kept connections, one thread each, answers in one piece.

It is written on socketserver, for http.server parses headers with the email package and would be half of what a
benchmark measures. An answer may end the connection in the middle (`cut_after`), as a network does.
"""

import contextlib
import json
import socket
import socketserver
import ssl
import struct
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

JSON = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
_MAX_BODY = 64 * 1024 * 1024
_IDLE_SECONDS = 60
_RESET = struct.pack("ii", 1, 0)


@dataclass(frozen=True)
class Request:
    """One request. target: path and query as written. headers: by lower-case name."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """One answer. cut_after: end the connection with a reset after so many bytes of the body."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    cut_after: int | None = None

    @classmethod
    def of(cls, content: object, status: int = 200, headers: Mapping[str, str] | None = None) -> "Answer":
        """JSON."""
        return cls(status, json.dumps(content, ensure_ascii=False).encode("utf-8", "replace"), headers or {})

    @property
    def json(self) -> Any:  # noqa: ANN401  # whatever JSON holds
        """The body read as JSON; None without a body."""
        return json.loads(self.body) if self.body else None


Dispatch = Callable[[Request], Answer | None]


class WebServer(socketserver.ThreadingTCPServer):
    """Listens on 127.0.0.1 with the given TLS context. `dispatch` answers each request; None: hang up."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, context: ssl.SSLContext, dispatch: Dispatch) -> None:
        self._context, self.dispatch = context, dispatch
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()
        super().__init__(("127.0.0.1", 0), _Connection)
        self.port: int = self.server_address[1]
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept; the handshake happens in the connection's own thread."""
        plain, address = super().get_request()
        plain.settimeout(_IDLE_SECONDS)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        secure = self._context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
        with self._guard:
            self._open.add(secure)
        return secure, address

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401  # as socketserver has it
        """A connection is over."""
        with self._guard:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401  # as socketserver has it
        """A client that went away is its own affair; stderr stays quiet."""

    def stop(self) -> None:
        """Close the port and every connection."""
        self.shutdown()
        self.server_close()
        with self._guard:
            still_open = list(self._open)
        for connection in still_open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._thread.join()


class _Connection(socketserver.StreamRequestHandler):
    server: WebServer
    wbufsize = 0

    def handle(self) -> None:
        while (request := self._read()) is not None:
            answer = self.server.dispatch(request)
            if answer is None or not self._write(request, answer):
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                return
            if request.headers.get("connection", "").lower() == "close":
                return

    def _read(self) -> Request | None:
        first = self.rfile.readline(65536)
        words = first.decode("latin-1").split()
        if len(words) != 3:
            return None
        headers: dict[str, str] = {}
        while (line := self.rfile.readline(65536)) not in (b"\r\n", b"\n", b""):
            name, _, value = line.decode("latin-1").partition(":")
            key = name.strip().lower()
            headers[key] = f"{headers[key]}, {value.strip()}" if key in headers else value.strip()
        return Request(words[0].upper(), words[1], headers, self._read_body(headers))

    def _read_body(self, headers: Mapping[str, str]) -> bytes:
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return self._read_chunks()
        return self.rfile.read(min(int(headers.get("content-length", "0")), _MAX_BODY))

    def _read_chunks(self) -> bytes:
        body = bytearray()
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return bytes(body)

    def _write(self, request: Request, answer: Answer) -> bool:
        """Send the answer; False if it was to be cut."""
        usual = {"Content-Type": JSON, "request-id": str(uuid.uuid4())} if answer.body else {}
        headers = {**usual, **answer.headers, "Content-Length": str(len(answer.body))}
        lines = [f"HTTP/1.1 {answer.status} {_phrase(answer.status)}", *(f"{n}: {v}" for n, v in headers.items())]
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        if answer.cut_after is not None:
            self.connection.sendall(head + answer.body[: answer.cut_after])
            return False
        self.connection.sendall(head if request.method == "HEAD" else head + answer.body)
        return True


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
