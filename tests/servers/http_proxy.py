"""A proxy that reads HTTP/1.1: it loses requests and answers, answers by itself, and calls the test in between.

Faults choose requests by `method` and a regular expression `path` (both optional), and happen `times` times:
- `lose_answer(...)`: the server has done the work, the client never learns of it: the connection ends
- `lose_request(...)`: the connection ends before the server hears anything
- `answer(status, ...)`: the server never hears it: `answer(503, headers={"Retry-After": "7"})`
- `on_request(action, ...)`: the test acts just before the server hears it: somebody edits the item meanwhile
- `rewrite(function, ...)`: changes the server's answer

Counters beside those of `Proxy`: `requests`, all that came, and `methods`, a Counter of them.
"""

import re
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Literal

from tests.servers.faults import Budget, Cut, Down, Step, Up
from tests.servers.proxy import Link, Proxy


@dataclass(frozen=True)
class Request:
    """One request. headers: by lower-case name."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    raw: bytes


@dataclass(frozen=True)
class Response:
    """One answer. Its body is whole (a chunked one is joined)."""

    status: int
    headers: Mapping[str, str]
    body: bytes


Rewriter = Callable[[Request, Response], Response]


@dataclass(frozen=True, kw_only=True)
class _Rule:
    kind: Literal["lose-answer", "lose-request", "answer", "hook", "rewrite"]
    method: str | None
    path: re.Pattern[str]
    budget: Budget
    response: Response | None = None
    action: Callable[[], object] | None = None
    rewriter: Rewriter | None = None

    def meets(self, request: Request) -> bool:
        named = self.method in (None, request.method) and self.path.search(request.path)
        return bool(named) and self.budget.take()


@dataclass
class _Exchange:
    """One connection: octets not yet complete, and the requests whose answers are awaited."""

    up: bytearray = field(default_factory=bytearray)
    down: bytearray = field(default_factory=bytearray)
    waiting: deque[tuple[Request, list[_Rule]]] = field(default_factory=deque)


class HttpProxy(Proxy):
    """See the module."""

    def reset_counters(self) -> None:
        """See Proxy."""
        super().reset_counters()
        self.requests: list[Request] = []
        self.methods: Counter[str] = Counter()

    def clear(self) -> None:
        """See Proxy."""
        super().clear()
        self._rules: list[_Rule] = []
        self._exchanges: dict[int, _Exchange] = getattr(self, "_exchanges", {})

    def lose_answer(self, method: str | None = None, path: str = "", *, times: int | None = 1) -> None:
        """The server does what is asked; instead of its answer the connection ends."""
        self._rules.append(_rule("lose-answer", method, path, times))

    def lose_request(self, method: str | None = None, path: str = "", *, times: int | None = 1) -> None:
        """The connection ends before the server hears the request."""
        self._rules.append(_rule("lose-request", method, path, times))

    def answer(
        self,
        status: int,
        method: str | None = None,
        path: str = "",
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        times: int | None = 1,
    ) -> None:
        """Answer ourselves; the server never hears the request."""
        response = Response(status, headers or {}, body)
        self._rules.append(_rule("answer", method, path, times, response=response))

    def on_request(
        self, action: Callable[[], object], method: str | None = None, path: str = "", *, times: int | None = 1
    ) -> None:
        """Call `action` before the request is passed on. What it raises, `close()` raises."""
        self._rules.append(_rule("hook", method, path, times, action=action))

    def rewrite(
        self, function: Rewriter, method: str | None = None, path: str = "", *, times: int | None = None
    ) -> None:
        """Pass the server's answer through a function."""
        self._rules.append(_rule("rewrite", method, path, times, rewriter=function))

    def opened(self, link: Link) -> None:
        """See Proxy."""
        self._exchanges[link.number] = _Exchange()

    def closed(self, link: Link) -> None:
        """See Proxy."""
        self._exchanges.pop(link.number, None)

    def from_client(self, link: Link, data: bytes) -> Iterator[Step]:
        """See Proxy."""
        exchange = self._exchanges[link.number]
        exchange.up += data
        while (request := _take_request(exchange.up)) is not None:
            with self._lock:
                self.requests.append(request)
                self.methods[request.method] += 1
            yield from self._ask(exchange, request)

    def from_server(self, link: Link, data: bytes) -> Iterator[Step]:
        """See Proxy."""
        exchange = self._exchanges[link.number]
        exchange.down += data
        while exchange.waiting:
            taken = _take_response(exchange.down, exchange.waiting[0][0].method)
            if taken is None:
                return
            raw, response = taken
            if response.status == HTTPStatus.CONTINUE:
                yield Down(raw)
                continue
            request, rules = exchange.waiting.popleft()
            yield from _tell(request, raw, response, rules)

    def _ask(self, exchange: _Exchange, request: Request) -> Iterator[Step]:
        later: list[_Rule] = []
        for rule in [rule for rule in tuple(self._rules) if rule.meets(request)]:
            if rule.action is not None:
                rule.action()
            elif rule.kind == "lose-request":
                yield Cut()
                return
            elif rule.response is not None:
                yield Down(_written(rule.response))
                return
            else:
                later.append(rule)
        exchange.waiting.append((request, later))
        yield Up(request.raw)


