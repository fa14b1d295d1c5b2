"""A small HTTP server for calendars that can only subscribe: `GET /<secret>.ics`, and nothing else.

Part of `crm-agent run`. Read-only, in plain HTTP on loopback unless told otherwise: it stands behind a proxy that
speaks TLS. Whatever is no link answers 404 alike; a path is never logged, because it is a secret.
"""

import hashlib
import re
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import structlog

from agent.store import migrate
from agent.store.calendar import feed_links
from agent.store.database import Database, StoreError
from agent.store.hashes import Hasher
from agent.tending.subscription import calendar_of
from config.model import Feed

AT_A_TIME = 16
"""Requests answered at a time; who comes beyond that is turned away."""
PATIENCE = 10.0
"""Seconds that a client may keep us waiting."""
_LINK = re.compile(r"/([A-Za-z0-9_-]{40,64})\.ics")

_log = structlog.get_logger(__name__)


class FeedServer(ThreadingHTTPServer):
    """Answers for one installation. Raises OSError where the port is taken."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, database: Database, hasher: Hasher, feed: Feed) -> None:
        self.database, self.hasher = database, hasher
        self.installation = migrate.installation_id(database)
        self._room = threading.BoundedSemaphore(AT_A_TIME)
        if ":" in feed.host:
            from socket import AF_INET6

            self.address_family = AF_INET6
        super().__init__((feed.host, feed.port), _Answer)

    def process_request(self, request, client_address) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001 - typeshed
        """Turns away whom there is no room for."""
        if not self._room.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request, client_address) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001  # as in socketserver, which names no types
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away in the middle is no news, and its path is nobody's business."""
        _log.debug("a subscriber's request broke off")

    def calendar(self, token: str) -> bytes | None:
        """The calendar behind a link, None where none is. Raises StoreError."""
        with self.database.read() as connection:
            found = feed_links.follow(connection, self.hasher, token)
        return calendar_of(found, self.installation) if found is not None else None


class _Answer(BaseHTTPRequestHandler):
    """One request. HTTP/1.0: a connection a request."""

    server: FeedServer
    timeout = PATIENCE
    server_version = "crm-sync-agent"
    sys_version = ""

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def _answer(self, *, with_body: bool) -> None:
        link = _LINK.fullmatch(self.path)
        try:
            body = self.server.calendar(link[1]) if link is not None else None
        except StoreError as error:
            _log.warning("a subscription cannot be answered", sentence=str(error))
            self._say(HTTPStatus.SERVICE_UNAVAILABLE)
            return
        if body is None:
            self._say(HTTPStatus.NOT_FOUND)
            return
        etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        if etag in self.headers.get("If-None-Match", ""):
            self._say(HTTPStatus.NOT_MODIFIED, etag=etag)
            return
        self._say(HTTPStatus.OK, etag=etag, size=len(body))
        if with_body:
            self.wfile.write(body)

    def _say(self, status: HTTPStatus, *, etag: str | None = None, size: int = 0) -> None:
        self.send_response_only(status)
        self.send_header("Cache-Control", "private, max-age=300")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("X-Robots-Tag", "noindex")
        self.send_header("Referrer-Policy", "no-referrer")
        if etag is not None:
            self.send_header("ETag", etag)
            self.send_header("Content-Type", "text/calendar; charset=utf-8")
        if status is not HTTPStatus.NOT_MODIFIED:
            self.send_header("Content-Length", str(size))
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing: what was asked for is a secret."""
