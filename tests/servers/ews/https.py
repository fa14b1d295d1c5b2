"""HTTP/1.1 over TLS on loopback: a thread a connection, kept alive, without delay, and broken where a fault says so."""

import contextlib
import gzip
import os
import socket
import ssl
import struct
import sys
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol

from tests.servers.ews import soap
from tests.servers.ews.calls import Account
from tests.servers.ews.exchange import Reply
from tests.servers.ews.signin import Connection, Doorman

_XML = {"Content-Type": "text/xml; charset=utf-8"}


class Site(Protocol):
    """What is served: who may enter, and the answer to what they ask. broke: told of errors of the site's own."""

    doorman: Doorman
    compress: bool

    def answer(self, account: Account, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """The answer to one POST of somebody who has signed in."""
        ...

    def broke(self, error: BaseException | None) -> None:
        """An answer could not be made."""
        ...


class Listener(ThreadingHTTPServer):
    """Speaks TLS in the thread of the connection, so that a slow client holds up nobody."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, site: Site, context: ssl.SSLContext) -> None:
        self.site = site
        self.connections: set[socket.socket] = set()
        self._context = context
        super().__init__(("127.0.0.1", 0), _Handler)

    def finish_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401  # a socket; as socketserver says
        """See socketserver. Clients that go away, or want no TLS of ours, are nobody's error."""
        with contextlib.suppress(OSError):
            request.settimeout(30)
            with self._context.wrap_socket(request, server_side=True) as wrapped:
                super().finish_request(wrapped, client_address)

    def handle_error(self, request: object, client_address: object) -> None:
        """See socketserver."""
        self.site.broke(sys.exc_info()[1])

    def drop(self) -> None:
        """All connections end."""
        for connection in tuple(self.connections):
            with contextlib.suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: Listener
    connection: ssl.SSLSocket
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = 120  # seconds until IIS ends a connection that nobody uses

    def setup(self) -> None:
        super().setup()
        self.signed_in = Connection()
        self.server.connections.add(self.connection)

    def finish(self) -> None:
        self.server.connections.discard(self.connection)
        super().finish()

    def do_GET(self) -> None:
        if self._account() is not None:
            self._whole(Reply(status=200, body=b"You have created a service."))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if (account := self._account()) is not None:
            self._send(self.server.site.answer(account, self.path.lower(), dict(self.headers), body))

    def _account(self) -> Account | None:
        """Who it is; None if that was answered with 401."""
        verdict = self.server.site.doorman.check(self.headers.get("Authorization"), self.signed_in)
        if verdict.account is None:
            self._head(401, [("WWW-Authenticate", scheme) for scheme in verdict.ask], b"")
        return verdict.account

    def _send(self, reply: Reply) -> None:
        kinds = {fault.kind: fault for fault in reply.faults}
        if kinds.keys() & {"lose-answer", "lose-request"}:
            self.close_connection = True
        elif not isinstance(reply.body, bytes):
            self._chunks(reply.body)
        elif "reset" in kinds:
            self._head(reply.status, list(_XML.items()), reply.body, keep=kinds["reset"].keep)
            self._reset()
        else:
            self._whole(reply)

    def _whole(self, reply: Reply) -> None:
        body = reply.body if isinstance(reply.body, bytes) else b""
        headers = _XML | dict(reply.headers)
        if self.server.site.compress and "gzip" in self.headers.get("Accept-Encoding", ""):
            headers["Content-Encoding"], body = "gzip", gzip.compress(body, 1)
        self._head(reply.status, list(headers.items()), body)

    def _head(self, status: int, headers: list[tuple[str, str]], body: bytes, *, keep: float = 1.0) -> None:
        """Status, headers, and a share of the body."""
        self.send_response(status, HTTPStatus(status).phrase)
        for name, value in [*headers, ("Content-Length", str(len(body)))]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[: int(len(body) * keep)])
        self.wfile.flush()

    def _chunks(self, documents: Iterator[bytes]) -> None:
        """One envelope a chunk. A refusal at the very begin is an answer like any other."""
        try:
            first = next(documents)
        except soap.SoapFault as refusal:
            self._whole(Reply(status=500, body=soap.fault(refusal)))
            return
        self.send_response(200, "OK")
        for name, value in [*_XML.items(), ("Transfer-Encoding", "chunked")]:
            self.send_header(name, value)
        self.end_headers()
        try:
            self._chunk(first)
            for document in documents:
                self._chunk(document)
            self._chunk(b"")
        except ConnectionAbortedError:
            self._reset()
        finally:
            documents.close()  # type: ignore[attr-defined]  # a generator; it gives back its share of the budget

    def _chunk(self, document: bytes) -> None:
        self.wfile.write(f"{len(document):x}\r\n".encode() + document + b"\r\n")
        self.wfile.flush()

    def _reset(self) -> None:
        """End the connection with RST, not with a goodbye."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.connection.detach())

    def log_message(self, format: str, *args: object) -> None:
        """Tests read `asked`; stderr stays quiet."""