def _tell(request: Request, raw: bytes, response: Response, rules: list[_Rule]) -> Iterator[Step]:
    if any(rule.kind == "lose-answer" for rule in rules):
        yield Cut()
        return
    rewriters = [rule.rewriter for rule in rules if rule.rewriter is not None]
    for rewriter in rewriters:
        response = rewriter(request, response)
    yield Down(_written(response) if rewriters else raw)


def _rule(
    kind: Literal["lose-answer", "lose-request", "answer", "hook", "rewrite"],
    method: str | None,
    path: str,
    times: int | None,
    *,
    response: Response | None = None,
    action: Callable[[], object] | None = None,
    rewriter: Rewriter | None = None,
) -> _Rule:
    return _Rule(
        kind=kind,
        method=method,
        path=re.compile(path),
        budget=Budget(times),
        response=response,
        action=action,
        rewriter=rewriter,
    )


def _head(buffer: bytearray) -> tuple[list[str], dict[str, str], int] | None:
    """Words of the first line, headers, and where the body begins; None if that is not all here."""
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        return None
    first, *lines = bytes(buffer[:end]).decode("latin-1").split("\r\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return first.split(" ", 2), headers, end + 4


def _body(buffer: bytearray, start: int, headers: Mapping[str, str]) -> tuple[bytes, int] | None:
    """The body and where it ends; None if that is not all here."""
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return _chunked(buffer, start)
    end = start + int(headers.get("content-length", "0"))
    return (bytes(buffer[start:end]), end) if len(buffer) >= end else None


def _chunked(buffer: bytearray, start: int) -> tuple[bytes, int] | None:
    body = bytearray()
    while (line := buffer.find(b"\r\n", start)) >= 0:
        size = int(bytes(buffer[start:line]).partition(b";")[0], 16)
        end = line + 2 + size + 2
        if len(buffer) < end:
            return None
        body += buffer[line + 2 : end - 2]
        start = end
        if size == 0:
            return bytes(body), end
    return None


def _take_request(buffer: bytearray) -> Request | None:
    head = _head(buffer)
    taken = head and _body(buffer, head[2], head[1])
    if not head or not taken:
        return None
    raw = bytes(buffer[: taken[1]])
    del buffer[: taken[1]]
    return Request(head[0][0], head[0][1], head[1], taken[0], raw)


def _take_response(buffer: bytearray, method: str) -> tuple[bytes, Response] | None:
    head = _head(buffer)
    if not head:
        return None
    status = int(head[0][1])
    if head[0][0] == "HTTP/1.0":  # it closes after each answer; rewritten as HTTP/1.1, the answer has to say so
        head[1].setdefault("connection", "close")
    bodyless = method == "HEAD" or status in (100, 204, 304)
    taken = (b"", head[2]) if bodyless else _body(buffer, head[2], head[1])
    if not taken:
        return None
    raw = bytes(buffer[: taken[1]])
    del buffer[: taken[1]]
    return raw, Response(status, head[1], taken[0])


def _written(response: Response) -> bytes:
    kept = {n: v for n, v in response.headers.items() if n.lower() not in ("content-length", "transfer-encoding")}
    lines = [f"HTTP/1.1 {response.status} {HTTPStatus(response.status).phrase}"]
    lines += [f"{name}: {value}" for name, value in {**kept, "Content-Length": str(len(response.body))}.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + response.body
