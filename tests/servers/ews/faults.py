"""Bad weather that a test orders: which requests it meets, how often, and what it does to them.

Every fault chooses requests by `operation` and `mailbox` (both optional; the mailbox that is acted as, or the caller's
own), lets `skip` of them pass, and then happens `times` times (None: for ever).
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from tests.servers.ews.soap import Refusal, SoapFault
from tests.servers.faults import Budget

Kind = Literal["refuse", "http", "reset", "lose-answer", "lose-request", "malformed", "delay", "before", "rewrite"]


@dataclass(kw_only=True, eq=False)
class Fault:
    """One fault. See the methods of `Faults` for what the rest means."""

    kind: Kind
    operation: str | None
    mailbox: str | None
    skip: int
    budget: Budget
    refusal: Refusal | None = None
    share: int | None = None
    items: frozenset[str] | None = None
    status: int = 500
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    seconds: float = 0.0
    keep: float = 0.5
    action: Callable[[], object] | None = None
    rewriter: Callable[[bytes], bytes] | None = None

    def happen_before(self) -> None:
        """What this fault does before the operation is done. Raises SoapFault where the whole request is refused."""
        if self.kind == "delay":
            time.sleep(self.seconds)
        if self.action is not None:
            self.action()
        if isinstance(self.refusal, SoapFault):
            raise self.refusal

    def changed(self, body: bytes) -> bytes:
        """What this fault makes of an answer."""
        if self.rewriter is not None:
            return self.rewriter(body)
        return body[: len(body) * 2 // 3] if self.kind == "malformed" else body

    def meets(self, operation: str, mailbox: str | None) -> bool:
        """Does it happen to this request? Counts."""
        if self.operation not in (None, operation) or self.mailbox not in (None, mailbox):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        return self.budget.take()


class Faults:
    """What was ordered. `times`, `skip`, `operation` and `mailbox` are explained in the module."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[Fault] = []

    def clear(self) -> None:
        """The weather is fine again."""
        with self._lock:
            self._rules.clear()

    def meeting(self, operation: str, mailbox: str | None) -> list[Fault]:
        """What happens to a request."""
        with self._lock:
            return [rule for rule in self._rules if rule.meets(operation, mailbox)]

    def refuse(
        self,
        code: str,
        operation: str | None = None,
        *,
        back_off: int | None = None,
        whole: bool = True,
        share: int | None = None,
        items: frozenset[str] | None = None,
        said: str = "",
        mailbox: str | None = None,
        times: int | None = 1,
        skip: int = 0,
    ) -> None:
        """Say no with a response code: to the whole request (a SOAP fault), or in its response messages.

        back_off: BackOffMilliseconds to name. share: so many of the things asked for are refused, None for all. items:
        ids of those that are, None for any.
        """
        values = {} if back_off is None else {"BackOffMilliseconds": str(back_off)}
        refusal = (SoapFault if whole else Refusal)(code, said, values=values)
        self._add("refuse", operation, mailbox, times, skip, refusal=refusal, share=share, items=items)

    def busy(self, back_off: int = 1000, operation: str | None = None, *, times: int | None = 1, skip: int = 0) -> None:
        """ErrorServerBusy, as Exchange's throttling says it. back_off: milliseconds."""
        said = "The server cannot service this request right now. Try again later."
        self.refuse("ErrorServerBusy", operation, back_off=back_off, said=said, times=times, skip=skip)

    def http(
        self,
        status: int,
        operation: str | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        mailbox: str | None = None,
        times: int | None = 1,
        skip: int = 0,
    ) -> None:
        """Answer with an HTTP status; the operation is not done."""
        self._add("http", operation, mailbox, times, skip, status=status, headers=headers or {}, body=body)

    def reset(
        self,
        operation: str | None = None,
        *,
        keep: float = 0.5,
        mailbox: str | None = None,
        times: int | None = 1,
        skip: int = 0,
    ) -> None:
        """The operation is done; a share `keep` of the answer's body arrives, then the connection is reset."""
        self._add("reset", operation, mailbox, times, skip, keep=keep)

    def lose_answer(self, operation: str | None = None, *, times: int | None = 1, skip: int = 0) -> None:
        """The operation is done; instead of an answer the connection ends."""
        self._add("lose-answer", operation, None, times, skip)

    def lose_request(self, operation: str | None = None, *, times: int | None = 1, skip: int = 0) -> None:
        """The connection ends before anything is done."""
        self._add("lose-request", operation, None, times, skip)

    def malformed(self, operation: str | None = None, *, times: int | None = 1, skip: int = 0) -> None:
        """The operation is done; the answer ends in the middle of an element, without any sign of that in HTTP."""
        self._add("malformed", operation, None, times, skip)

    def delay(self, seconds: float, operation: str | None = None, *, times: int | None = None, skip: int = 0) -> None:
        """Think so long before each answer."""
        self._add("delay", operation, None, times, skip, seconds=seconds)

    def before(
        self, action: Callable[[], object], operation: str | None = None, *, times: int | None = 1, skip: int = 0
    ) -> None:
        """Call the test just before the operation is done: somebody acts meanwhile."""
        self._add("before", operation, None, times, skip, action=action)

    def rewrite(
        self,
        rewriter: Callable[[bytes], bytes],
        operation: str | None = None,
        *,
        times: int | None = None,
        skip: int = 0,
    ) -> None:
        """Change the answers; they are judged by the schema before that."""
        self._add("rewrite", operation, None, times, skip, rewriter=rewriter)

    def _add(
        self, kind: Kind, operation: str | None, mailbox: str | None, times: int | None, skip: int, **what: object
    ) -> None:
        fault = Fault(kind=kind, operation=operation, mailbox=mailbox, skip=skip, budget=Budget(times), **what)  # type: ignore[arg-type]  # named above
        with self._lock:
            self._rules.append(fault)
