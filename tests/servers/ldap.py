"""A directory server of our own: LDAP v3 over a socket (RFC 4511), written from the RFC, knowing no client.

Speaks as much as people who look for people need: simple bind, search of a subtree with `present`, `equality` and their
combinations, pages (RFC 2696), unbind; TLS where it is given a certificate. Everything it is asked is written down.

    with LdapServer() as server:
        server.accounts["cn=crm,dc=firm"] = "secret"
        server.entries["cn=anna,ou=sales,dc=firm"] = {"objectClass": ["person"], "mail": ["anna@firm.example"]}
        server.url                                          # ldap://127.0.0.1:PORT, ldaps:// with a certificate
"""

import socketserver
import ssl
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self

from tests.servers.certs import ServerCertificate

SUCCESS, SIZE_LIMIT_EXCEEDED, NO_SUCH_OBJECT, INVALID_CREDENTIALS, INSUFFICIENT_RIGHTS = 0, 4, 32, 49, 50
_BIND, _BOUND, _UNBIND, _SEARCH, _ENTRY, _DONE, _REFERENCE = 0x60, 0x61, 0x42, 0x63, 0x64, 0x65, 0x73
_SEQUENCE, _SET, _INTEGER, _OCTETS, _ENUMERATED = 0x30, 0x31, 0x02, 0x04, 0x0A
_CONTROLS = 0xA0
_PAGED = b"1.2.840.113556.1.4.319"

Piece = tuple[int, bytes]
"""Tag and content, in BER with definite lengths (RFC 4511 section 5.1)."""


def pieces(octets: bytes) -> Iterator[Piece]:
    """The elements that follow one another."""
    at = 0
    while at < len(octets):
        tag, length, at = octets[at], octets[at + 1], at + 2
        if length & 0x80:
            size = length & 0x7F
            length, at = int.from_bytes(octets[at : at + size], "big"), at + size
        yield tag, octets[at : at + length]
        at += length


def piece(tag: int, *contents: bytes) -> bytes:
    content = b"".join(contents)
    if len(content) < 0x80:
        return bytes([tag, len(content)]) + content
    size = (len(content).bit_length() + 7) // 8
    return bytes([tag, 0x80 | size]) + len(content).to_bytes(size, "big") + content


