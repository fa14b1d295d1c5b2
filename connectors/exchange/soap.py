"""One operation of Exchange Web Services for one mailbox: exchangelib makes the envelope and reads the faults.

Of exchangelib its SOAP layer is used: the header with the version and the mailbox to act for, and the table of faults.
Its sessions, retries, items and folders are not: they retry a wrong password for an hour, keep a sync state only when
all was read, log whole messages when something fails, and read a cut-off answer as a short one. The first import takes
half a second, so this module is imported when a mailbox is opened.
"""

import logging
import re
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from exchangelib.account import Identity
from exchangelib.errors import EWSError
from exchangelib.ewsdatetime import UTC
from exchangelib.services.common import EWSAccountService
from exchangelib.version import Build, Version

from connectors.errors import ConnectorError, Interrupted, Retriable
from connectors.exchange.faults import explain, online
from connectors.exchange.wire import Wire
from connectors.exchange.xml import MESSAGES, TYPES, Element, parse
from connectors.http_dates import http_date

logging.getLogger("exchangelib").setLevel(logging.CRITICAL)  # its errors quote requests and answers in full

VERSION = Version(build=Build(15, 0, 847), api_version="Exchange2013_SP1")
"""What a request says it is written in: newer servers know all older words, and this one knows the follow-up flag."""
_ONLINE_BUILD = (15, 20)
_AFFINITY = re.compile(r"X-BackEndOverrideCookie=([^;,\s]+)")
"""Names the server that holds a subscription, which must be asked for its events."""
_SOAP_BODY = "{http://schemas.xmlsoap.org/soap/envelope/}Body"
_SOAP_FAULT = "{http://schemas.xmlsoap.org/soap/envelope/}Fault"
_SOAP_HEADER = "{http://schemas.xmlsoap.org/soap/envelope/}Header"


_SHORT_WAIT = 10.0
"""Seconds that are waited here. What takes longer is the caller's: it lets go of the mailbox meanwhile."""
_MOST_WAITS = 3


class _Protocol:
    """What exchangelib's services want to know of a connection."""

    credentials = None

    def __init__(self) -> None:
        self.version = VERSION


class Seat:
    """A mailbox as whose owner, or for whom, requests are made: exchangelib's `Account` without its network.

    build: the server's version (major, minor, build, revision), once it has answered. answered: when it last did, by
    its own clock.
    """

    default_timezone = UTC
    affinity_cookie: str | None = None

    def __init__(self, wire: Wire, address: str, access: str) -> None:
        self.wire = wire
        self.protocol = _Protocol()
        self.version = self.protocol.version
        self.primary_smtp_address = address
        self.access_type = access
        self.identity = Identity(primary_smtp_address=address)
        self.build: tuple[int, ...] = ()
        self.answered: datetime | None = None

    def ask(self, payload: Element, *, writes: bool = False, affinity: bool = False) -> Sequence[Element]:
        """The response messages to a request, after the short waits that a busy server asks for. Raises ConnectorError
        for what concerns the request as a whole.
        """
        for _ in range(_MOST_WAITS):
            try:
                return _unless_busy(self._ask_once(payload, writes=writes, affinity=affinity))
            except Retriable as busy:
                if writes or not _is_short(busy):  # who writes looks first
                    raise
                time.sleep(busy.after or 0.0)
        return self._ask_once(payload, writes=writes, affinity=affinity)

    def _ask_once(self, payload: Element, *, writes: bool, affinity: bool) -> Sequence[Element]:
        service = _service(str(payload.tag).removeprefix(MESSAGES).removesuffix("Request"))
        operation = service(account=self)
        operation.writes, operation.prefer_affinity = writes, affinity
        return list(operation._get_response_xml(payload))

    def envelope(self, payload: Element) -> tuple[bytes, dict[str, str]]:
        """A request as it goes over the wire: body and headers. For answers that come piece by piece."""
        operation = _service(str(payload.tag).removeprefix(MESSAGES))(account=self)
        operation.prefer_affinity = True
        headers = dict(operation._extra_headers())
        if self.affinity_cookie:
            headers["Cookie"] = f"X-BackEndOverrideCookie={self.affinity_cookie}"
        return operation.wrap(content=payload, api_version=self.version.api_version), headers


