"""HTTPS to one Exchange endpoint: a bounded set of signed-in sessions, one request, one bounded answer, one error.

All mailboxes with the same endpoint and account share one `Wire`, so that `connections` holds for them together, and
a password that was refused is not tried for each of them: directories lock accounts. Every session has a TCP connection
of its own, because NTLM signs in connections. The server's certificate is verified by the system's authorities and
`ca_file`, whatever REQUESTS_CA_BUNDLE says.
"""

import hashlib
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path

import requests
from requests.auth import AuthBase
from requests.utils import get_environ_proxies

from connectors.errors import ConnectorError, Crowded, Interrupted, NeedsSignIn
from connectors.exchange.replies import network_error, refusal
from connectors.oauth import http_session

CONNECT, READ, WHOLE = 10.0, 100.0, 300.0
"""Seconds: to connect, between two pieces of an answer, and for a whole answer."""
QUEUE = 120.0
"""Seconds to wait for a free session. Longer than any ordinary request takes."""
ANSWER_LIMIT = 16 * 1024 * 1024
"""Bytes of one answer; a hundred texts have one or two. Its tree takes several times that."""
REFUSED_FOR = 120.0
"""Seconds for which a refused password counts as refused: until all mailboxes of the account had their turn."""
_GATE = 10.0
"""Seconds to wait for somebody else's first sign-in: longer only, if nobody answers."""
_LONGEST_IDLE = 100.0
"""Seconds after which a kept session is not used again: IIS ends connections that are idle for two minutes."""


class TooLong(Interrupted):
    """The answer is longer than we read. Ask for less at once."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What the server said. headers: by lower-case name."""

    status: int
    body: bytes
    headers: Mapping[str, str]


@dataclass(kw_only=True, slots=True)
class _Session:
    http: requests.Session
    used: float = 0.0
    """When it last answered; 0: it never did."""


@dataclass(frozen=True, kw_only=True)
class Door:
    """Where and as whom: what makes two mailboxes share their sessions.

    sign_in: makes the authentication of a new session; it may ask for a token. account: names it, with the password.
    """

    endpoint: str
    auth: str
    account: tuple[str, ...] = field(repr=False)
    ca_file: Path | None
    connections: int
    sign_in: Callable[[], AuthBase | None] = field(repr=False, compare=False)

    @property
    def key(self) -> str:
        """Equal for equal doors; holds no secret."""
        parts = (self.endpoint, self.auth, str(self.ca_file), str(self.connections), *self.account)
        return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


