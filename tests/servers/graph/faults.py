"""Bad weather for one tenant. Every fault chooses requests by `path`, a regular expression that is searched in
`METHOD /path?query` (decoded, without `/v1.0`), lets `after` of them pass, and happens `times` times (None: always).
Of several that end a request the oldest happens, the others wait for the next.

To a single request, also inside a batch: `throttle`, `fail`, `expire_token`, `slow`, `before`.
To a whole HTTP request (`POST /$batch` is one): `reset`, `lose_answer`, `lose_request`, `answer_with`.

Manners of delta queries: `replay` (pages repeat what the page before held), `shuffle` (no order), `empty_pages` (every
second page is empty and has a nextLink), `removed_reason`. Of batches: `batch_parallel`, how many parts work at once;
`batch_links`, an answer holds half of the responses and a nextLink to the others.
Of the wire: `packed`, answers are compressed for who takes that, and sent in chunks.
"""

import random
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal
from urllib.parse import unquote_plus

from tests.servers.graph import refusals
from tests.servers.graph.web import Answer

if TYPE_CHECKING:
    from tests.servers.graph.odata import Call

Kind = Literal["refuse", "token", "slow", "before", "reset", "lose-answer", "lose-request", "answer"]
_WIRE = frozenset({"reset", "lose-answer", "lose-request", "answer"})
_PASSING = frozenset({"slow", "before"})
_MESSAGES = {
    503: ("ServiceUnavailable", "The service is temporarily unavailable."),
    504: ("GatewayTimeout", "The upstream service did not answer in time."),
    410: ("syncStateNotFound", "The sync state is not found. Begin a full synchronization."),
}


@dataclass(kw_only=True)
class Fault:
    """One fault. happened: how often it did."""

    kind: Kind
    path: re.Pattern[str]
    after: int
    times: int | None
    refusal: refusals.Refuse | None = None
    seconds: float = 0.0
    action: Callable[[], object] | None = None
    octets: int = 0
    reply: Answer | None = None
    happened: int = 0

    def take(self, line: str) -> bool:
        """Does it happen to this request?"""
        if self.times == 0 or not self.path.search(line):
            return False
        if self.after > 0:
            self.after -= 1
            return False
        self.times = None if self.times is None else self.times - 1
        self.happened += 1
        return True


@dataclass(eq=False)
class Faults:
    """See the module."""

    replay: bool = False
    shuffle: bool = False
    empty_pages: bool = False
    packed: bool = False
    removed_reason: str = "deleted"
    batch_parallel: int = 1
    batch_links: bool = False
    dice: random.Random = field(default_factory=lambda: random.Random(7))  # noqa: S311  # an order, not a secret
    _faults: list[Fault] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def clear(self) -> None:
        """Fair weather again."""
        with self._lock:
            self._faults.clear()
        self.replay = self.shuffle = self.empty_pages = self.packed = False

    def throttle(
        self,
        path: str = "",
        *,
        retry_after: int | str | None = None,
        times: int | None = 1,
        after: int = 0,
        code: str = "ApplicationThrottled",
    ) -> Fault:
        """429; Retry-After (seconds) only if given."""
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        refusal = refusals.Refuse(429, code, "Application is over its rate limit.", headers)
        return self._add("refuse", path, times, after, refusal=refusal)

    def fail(
        self,
        status: int,
        path: str = "",
        *,
        code: str | None = None,
        message: str | None = None,
        retry_after: int | str | None = None,
        times: int | None = 1,
        after: int = 0,
    ) -> Fault:
        """This status, 503 or 504 or 410 or what a test likes, with an error body."""
        usual = _MESSAGES.get(status, ("generalException", "An error occurred."))
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        refusal = refusals.Refuse(status, code or usual[0], message or usual[1], headers)
        return self._add("refuse", path, times, after, refusal=refusal)

    def expire_token(self, path: str = "", *, times: int | None = 1, after: int = 0) -> Fault:
        """The token ends with this request: 401 now and for every later use of it."""
        return self._add("token", path, times, after)

    def slow(self, seconds: float, path: str = "", *, times: int | None = None, after: int = 0) -> Fault:
        """Take so long; the request counts as being worked on."""
        return self._add("slow", path, times, after, seconds=seconds)

    def before(self, action: Callable[[], object], path: str = "", *, times: int | None = 1, after: int = 0) -> Fault:
        """Call the test just before the request is judged: somebody edits the item meanwhile."""
        return self._add("before", path, times, after, action=action)

    def reset(self, path: str = "", *, octets: int = 40, times: int | None = 1, after: int = 0) -> Fault:
        """The work is done; the connection breaks after so many octets of the body."""
        return self._add("reset", path, times, after, octets=octets)

    def lose_answer(self, path: str = "", *, times: int | None = 1, after: int = 0) -> Fault:
        """The work is done; the connection breaks before the answer."""
        return self._add("lose-answer", path, times, after)

    def lose_request(self, path: str = "", *, times: int | None = 1, after: int = 0) -> Fault:
        """The connection breaks; nothing was done."""
        return self._add("lose-request", path, times, after)

    def answer_with(
        self, status: int = 200, body: bytes = b"", path: str = "", *, times: int | None = 1, after: int = 0
    ) -> Fault:
        """These octets instead of an answer: no JSON, half of one, or a very large one."""
        return self._add("answer", path, times, after, reply=Answer(status, body))

    def on_wire(self, line: str) -> Fault | None:
        """The fault that meets this HTTP request, if any."""
        return next(iter(self._meeting(line, wire=True)), None)

    def on_call(self, call: "Call") -> None:
        """Let the faults happen that meet this single request. Raises Refuse."""
        for fault in self._meeting(described(call), wire=False):
            if fault.action is not None:
                fault.action()
            time.sleep(fault.seconds)
            if fault.kind == "token":
                call.tenant.forget(call.access)
                raise refusals.token_refused()
            if fault.refusal is not None:
                raise fault.refusal

    def _meeting(self, line: str, *, wire: bool) -> list[Fault]:
        if not self._faults:
            return []
        met: list[Fault] = []
        with self._lock:
            for fault in self._faults:
                if (fault.kind in _WIRE) == wire and fault.take(line):
                    met.append(fault)
                    if fault.kind not in _PASSING:
                        break
        return met

    def _add(self, kind: Kind, path: str, times: int | None, after: int, **how: object) -> Fault:
        fault = Fault(kind=kind, path=re.compile(path), times=times, after=after, **how)  # type: ignore[arg-type]  # named above
        with self._lock:
            self._faults.append(fault)
        return fault


def described(call: "Call") -> str:
    """`GET /users/x/messages?$top=5`, what faults are matched against."""
    query = "&".join(f"{name}={value}" for name, value in call.query.items())
    return unquote_plus(f"{call.method} {call.path}?{query}")
