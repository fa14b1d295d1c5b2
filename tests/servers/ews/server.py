"""The server: HTTPS on loopback, a thread a connection, kept alive. See the package for how tests use it."""

import contextlib
import gzip
import os
import socket
import ssl
import struct
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from secrets import token_urlsafe

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tests.servers.certs import Authority, ServerCertificate
from tests.servers.ews import autodiscover, schema, soap
from tests.servers.ews.calls import Account
from tests.servers.ews.exchange import Asked, Exchange, Reply
from tests.servers.ews.faults import Faults
from tests.servers.ews.owner import Mailbox
from tests.servers.ews.people import Person
from tests.servers.ews.signin import Connection, Doorman
from tests.servers.ews.store import Box, Folders, World

PATH = "/EWS/Exchange.asmx"


class EwsServer:
    """See the package. validate=False leaves the schema out, for benchmarks that measure a client.

    certificate: another one than the authority's usual, such as one that has expired.
    """

    def __init__(
        self, authority: Authority, *, validate: bool = True, certificate: ServerCertificate | None = None
    ) -> None:
        certificate = certificate or authority.server
        home = schema.folder() if validate else None
        self.world = World()
        self.exchange = Exchange(world=self.world, schema=schema.Schema(home) if home else None)
        self.doorman = Doorman(accounts={}, certificate=_der(certificate))
        self._numbers = count(1)
        self._http = _Listener(("127.0.0.1", 0), _handler(self))
        self._http.context = certificate.context()
        self.compress = False
        self.redirects: dict[str, str] = {}
        self.connections: set[socket.socket] = set()
        self.port: int = self._http.server_address[1]
        self.host = "127.0.0.1"
        self.url = f"https://127.0.0.1:{self.port}{PATH}"
        self.autodiscover_url = f"https://127.0.0.1:{self.port}{autodiscover.SOAP_PATH}"
        self.ca_file = authority.ca_file
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), name="ews", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the server and its streaming connections."""
        self.drop_streams()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    # Mailboxes and accounts.

    def mailbox(self, address: str | None = None, *, name: str | None = None, legacy: str = "") -> Mailbox:
        """A new mailbox with an account of its own; by default with an address that nobody else has."""
        number = next(self._numbers)
        address = (address or f"user{number}@corp.example").lower()
        box = Box(self.world, address, name or address.partition("@")[0].title())
        account = Account(username=address, password=f"secret-{number}", box=box)
        with self.world.changed:
            Folders.plant(box)
            self.world.boxes[address] = box
            legacy = (
                legacy or f"/o=Lab/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/cn={number:032x}"
            )
            self.world.directory.people.append(Person(name=box.name, address=address, legacy=legacy))
            self.doorman.accounts[address] = account
        return Mailbox(self.world, box, account)

    def account(self, username: str, password: str, **rights: set[str]) -> Account:
        """An account without a mailbox: `impersonates={"*"}`, `opens={address}` or `reviews={address}`."""
        account = Account(username=username.lower(), password=password, **rights)
        self.doorman.accounts[account.username] = account
        return account

    def person(self, person: Person) -> None:
        """Somebody else in the directory: a contact, or a list with members."""
        with self.world.changed:
            self.world.directory.people.append(person)

    def issue_token(self, login: str, *, lifetime: float = 3600) -> str:
        """A bearer token for an account; it ends after so many seconds."""
        token = token_urlsafe(32)
        self.doorman.tokens[token] = (login.lower(), time.time() + lifetime)
        return token

    def expire_tokens(self) -> None:
        """All tokens issued until now have ended."""
        self.doorman.tokens.clear()

    # What tests look at and order.

    @property
    def faults(self) -> Faults:
        """Bad weather; see tests/servers/ews/faults.py."""
        return self.exchange.faults

    @property
    def operations(self) -> Counter[str]:
        """Requests by operation."""
        return self.exchange.operations

    @property
    def asked(self) -> list[Asked]:
        """Requests in their order: who asked, on whose behalf, with which X-AnchorMailbox."""
        return self.exchange.asked

    @property
    def violations(self) -> list[str]:
        """What broke Microsoft's schema, in requests and answers; the fixture `ews` fails the test for it."""
        return self.exchange.violations

    @property
    def judged(self) -> bool:
        """Are requests and answers judged by the schema?"""
        return self.exchange.schema is not None

    def drop_connections(self) -> None:
        """All connections end, as those do that nobody used for a while; clients may not notice before they write."""
        with self.world.changed:
            for connection in tuple(self.connections):
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)

    def emigrate(self, box: Mailbox, address: str) -> None:
        """The mailbox moves to another organisation: it is no more here, and autodiscover names its new address."""
        with self.world.changed:
            del self.world.boxes[box.address]
            box.account.box = None
            self.redirects[box.address] = address

    def drop_streams(self) -> None:
        """Every streaming connection breaks."""
        with self.world.changed:
            self.world.pace.drops += 1
            self.world.changed.notify_all()

    def forget_subscriptions(self) -> None:
        """As after a restart of the server: subscriptions are gone, their connections are told so."""
        with self.world.changed:
            self.world.pace.subscriptions.clear()
            self.world.changed.notify_all()

    def reset(self) -> None:
        """For the next test: fine weather, usual manners, nothing counted. Mailboxes stay."""
        self.faults.clear()
        self.drop_streams()
        with self.world.changed:
            self.world.pace.minute, self.world.pace.heartbeat = 60.0, 45.0
            self.world.pace.subscriptions.clear()
            self.exchange.asked.clear()
            self.exchange.operations.clear()
            self.exchange.violations.clear()
            self.exchange.fractional = self.compress = False
            limits = self.exchange.limits
            limits.concurrency, limits.hanging, limits.peak = 27, 10, 0
            self.doorman.reset()