def _number(value: int, tag: int = _INTEGER) -> bytes:
    return piece(tag, value.to_bytes(value.bit_length() // 8 + 1, "big"))


class LdapServer:
    """A running server. limit: entries after which a search is cut off; searches: base and page size of each."""

    def __init__(self, certificate: ServerCertificate | None = None) -> None:
        self.accounts: dict[str, str] = {}
        self.entries: dict[str, Mapping[str, Sequence[str]]] = {}
        self.references: list[str] = []
        self.limit: int | None = None
        self.hangs_up = False
        self.binds: list[str] = []
        self.searches: list[tuple[str, int]] = []
        self.operations: list[int] = []
        self._server = _Listener(("127.0.0.1", 0), _handler(self))
        self._server.tls = certificate.context() if certificate else None
        self.port: int = self._server.server_address[1]
        self.url = f"{'ldaps' if certificate else 'ldap'}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="ldap", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def bind(self, content: bytes) -> int:
        """The result of a bind: nobody without a name, else a name with its password."""
        _, (_, name), (_, password) = list(pieces(content))[:3]
        self.binds.append(name.decode())
        if not name:
            return SUCCESS
        right = self.accounts.get(name.decode())
        return SUCCESS if right is not None and right.encode() == password else INVALID_CREDENTIALS

    def search(self, content: bytes, controls: bytes, bound: str) -> Iterator[tuple[int, bytes, bytes]]:
        """Operation, content and controls of every answer to a search, the last of them its end."""
        base, *_, condition, _ = list(pieces(content))
        size, cookie = _page_of(controls)
        self.searches.append((base[1].decode(), size))
        below = base[1].decode().lower()
        if self.accounts and not bound:
            yield _DONE, _result(INSUFFICIENT_RIGHTS), b""
            return
        found = [(name, entry) for name, entry in self.entries.items() if name.lower().endswith(below)]
        if not found:
            yield _DONE, _result(NO_SUCH_OBJECT), b""
            return
        found = [(name, entry) for name, entry in found if _holds(condition, entry)]
        start = int(cookie or b"0")
        end = min(start + (size or len(found)), len(found), self.limit or len(found))
        for name, entry in found[start:end]:
            yield _ENTRY, _entry(name, entry), b""
        for url in self.references:
            yield _REFERENCE, piece(_OCTETS, url.encode()), b""
        cut = self.limit is not None and end >= self.limit < len(found)
        more = b"" if cut or end >= len(found) else str(end).encode()
        yield _DONE, _result(SIZE_LIMIT_EXCEEDED if cut else SUCCESS), _page(more) if size else b""


def _page_of(controls: bytes) -> tuple[int, bytes]:
    for _, control in pieces(controls):
        parts = list(pieces(control))
        if parts[0][1] == _PAGED:
            ((_, value),) = pieces(parts[-1][1])
            (_, size), (_, cookie) = pieces(value)
            return int.from_bytes(size, "big"), cookie
    return 0, b""


def _page(cookie: bytes) -> bytes:
    value = piece(_SEQUENCE, _number(0), piece(_OCTETS, cookie))
    return piece(_SEQUENCE, piece(_OCTETS, _PAGED), piece(_OCTETS, value))


def _holds(condition: Piece, entry: Mapping[str, Sequence[str]]) -> bool:
    """Whether an entry meets a filter (section 4.5.1.7): and, or, not, equality, present."""
    tag, content = condition
    values = {name.lower(): [value.lower() for value in each] for name, each in entry.items()}
    match tag:
        case 0xA0:
            return all(_holds(each, entry) for each in pieces(content))
        case 0xA1:
            return any(_holds(each, entry) for each in pieces(content))
        case 0xA2:
            return not any(_holds(each, entry) for each in pieces(content))
        case 0xA3:
            (_, name), (_, value) = pieces(content)
            return value.decode().lower() in values.get(name.decode().lower(), ())
        case 0x87:
            return content.decode().lower() in values
        case _:
            raise ValueError(f"a filter that this server does not know: {tag:#x}")


def _result(code: int) -> bytes:
    return _number(code, _ENUMERATED) + piece(_OCTETS) + piece(_OCTETS)


def _entry(name: str, entry: Mapping[str, Sequence[str]]) -> bytes:
    attributes = [
        piece(_SEQUENCE, piece(_OCTETS, key.encode()), piece(_SET, *(piece(_OCTETS, one.encode()) for one in values)))
        for key, values in entry.items()
    ]
    return piece(_OCTETS, name.encode()) + piece(_SEQUENCE, *attributes)


class _Listener(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    tls: ssl.SSLContext | None = None


def _handler(server: LdapServer) -> type[socketserver.BaseRequestHandler]:
    class Handler(socketserver.StreamRequestHandler):
        def setup(self) -> None:
            context = self.server.tls if isinstance(self.server, _Listener) else None
            if context is not None:
                self.request = context.wrap_socket(self.request, server_side=True, do_handshake_on_connect=False)
            super().setup()

        def handle(self) -> None:
            with suppress(OSError):  # whoever does not trust us, or leaves
                self._serve()

        def _serve(self) -> None:
            bound = ""
            while (message := self._read()) is not None:
                (_, number), (operation, content), *rest = pieces(message)
                server.operations.append(operation)
                controls = rest[0][1] if rest and rest[0][0] == _CONTROLS else b""
                if operation == _BIND:
                    code = server.bind(content)
                    bound = server.binds[-1] if code == SUCCESS else ""
                    self._answer(number, _BOUND, _result(code), b"")
                elif operation == _SEARCH and not server.hangs_up:
                    for answer in server.search(content, controls, bound):
                        self._answer(number, *answer)
                else:
                    return

        def _read(self) -> bytes | None:
            head = self.rfile.read(2)
            if len(head) < 2:
                return None
            length = head[1]
            if length & 0x80:
                length = int.from_bytes(self.rfile.read(length & 0x7F), "big")
            return self.rfile.read(length)

        def _answer(self, number: bytes, operation: int, content: bytes, controls: bytes) -> None:
            told = piece(_CONTROLS, controls) if controls else b""
            self.wfile.write(piece(_SEQUENCE, piece(_INTEGER, number), piece(operation, content), told))

    return Handler
