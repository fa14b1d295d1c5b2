"""Requests of one mailbox to Microsoft Graph v1.0: bounded, patient, one at a time or twenty in a batch.

Called by everything else in this package. An answer is JSON or a named error; nothing of it goes into a log. Links that
the server hands out are asked at the configured endpoint only, so that a token goes nowhere else.
"""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import requests

from config.model import GraphAccess
from connectors.errors import ConnectorError, Fatal, Interrupted, Retriable, Unreachable
from connectors.graph.access import tenant_of
from connectors.graph.faults import BUSY, FALTERING, Absent, Refused, Reply, TooLarge, fault_of, wait_of
from connectors.oauth import TIMEOUTS, is_untrusted

VERSION = "/v1.0"
MOST_PARTS = 20
"""Requests in a batch ("Combine multiple HTTP requests using JSON batching")."""
ANSWER_LIMIT = 48 * 1024 * 1024
"""Bytes of one answer, unpacked: a page of envelopes has a few, twenty long letters have more."""
SHORT_WAIT = 10.0
"""Seconds that are waited here; what is longer goes to the caller, who does something else meanwhile."""
TRIES = 4
_IMMUTABLE = 'IdType="ImmutableId"'
_PLAIN = "$,()'/:=@"
_JSON_FAULTS = (ValueError, RecursionError)