class _Listener(ThreadingHTTPServer):
    """Speaks TLS in the thread of the connection, so that a slow client holds up nobody."""

    daemon_threads = True
    request_queue_size = 128
    context: ssl.SSLContext

    def finish_request(self, request: socket.socket, client_address: object) -> None:
        """See socketserver."""
        try:
            request.settimeout(30)
            wrapped = self.context.wrap_socket(request, server_side=True)
        except OSError:
            return
        try:
            super().finish_request(wrapped, client_address)
        except OSError:
            return
        finally:
            wrapped.close()

    def handle_error(self, request: socket.socket, client_address: object) -> None:
        """A client that goes away is nobody's error; anything else is printed."""
        super().handle_error(request, client_address)


def _der(certificate: ServerCertificate) -> bytes:
    found = x509.load_pem_x509_certificate(certificate.certificate.read_bytes())
    return found.public_bytes(Encoding.DER)


def _handler(server: EwsServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1
        timeout = 120

        def setup(self) -> None:
            super().setup()
            self.signed_in = Connection()
            server.connections.add(self.connection)

        def finish(self) -> None:
            server.connections.discard(self.connection)
            super().finish()

        def do_GET(self) -> None:
            verdict = server.doorman.check(self.headers.get("Authorization"), self.signed_in)
            self._whole(200, b"You have created a service.") if verdict.account else self._ask(verdict.ask)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            verdict = server.doorman.check(self.headers.get("Authorization"), self.signed_in)
            if verdict.account is None:
                self._ask(verdict.ask)
            elif not self.headers.get("Content-Type", "").lower().startswith("text/xml"):
                self._whole(415, b"")
            elif self.path.lower() == PATH.lower():
                self._send(server.exchange.reply(verdict.account, self.headers.get("X-AnchorMailbox"), body))
            elif self.path.lower() == autodiscover.SOAP_PATH:
                self._whole(
                    200, autodiscover.user_settings(server.world, server.url, server.redirects, soap.parse(body))
                )
            elif self.path.lower() == autodiscover.POX_PATH:
                self._whole(200, autodiscover.pox(server.world, server.url, body))
            else:
                self._whole(404, b"")

        def _ask(self, schemes: tuple[str, ...]) -> None:
            self._head(401, [("WWW-Authenticate", scheme) for scheme in schemes], 0)

        def _send(self, reply: Reply) -> None:
            body: bytes | Iterator[bytes] = reply.body
            for fault in reply.faults:
                if fault.kind in ("lose-answer", "lose-request"):
                    self.close_connection = True
                    return
                if fault.kind == "http":
                    self._head(fault.status, list(fault.headers.items()), len(fault.body), fault.body)
                    return
                if isinstance(body, bytes) and fault.rewriter is not None:
                    body = fault.rewriter(body)
                if isinstance(body, bytes) and fault.kind == "malformed":
                    body = body[: len(body) * 2 // 3]
                if isinstance(body, bytes) and fault.kind == "reset":
                    self._broken(body, fault.keep)
                    return
            self._whole(reply.status, body) if isinstance(body, bytes) else self._chunks(body)

        def _whole(self, status: int, body: bytes) -> None:
            headers = [("Content-Type", "text/xml; charset=utf-8")]
            if server.compress and "gzip" in self.headers.get("Accept-Encoding", ""):
                headers.append(("Content-Encoding", "gzip"))
                body = gzip.compress(body, 1)
            self._head(status, headers, len(body), body)

        def _head(self, status: int, headers: list[tuple[str, str]], length: int, body: bytes = b"") -> None:
            self.send_response(status, HTTPStatus(status).phrase)
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(body)
            self.wfile.flush()

        def _broken(self, body: bytes, keep: float) -> None:
            self._head(200, [("Content-Type", "text/xml; charset=utf-8")], len(body), body[: int(len(body) * keep)])
            self._reset()

        def _chunks(self, documents: Iterator[bytes]) -> None:
            """One envelope a chunk. A refusal at the very begin is an answer like any other."""
            try:
                first = next(documents)
            except soap.SoapFault as refusal:
                self._whole(500, soap.fault(refusal))
                return
            self.send_response(200, "OK")
            self.send_header("Content-Type", "text/xml; charset=utf-8")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            try:
                self._chunk(first)
                for document in documents:
                    self._chunk(document)
                self.wfile.write(b"0\r\n\r\n")
                self.wfile.flush()
            except ConnectionAbortedError:
                self._reset()
            finally:
                documents.close()  # type: ignore[attr-defined]  # a generator

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

    return Handler
