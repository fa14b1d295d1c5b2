"""A request between HTTP and the operation: schema, version, impersonation, limits, faults, and the count."""

import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from lxml import etree

from tests.servers.ews import directory, folders, reading, soap, streaming, writing
from tests.servers.ews.calls import OPERATIONS, Account, Call, find_box
from tests.servers.ews.faults import Fault, Faults
from tests.servers.ews.schema import Schema
from tests.servers.ews.soap import Node, Refusal, S, SoapFault, T
from tests.servers.ews.store import Box, World

ROOMS = (directory, folders, reading, streaming, writing)  # importing them registers their operations
_VERSION = re.compile(r"Exchange20(07|10|13|15|16)(_SP\d)?$|V201[5-7]_\d\d_\d\d$")
_MOMENT = re.compile(rb">(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)Z</")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request that came. account: who signed in. acting_as: the address impersonated. anchor: X-AnchorMailbox."""

    operation: str
    account: str
    acting_as: str | None
    anchor: str | None
    body: bytes


@dataclass(kw_only=True, eq=False)
class Limits:
    """How much of a budget is used at once: EWSMaxConcurrency, and connections that hang. peak: the most there was."""

    concurrency: int = 27
    hanging: int = 10
    peak: int = 0
    now: Counter[tuple[str, str]] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def use(self, owner: str, kind: str) -> Iterator[None]:
        """Take part of the budget of `owner` for a while. Raises SoapFault if nothing is left."""
        most = self.hanging if kind == "hanging" else self.concurrency
        with self.lock:
            if self.now[owner, kind] >= most:
                raise SoapFault(
                    "ErrorExceededConnectionCount", "You have exceeded the available concurrent connections."
                )
            self.now[owner, kind] += 1
            self.peak = max(self.peak, self.now[owner, kind])
        try:
            yield
        finally:
            with self.lock:
                self.now[owner, kind] -= 1


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What goes back. body: whole, or envelopes that come one after the other. faults: what happens on the way."""

    status: int
    body: bytes | Iterator[bytes]
    faults: list[Fault] = field(default_factory=list)


@dataclass(kw_only=True, eq=False)
class Exchange:
    """Answers requests. fractional: moments are sent with fractions of a second, as some servers do."""

    world: World
    faults: Faults = field(default_factory=Faults)
    limits: Limits = field(default_factory=Limits)
    schema: Schema | None = None
    fractional: bool = False
    asked: list[Asked] = field(default_factory=list)
    operations: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)

    def reply(self, account: Account, anchor: str | None, body: bytes) -> Reply:
        """The answer to one POST of somebody who has signed in."""
        try:
            envelope = soap.parse(body)
            element = soap.children(envelope.find(f"{S}Body"))[0]
        except (etree.XMLSyntaxError, TypeError, IndexError):
            self.violations.append("a request that is no envelope")
            return Reply(status=400, body=b"")
        try:
            return self._answer(account, anchor, body, envelope, element)
        except SoapFault as refusal:
            return Reply(status=500, body=soap.fault(refusal))
        except Refusal as refusal:
            name = soap.local(element)
            return Reply(status=200, body=self._finished(soap.answer(name, [soap.failure(name, refusal)])))

    def _answer(self, account: Account, anchor: str | None, body: bytes, envelope: Node, element: Node) -> Reply:
        name, acting_as = soap.local(element), _acting_as(envelope)
        note = Asked(operation=name, account=account.username, acting_as=acting_as, anchor=anchor, body=body)
        with self.world.changed:
            self.asked.append(note)
            self.operations[name] += 1
        version = envelope.find(f"{S}Header/{T}RequestServerVersion")
        if version is not None and not _VERSION.match(version.get("Version")):
            raise SoapFault("ErrorInvalidServerVersion", "The specified server version is invalid.")
        self._judge(f"request {name}", envelope, refuse=True)
        call = Call(
            world=self.world,
            account=account,
            box=_impersonated(self.world, account, acting_as) if acting_as else account.box,
            element=element,
            impersonated=acting_as is not None,
        )
        faults = self.faults.meeting(name, call.box.address if call.box else None)
        return self._done(call, faults, acting_as or account.username)

    def _done(self, call: Call, faults: list[Fault], owner: str) -> Reply:
        for fault in faults:
            if fault.kind in ("http", "lose-request"):
                return Reply(status=fault.status, body=fault.body, faults=[fault])
        if call.operation == "GetStreamingEvents":
            return Reply(status=200, body=self._hanging(call, owner, faults), faults=faults)
        with self.limits.use(owner, "request"):
            for fault in faults:
                fault.happen_before()
            content = self._operate(call.refusing(faults))
        return Reply(status=200, body=self._finished(content), faults=faults)

    def _operate(self, call: Call) -> str:
        function = OPERATIONS.get(call.operation)
        if function is None:
            raise SoapFault("ErrorInvalidRequest", f"The operation {call.operation} is not known here.")
        with self.world.changed:
            return function(call)

    def _hanging(self, call: Call, owner: str, faults: list[Fault]) -> Iterator[bytes]:
        with self.limits.use(owner, "hanging"):
            for fault in faults:
                fault.happen_before()
            for document in streaming.stream(call):
                yield self._sealed(document)

    def _finished(self, content: str) -> bytes:
        return self._sealed(soap.envelope(content))

    def _sealed(self, document: bytes) -> bytes:
        self._judge("answer", document, refuse=False)
        return _MOMENT.sub(rb">\1.1234567Z</", document) if self.fractional else document

    def _judge(self, what: str, document: Node, *, refuse: bool) -> None:
        """Against Microsoft's schema, if it is at hand. A request that breaks it is refused as Exchange does."""
        if self.schema is None:
            return
        wrong = self.schema.violations(soap.parse(document) if isinstance(document, bytes) else document)
        self.violations += [f"{what}: {sentence}" for sentence in wrong]
        if wrong and refuse:
            raise SoapFault("ErrorSchemaValidation", f"The request failed schema validation: {wrong[0]}")


def _acting_as(envelope: Node) -> str | None:
    """The address that ExchangeImpersonation names."""
    who = envelope.find(f"{S}Header/{T}ExchangeImpersonation/{T}ConnectingSID")
    return None if who is None else (soap.children(who)[0].text or "")


def _impersonated(world: World, account: Account, address: str) -> Box:
    box = find_box(world, address)
    allowed = account.impersonates
    if "*" not in allowed and (box.address if box else address) not in allowed:
        said = "The account does not have permission to impersonate the requested user."
        raise SoapFault("ErrorImpersonateUserDenied", said)
    if box is None:
        raise SoapFault("ErrorNonExistentMailbox", "No mailbox with such guid or address exists.")
    return box