Query = Mapping[str, str | int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """A GET inside a batch. path: with its query, without host and version. prefer: beside the immutable ids."""

    id: str
    path: str
    prefer: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Ask:
    """A request. again: it may be sent once more when nobody knows whether it was carried out.

    guarded: a second one does nothing twice, because it names a version or a transaction, so it may follow an answer
    that says the server is busy. When there is no answer at all, whoever asked has to look first.
    """

    method: str
    path: str
    prefer: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    again: bool = True
    guarded: bool = False


class GraphClient:
    """One mailbox's way to Graph. permission: what `doctor` should name when the server says no."""

    def __init__(
        self, access: GraphAccess, *, permission: str = "Mail.Read", sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.tenant = tenant_of(access)
        self.user = f"/users/{quote(access.user, safe='@')}"
        self.requests = 0
        """Round trips so far."""
        self._gate = self.tenant.gate(access.user)
        self._permission, self._sleep = permission, sleep

    def get(self, path: str, query: Query | None = None, prefer: tuple[str, ...] = ()) -> dict[str, Any]:
        """The JSON at a path or a link. Raises ConnectorError."""
        return self.ask(Ask(method="GET", path=with_query(path, query), prefer=prefer))

    def replied(self, path: str, prefer: tuple[str, ...] = ()) -> Reply:
        """The answer at a path or a link, with its headers. Raises ConnectorError."""
        reply = self.send(Ask(method="GET", path=path, prefer=prefer))
        if not reply.ok:
            raise fault_of(reply, self._permission)
        return reply

    def ask(self, ask: Ask) -> dict[str, Any]:
        """The JSON that answers a request. Raises ConnectorError."""
        reply = self.send(ask)
        if not reply.ok:
            raise fault_of(reply, self._permission)
        return reply.body if isinstance(reply.body, dict) else {}

    def send(self, ask: Ask) -> Reply:
        """The answer, whatever it says, after the short waits that a busy server asks for. Raises ConnectorError."""
        for turn in range(TRIES):
            reply = self._signed(ask)
            if not _is_worth_repeating(ask, reply.status, turn):
                return reply
            self._wait(wait_of(reply), turn, reply.status)
        raise fault_of(reply, self._permission)

    def batch(self, parts: Sequence[Part]) -> dict[str, Reply]:
        """All parts, twenty a request; those that are throttled once more by themselves. Raises ConnectorError."""
        replies: dict[str, Reply] = {}
        for start in range(0, len(parts), MOST_PARTS):
            replies |= self._batch(parts[start : start + MOST_PARTS])
        return replies

    def fault(self, reply: Reply) -> ConnectorError:
        """What the refusal of a part means."""
        return fault_of(reply, self._permission)

    def _batch(self, parts: Sequence[Part]) -> dict[str, Reply]:
        replies: dict[str, Reply] = {}
        left: Sequence[Part] = parts
        for turn in range(TRIES):
            replies |= self._post_batch(left)
            if turn == 0 and (unsigned := [part for part in left if replies[part.id].status == 401]):
                self.tenant.token(instead_of=self.tenant.token())  # it ended while the batch was worked on
                replies |= self._post_batch(unsigned)
            again = BUSY | FALTERING if turn == 0 else BUSY
            left = [part for part in left if replies[part.id].status in again]
            if not left:
                return replies
            asked = [wait for part in left if (wait := wait_of(replies[part.id])) is not None]
            self._wait(max(asked, default=None), turn, replies[left[0].id].status)
        raise fault_of(replies[left[0].id], self._permission)

    def _post_batch(self, parts: Sequence[Part]) -> dict[str, Reply]:
        """One round trip; in halves if the answer would be too large."""
        body = {"requests": [_part(str(number), part) for number, part in enumerate(parts)]}
        try:
            replies = dict(self._answered(Ask(method="POST", path="/$batch", body=body)))
        except TooLarge:
            if len(parts) == 1:
                return {parts[0].id: Reply(status=413, body={}, headers={})}
            half = len(parts) // 2
            return self._post_batch(parts[:half]) | self._post_batch(parts[half:])
        missing = Reply(status=503, body={}, headers={})  # a part without an answer is asked for once more
        return {part.id: replies.get(str(number), missing) for number, part in enumerate(parts)}

    def _answered(self, ask: Ask) -> Iterator[tuple[str, Reply]]:
        """Replies by the part's number. A server may answer before it is done, with a link to what is still to come."""
        answer = self.ask(ask)
        for _ in range(MOST_PARTS):
            yield from _replies(answer.get("responses"))
            link = answer.get("@odata.nextLink") or answer.get("nextLink")
            if not link:
                return
            try:
                answer = self.get(str(link))
            except (Absent, Refused):  # the link is not known any more: the rest is asked for once more
                return

    def _wait(self, asked: float | None, turn: int, status: int) -> None:
        wait = asked if asked is not None else 2.0**turn
        if wait > SHORT_WAIT or turn + 1 >= TRIES:
            raise Retriable(f"Exchange Online is busy (HTTP {status})", after=asked)
        self._sleep(wait)

    def _signed(self, ask: Ask) -> Reply:
        """With a token; with another one if it is refused, for it may have ended on the way."""
        token = self.tenant.token()
        reply = self._carried(ask, token)
        if reply.status == 401:
            reply = self._carried(ask, self.tenant.token(instead_of=token))
        return reply

    def _carried(self, ask: Ask, token: str) -> Reply:
        """Once more if the connection ended under it, where that does no harm."""
        try:
            return self._exchange(ask, token)
        except Interrupted:
            if not ask.again:
                raise
            return self._exchange(ask, token)

    def _exchange(self, ask: Ask, token: str) -> Reply:
        self.requests += 1
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json", **ask.headers}
        headers["Prefer"] = ", ".join((_IMMUTABLE, *ask.prefer))
        try:
            with (
                self._gate,
                self.tenant.session.request(
                    ask.method,
                    self.tenant.endpoint + VERSION + relative(ask.path),
                    headers=headers,
                    json=ask.body,
                    timeout=TIMEOUTS,
                    allow_redirects=False,
                    stream=True,
                ) as response,
            ):
                return _read(response)
        except requests.exceptions.ConnectTimeout as error:
            raise Unreachable("Microsoft Graph does not answer") from error
        except (requests.RequestException, OSError) as error:
            raise _lost(error) from error


def _is_worth_repeating(ask: Ask, status: int, turn: int) -> bool:
    """429 did nothing; after 503 and 504 nobody knows. One that stumbled may mean this very request: once more."""
    if status in FALTERING:
        return ask.again and turn == 0
    return status == 429 or (status in BUSY and (ask.again or ask.guarded))


def _lost(error: Exception) -> ConnectorError:
    if is_untrusted(error):
        return Fatal("the certificate of Microsoft Graph is not accepted", advice="check `ca_file`")
    refused = isinstance(error, requests.ConnectionError) and "NewConnectionError" in repr(error)
    if refused:
        return Unreachable("Microsoft Graph cannot be reached")
    return Interrupted("the connection to Microsoft Graph ended in the middle of an answer")


def _read(response: requests.Response) -> Reply:
    headers = {name.lower(): value for name, value in response.headers.items()}
    body = bytearray()
    for piece in response.iter_content(64 * 1024):
        body += piece
        if len(body) > ANSWER_LIMIT:
            raise TooLarge("an answer of Microsoft Graph is too large to be read")
    try:
        content = json.loads(bytes(body)) if body else {}
    except _JSON_FAULTS as error:
        if response.status_code < 300:
            raise Interrupted("Microsoft Graph answered what makes no sense") from error
        content = {}
    return Reply(status=response.status_code, body=content, headers=headers)


def _part(number: str, part: Part) -> dict[str, Any]:
    """Numbered: ids inside a batch are told apart without case, those of Exchange are not."""
    prefer = ", ".join((_IMMUTABLE, *part.prefer))
    return {"id": number, "method": "GET", "url": relative(part.path), "headers": {"Prefer": prefer}}


def _replies(answers: object) -> Iterable[tuple[str, Reply]]:
    for answer in answers if isinstance(answers, list) else ():
        if isinstance(answer, dict) and isinstance(answer.get("status"), int):
            headers = answer.get("headers")
            pairs = headers.items() if isinstance(headers, dict) else ()
            named = {str(name).lower(): str(value) for name, value in pairs}
            yield str(answer.get("id")), Reply(status=answer["status"], body=answer.get("body") or {}, headers=named)


def relative(link: str) -> str:
    """A path or link without host and version, as batches want it. The query stays as the server wrote it."""
    parts = urlsplit(link)
    named = bool(parts.netloc) or parts.path.startswith(f"{VERSION}/")
    path = parts.path.partition(VERSION)[2] if named else parts.path
    return f"{path}?{parts.query}" if parts.query else path


def with_query(path: str, query: Query | None) -> str:
    return f"{path}?{urlencode(query, quote_via=quote, safe=_PLAIN)}" if query else path


def segment(id: str) -> str:
    """An id as one part of a path: ids hold `=` and may hold `/` and `+`."""
    return quote(id, safe="=")
