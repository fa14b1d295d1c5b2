"""The web server that takes notices: it echoes the validation token, answers at once, and passes on what is believed.

It listens on loopback and stands behind a proxy that speaks TLS; it serves nothing and says nothing about mailboxes.
"""

import threading
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from agent.push.body import Broken, TooLong, Unbounded, read_body
from agent.push.notices import BODY_LIMIT, Doorplate, Malformed, News, read_notices

MOST_CONNECTIONS = 64
IDLE_SECONDS = 10
"""A connection that says nothing for so long is closed."""
_TOKEN_LIMIT = 4096

Tell = Callable[[str, News], None]


class Receiver(ThreadingHTTPServer):
    """Takes posts until closed. doors: by the last part of the path; replaced as a whole when mailboxes change.

    Raises OSError if the address cannot be had.
    """

    daemon_threads = True
    request_queue_size = MOST_CONNECTIONS

    def __init__(self, host: str, port: int, tell: Tell) -> None:
        self.doors: Mapping[str, Doorplate] = {}
        self.tell = tell
        self._room = threading.BoundedSemaphore(MOST_CONNECTIONS)
        super().__init__((host, port), _Handler)
        self._thread = threading.Thread(target=self.serve_forever, name="push", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Takes no more."""
        self.shutdown()
        self.server_close()

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401  # as in the base class
        """In a thread of its own while there is room; else the connection ends, and Graph posts again."""
        if self._room.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:  # noqa: ANN401  # as above
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401  # as above
        """A caller that hangs up is no fault of ours."""


class _Handler(BaseHTTPRequestHandler):
    server: Receiver
    timeout = IDLE_SECONDS
    server_version = "crm-agent"
    sys_version = ""

    def do_POST(self) -> None:
        parts = urlsplit(self.path)
        door = self.server.doors.get(parts.path.rstrip("/").rpartition("/")[2])
        token = parse_qs(parts.query).get("validationToken", [""])[0]
        if door is None:
            self._answer(HTTPStatus.NOT_FOUND)
        elif token:
            self._answer(HTTPStatus.OK, token.encode()[:_TOKEN_LIMIT])
        else:
            self._take(door)

    def _take(self, door: Doorplate) -> None:
        try:
            body = read_body(self.headers, self.rfile, BODY_LIMIT)
        except Unbounded:
            self._answer(HTTPStatus.LENGTH_REQUIRED)
        except TooLong:
            self._answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        except Broken:
            self._answer(HTTPStatus.BAD_REQUEST)
        else:
            self._pass_on(door, body)

    def _pass_on(self, door: Doorplate, body: bytes) -> None:
        """Whatever the notices bring, a stranger learns nothing: a well-formed post is taken."""
        try:
            for news in set(read_notices(body, door.client_state)):
                self.server.tell(door.address, news)
        except Malformed:
            self._answer(HTTPStatus.BAD_REQUEST)
        else:
            self._answer(HTTPStatus.ACCEPTED)

    def _answer(self, status: HTTPStatus, text: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(text)))
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(text)
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Requests are not logged: their paths name mailboxes, to those who know."""