class Wire:
    """The sessions to one endpoint. May be used by many threads."""

    def __init__(self, door: Door) -> None:
        self.endpoint = door.endpoint
        self.auth = door.auth
        self._door = door
        self._free = threading.BoundedSemaphore(max(1, door.connections))
        self._idle: list[_Session] = []
        self._lock = threading.Lock()
        self._closed = False
        self._gate = threading.Lock()
        self._signed_in = door.auth == "oauth"  # tokens lock no account
        self.requests = 0
        """How many were made, sign-in legs of NTLM not counted."""

    def post(self, body: bytes, headers: Mapping[str, str], *, writes: bool) -> Answer:
        """One answer with a status that a caller can read (200, or 500 with XML).

        A kept session may have died meanwhile: reading is tried once more on a new one, writing is not. A password that
        was taken before and is refused now is tried once more, by one thread alone. Raises NeedsSignIn, Fatal,
        Retriable and its kinds.
        """
        with self._room():
            if self._signed_in:
                try:
                    return self._post(body, headers, writes)
                except NeedsSignIn:
                    if self.auth == "oauth":
                        raise
            with Patiently(self._gate):
                return self._sign_in(body, headers, writes)

    def _sign_in(self, body: bytes, headers: Mapping[str, str], writes: bool) -> Answer:
        """Asks with a password that is not known to be right, unless it is known to be refused."""
        REFUSALS.check(self._door)
        try:
            answer = self._post(body, headers, writes)
        except NeedsSignIn as refused:
            self._signed_in = False
            REFUSALS.note(self._door, refused)
            raise
        self._signed_in = True
        return answer

    def _post(self, body: bytes, headers: Mapping[str, str], writes: bool) -> Answer:
        session = self._take()
        kept = session.used > 0.0
        try:
            answer = self._once(session, body, headers)
        except Interrupted as lost:
            if writes or not kept or isinstance(lost, TooLong):
                raise
            session = self._new()
            answer = self._once(session, body, headers)
        self._give_back(session)
        return answer

    def stream(self, body: bytes, headers: Mapping[str, str]) -> "tuple[requests.Session, requests.Response]":
        """An answer that comes piece by piece, on a session beside the others; close both when done."""
        session = self._new().http
        try:
            response = session.post(
                self.endpoint, data=body, headers={**headers, "Accept-Encoding": "identity"}, stream=True,
                timeout=(CONNECT, READ),
                allow_redirects=False,
            )  # fmt: skip
        except (requests.RequestException, OSError, KeyError) as error:
            session.close()
            raise network_error(error, self.endpoint, self._door.ca_file) from error
        return session, response

    def close(self) -> None:
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for session in idle:
            session.http.close()

    def _room(self) -> AbstractContextManager[bool]:
        if not self._free.acquire(timeout=QUEUE):
            raise Crowded("all sessions to the mail server are in use", advice="raise `connections`, or wait")
        return _Release(self._free)

    def _take(self) -> _Session:
        oldest = time.monotonic() - _LONGEST_IDLE
        while True:
            with self._lock:
                session = self._idle.pop() if self._idle else None
            if session is None:
                return self._new()
            if session.used > oldest:
                return session
            session.http.close()

    def _new(self) -> _Session:
        http = http_session(self._door.ca_file)
        http.trust_env = False  # no .netrc, and no REQUESTS_CA_BUNDLE
        http.proxies.update(get_environ_proxies(self.endpoint, no_proxy=None))
        http.headers.update({"User-Agent": "crm-sync-agent", "Content-Type": "text/xml; charset=utf-8"})
        http.headers["Accept-Encoding"] = "gzip, deflate"
        http.auth = self._door.sign_in()
        # a cookie names the server behind the balancer that one mailbox is on; others use the same session
        http.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
        return _Session(http=http)

    def _give_back(self, session: _Session) -> None:
        session.used = time.monotonic()
        with self._lock:
            if not self._closed:
                self._idle.append(session)
                return
        session.http.close()

    def _once(self, session: _Session, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Whatever goes wrong, the session is not used again: after a refusal its connection may be signed in as
        nobody.
        """
        try:
            self.requests += 1
            answer = self._ask(session.http, body, headers)
            if (refused := refusal(answer.status, answer.headers, answer.body, self.endpoint, self._door.auth)) is None:
                return answer
        except (requests.RequestException, OSError, KeyError, ValueError) as error:
            session.http.close()
            raise network_error(error, self.endpoint, self._door.ca_file) from error
        except ConnectorError:
            session.http.close()
            raise
        session.http.close()
        raise refused

    def _ask(self, http: requests.Session, body: bytes, headers: Mapping[str, str]) -> Answer:
        deadline = time.monotonic() + WHOLE
        with http.post(
            self.endpoint,
            data=body,
            headers=dict(headers),
            stream=True,
            timeout=(CONNECT, READ),
            allow_redirects=False,
        ) as response:
            pieces: list[bytes] = []
            size = 0
            for piece in response.iter_content(64 * 1024):
                size += len(piece)
                if size > ANSWER_LIMIT:
                    raise TooLong("the mail server's answer is longer than we read")
                if time.monotonic() > deadline:
                    raise Interrupted("the mail server took too long to answer")
                pieces.append(piece)
            names = {name.lower(): value for name, value in response.headers.items()}
            return Answer(status=response.status_code, body=b"".join(pieces), headers=names)


class _Release(AbstractContextManager[bool]):
    def __init__(self, room: threading.BoundedSemaphore) -> None:
        self._room = room

    def __exit__(self, *_: object) -> None:
        self._room.release()


class Patiently(AbstractContextManager[None]):
    """Holds a lock, or does without it after a while: one thread alone tries a password that may be wrong."""

    def __init__(self, lock: threading.Lock) -> None:
        self._lock = lock
        self._held = False

    def __enter__(self) -> None:
        self._held = self._lock.acquire(timeout=_GATE)

    def __exit__(self, *_: object) -> None:
        if self._held:
            self._lock.release()


class Refusals:
    """Which accounts were refused a moment ago, with this password."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, tuple[NeedsSignIn, float]] = {}

    def note(self, door: Door, refused: NeedsSignIn) -> None:
        with self._lock:
            self._known[door.key] = (refused, time.monotonic() + REFUSED_FOR)

    def check(self, door: Door) -> None:
        """Raises NeedsSignIn."""
        with self._lock:
            refused, until = self._known.get(door.key, (None, 0.0))
            if refused is None:
                return
            if time.monotonic() > until:
                del self._known[door.key]
                return
        raise NeedsSignIn(str(refused), advice=refused.advice)


class Wires:
    """The wires in use, by door. A wire is closed when the last who asked for it lets go."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wires: dict[str, tuple[Wire, int]] = {}

    def take(self, door: Door) -> Wire:
        with self._lock:
            wire, users = self._wires.get(door.key) or (Wire(door), 0)
            self._wires[door.key] = (wire, users + 1)
            return wire

    def let_go(self, door: Door) -> None:
        with self._lock:
            wire, users = self._wires[door.key]
            if users > 1:
                self._wires[door.key] = (wire, users - 1)
                return
            del self._wires[door.key]
        wire.close()


WIRES, REFUSALS = Wires(), Refusals()
"""Those of this process."""