class _Operation(EWSAccountService):  # type: ignore[misc]  # exchangelib has no types
    """A request with its answer. Subclasses differ by SERVICE_NAME alone."""

    SERVICE_NAME = ""
    writes = False

    def _api_versions_to_try(self) -> tuple[str, ...]:
        return (VERSION.api_version,)

    def _get_response(self, payload: Element, api_version: str) -> "_Answer":
        body = self.wrap(content=payload, api_version=api_version)
        answer = self.account.wire.post(body, self._extra_headers(), writes=self.writes)
        self.account.answered = http_date(answer.headers.get("date", ""))
        if self.prefer_affinity and (found := _AFFINITY.search(answer.headers.get("set-cookie", ""))):
            self.account.affinity_cookie = found[1]
        return _Answer(answer.body)

    @classmethod
    def _get_soap_parts(cls, response: "_Answer") -> tuple[Element | None, Element]:
        root = parse(response.body)
        body = root.find(_SOAP_BODY)
        if body is None:
            raise Interrupted("the mail server's answer is no SOAP envelope")
        return root.find(_SOAP_HEADER), body

    def _get_soap_messages(self, body: Element) -> Sequence[Element]:
        """The messages, or the fault as it is: exchangelib would take some for a version that is not known, and knows
        no code but those it has a class for.
        """
        fault = body.find(_SOAP_FAULT)
        if fault is not None:
            raise explain(_fault_code(fault), wait=_wait(fault))
        try:
            return list(super()._get_soap_messages(body))
        except EWSError:
            raise Interrupted("the mail server answered something else than was asked") from None

    def _update_api_version(self, api_version: str, header: Element) -> None:
        """Only looks who answers: what a server calls itself is no version that requests may name."""
        info = header.find(TYPES + "ServerVersionInfo")
        if info is not None:
            self.account.build = _build(info)
        if self.account.build[:2] == _ONLINE_BUILD:
            raise online()


class _Answer:
    """An answer that is read already, as exchangelib's services want it."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    def close(self) -> None:
        """Nothing is held."""


@lru_cache
def _service(name: str) -> type[Any]:
    return type(name, (_Operation,), {"SERVICE_NAME": name})


def _build(info: Element) -> tuple[int, ...]:
    parts = ("MajorVersion", "MinorVersion", "MajorBuildNumber", "MinorBuildNumber")
    return tuple(int(info.get(part, "0")) if info.get(part, "0").isdigit() else 0 for part in parts)


def _is_short(error: ConnectorError | None) -> bool:
    """Whether it asks for a wait that is made here."""
    return isinstance(error, Retriable) and error.after is not None and error.after <= _SHORT_WAIT


def _unless_busy(messages: Sequence[Element]) -> Sequence[Element]:
    """The messages. Raises what one of them stands for if that asks for a short wait."""
    for error in map(error_of, messages):
        if error is not None and _is_short(error):
            raise error
    return messages


def code_of(message: Element) -> str:
    """The response code of a message; 'NoError' for one that succeeded, also with a warning about its results."""
    if message.get("ResponseClass") == "Success":
        return "NoError"
    return (message.findtext(MESSAGES + "ResponseCode") or "").strip() or "ErrorInternalServerError"


def error_of(message: Element, *, folder: bool = False) -> ConnectorError | None:
    """The error that a message stands for, None for one that succeeded."""
    code = code_of(message)
    return None if code == "NoError" else explain(_inner(message) or code, wait=_wait(message), folder=folder)


def only(messages: Sequence[Element], *, folder: bool = False) -> Element:
    """The one message of an answer. Raises what it stands for."""
    if len(messages) != 1:
        raise Interrupted("the mail server answered another number of questions than was asked")
    refused = error_of(messages[0], folder=folder)
    if refused is not None:
        raise refused
    return messages[0]


def each(messages: Sequence[Element], asked: int, things: str) -> Sequence[Element]:
    """As many messages as things were asked for. Raises what a single one for all of them stands for, else Interrupted.

    things: what they are, for the sentence.
    """
    if len(messages) != asked:
        if len(messages) == 1 and (refused := error_of(messages[0])) is not None:
            raise refused
        raise Interrupted(f"the mail server answered another number of {things} than was asked for")
    return messages


def _fault_code(fault: Element) -> str:
    """The response code in a fault's details, else in its `faultcode` (`a:ErrorAccessDenied`); '' if it names none."""
    written = next(fault.iter("{*}ResponseCode"), None)
    code = (fault.findtext("faultcode") or "").rpartition(":")[2] if written is None else (written.text or "")
    code = code.strip()
    return code if code.startswith("Error") and code.isalnum() else ""


def _values(message: Element) -> Iterator[tuple[str, str]]:
    """What a message or a fault says beside its code. MessageXml is of the one namespace there, of the other here."""
    for details in message.iter("{*}MessageXml"):
        for value in details.iterfind("{*}Value"):
            yield value.get("Name", ""), (value.text or "").strip()


def _wait(message: Element) -> float | None:
    written = dict(_values(message)).get("BackOffMilliseconds", "")
    return int(written) / 1000.0 if written.isdigit() else None


def _inner(message: Element) -> str:
    """An internal error often says in its details what it really is."""
    return dict(_values(message)).get("InnerErrorResponseCode", "")
