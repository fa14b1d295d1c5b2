"""WebDAV over HTTP, as little of it as a calendar needs: one request, one bounded answer, one named error.

Called by `connectors.caldav`. Promises: credentials go to the configured origin only, answers are cut off by size
and time, XML with a document type is refused (entity bombs need one), and nothing but `connectors.errors` is raised.
"""

import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, unquote, urljoin, urlsplit
from xml.etree import ElementTree

import requests
from requests.auth import AuthBase, HTTPBasicAuth, HTTPDigestAuth
from requests.utils import get_environ_proxies

from connectors.errors import ConnectorError, Fatal, NeedsSignIn, Retriable, Skippable
from connectors.http_dates import http_date

DAV = "{DAV:}"
ANSWER_LIMIT = 32 * 1024 * 1024
"""Bytes of one answer."""
RETRY_LIMIT = 3600.0
"""Longest wait in seconds that a server may ask for."""
_REDIRECTS = 3
_READING = frozenset({"GET", "PROPFIND", "REPORT"})
_ABOUT_A_LIST = frozenset({507})
"""Asked to read, a server that is full answers; one that says so wants to be asked for less (RFC 6578 section 3.3)."""
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Timeouts:
    """Seconds: to connect, between two pieces of an answer, and for a whole request."""

    connect: float = 10.0
    read: float = 30.0
    whole: float = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What the server said. `url` is where it was said, after redirects; header names are lower case."""

    status: int
    url: str
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def etag(self) -> str:
        return self.headers.get("etag", "")


@dataclass(frozen=True, kw_only=True, slots=True)
class Resource:
    """One `response` of a multistatus (RFC 4918 section 14.24): its path, its own status, the properties found."""

    href: str
    status: int
    properties: Mapping[str, ElementTree.Element]

    def text(self, name: str) -> str:
        element = self.properties.get(name)
        return (element.text or "") if element is not None else ""


class TooLong(Retriable):
    """The answer is longer than we read: who can, asks for less."""


class _Lost(Retriable):
    """The connection ended before an answer came."""


class _Doctype(ElementTree.TreeBuilder):
    """Refuses a document before any entity of it is read."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise ElementTree.ParseError("a document type is not allowed here")


def parse_xml(body: bytes) -> ElementTree.Element:
    """The root of an answer. Raises Retriable if it is not XML, or XML that wants more than to be read."""
    parser = ElementTree.XMLParser(target=_Doctype())  # noqa: S314 - see _Doctype
    try:
        parser.feed(body)
        return parser.close()
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise Retriable("the calendar server sent an answer that is no readable XML") from error


def resources(answer: Answer) -> Iterator[Resource]:
    """The responses of a multistatus. Their paths are made comparable by `path_of`."""
    for response in parse_xml(answer.body).findall(f"{DAV}response"):
        href = response.findtext(f"{DAV}href", "").strip()
        found: dict[str, ElementTree.Element] = {}
        for propstat in response.findall(f"{DAV}propstat"):
            if status_code(propstat.findtext(f"{DAV}status", "")) == 200:
                found |= {element.tag: element for element in propstat.findall(f"{DAV}prop/*")}
        status = status_code(response.findtext(f"{DAV}status", ""))
        yield Resource(href=path_of(_joined(answer.url, href)), status=status or 200, properties=found)


def status_code(line: str) -> int:
    """`HTTP/1.1 412 Precondition Failed` -> 412; 0 if there is none."""
    parts = line.split(None, 2)
    return int(parts[1]) if len(parts) > 1 and parts[1].isascii() and parts[1].isdigit() and len(parts[1]) == 3 else 0


def path_of(url: str) -> str:
    """The path with one spelling for each character: servers differ in what they percent-encode."""
    return quote(unquote(urlsplit(url).path), safe="/")


class DavClient:
    """One origin and one account. Used by one thread at a time."""

    def __init__(
        self, url: str, *, username: str | None, password: str | None, ca_file: Path | None, timeouts: Timeouts
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme != "https" and (parts.hostname or "") not in _LOOPBACK:
            raise Fatal("a calendar off this machine is reached by https only", advice="write https:// in calendar.url")
        if ca_file is not None and not ca_file.is_file():
            raise Fatal(f"ca_file {ca_file} cannot be found", advice="check the path in [calendar]")
        self._url = url
        self._timeouts = timeouts
        self._session = requests.Session()
        self._session.trust_env = False  # no .netrc, and no REQUESTS_CA_BUNDLE that overrides ca_file
        self._session.proxies.update(get_environ_proxies(url, no_proxy=None))
        self._session.verify = str(ca_file) if ca_file else True
        self._session.headers.update({"User-Agent": "crm-sync-agent", "Accept-Encoding": "identity"})
        self._credentials = (username, password or "") if username is not None else None
        # octets of UTF-8 (RFC 7617 section 2.1), because requests would make Latin-1 of them, or fail
        words = [word.encode() for word in self._credentials or ()]
        self._auth: AuthBase | None = HTTPBasicAuth(*words) if words else None

    def request(
        self,
        method: str,
        href: str,
        *,
        body: str | bytes | None = None,
        headers: Mapping[str, str] | None = None,
        bear: Collection[int] = (),
    ) -> Answer:
        """Asks and returns whatever status the server gives, but for what concerns every request alike.

        bear: statuses that concern this request alone.

        Raises NeedsSignIn (401), Retriable (429, 5xx, time-out, lost connection), Fatal (certificate, redirect).
        """
        data = body.encode() if isinstance(body, str) else body
        in_session = len(self._session.cookies) > 0
        answer = self._follow(method, _joined(self._url, href), data, dict(headers or {}))
        if answer.status == 401 and (self._take_digest(answer) or in_session):
            self._session.cookies.clear()  # a session that has ended is told like a wrong password
            answer = self._follow(method, _joined(self._url, href), data, dict(headers or {}))
        refused = general_error(answer)
        if refused is not None and answer.status not in (*bear, *(_ABOUT_A_LIST if method in _READING else ())):
            raise refused
        return answer

    def close(self) -> None:
        self._session.close()

    def _follow(self, method: str, url: str, data: bytes | None, headers: dict[str, str]) -> Answer:
        if _origin(url) != _origin(self._url):
            raise Skippable("the calendar item is said to be on another server, so it is left alone")
        for _ in range(_REDIRECTS + 1):
            answer = self._ask(method, url, data, headers)
            target = answer.headers.get("location", "") if answer.status in (301, 302, 307, 308) else ""
            if not target:
                return answer
            url = _joined(url, target)
            if _origin(url) != _origin(self._url):
                raise Fatal(
                    "the calendar server sends us to another server",
                    advice="if that is right, write the new address in calendar.url",
                )
        raise Fatal("the calendar server redirects in a circle", advice="check calendar.url")

    def _ask(self, method: str, url: str, data: bytes | None, headers: dict[str, str]) -> Answer:
        """A kept connection may have died meanwhile: reading is tried once more on a fresh one, writing is not."""
        try:
            return self._once(method, url, data, headers)
        except _Lost:
            if method not in _READING:
                raise
        return self._once(method, url, data, headers)

    def _once(self, method: str, url: str, data: bytes | None, headers: dict[str, str]) -> Answer:
        deadline = time.monotonic() + self._timeouts.whole
        try:
            with self._session.request(
                method,
                url,
                data=data,
                headers=headers,
                auth=self._auth,
                stream=True,
                allow_redirects=False,
                timeout=(self._timeouts.connect, self._timeouts.read),
            ) as response:
                body = self._read(response, deadline)
                names = {name.lower(): value for name, value in response.headers.items()}
                return Answer(status=response.status_code, url=url, body=body, headers=names)
        except (requests.RequestException, ValueError) as error:  # ValueError: a Location that is no address
            raise _network_error(error) from error

    def _read(self, response: requests.Response, deadline: float) -> bytes:
        pieces: list[bytes] = []
        size = 0
        for piece in response.iter_content(64 * 1024):
            size += len(piece)
            if size > ANSWER_LIMIT:
                raise TooLong("the calendar server's answer is longer than we read", after=RETRY_LIMIT)
            if time.monotonic() > deadline:
                raise Retriable("the calendar server took too long to answer")
            pieces.append(piece)
        return b"".join(pieces)

    def _take_digest(self, answer: Answer) -> bool:
        """Switches to Digest where the server wants it (Baïkal does by default); True if that is news."""
        wants = answer.headers.get("www-authenticate", "").lower()
        if self._credentials is None or isinstance(self._auth, HTTPDigestAuth) or "digest" not in wants:
            return False
        self._auth = HTTPDigestAuth(*self._credentials)
        return True


def general_error(answer: Answer) -> ConnectorError | None:
    """The error that a status means whatever was asked for; None if the caller has to look at it."""
    if answer.status == 401:
        return NeedsSignIn("the calendar server refused the user name or password", advice="check both in [calendar]")
    if answer.status == 507:
        return Retriable("the calendar is full", advice="make room in the calendar account", after=RETRY_LIMIT)
    if answer.status in (408, 423, 429) or (answer.status >= 500 and answer.status not in (501, 505)):
        return Retriable(f"the calendar server answered {answer.status}", after=retry_after(answer))
    return None


def retry_after(answer: Answer) -> float | None:
    """Seconds of a Retry-After header, given as a number or a date (RFC 9110 section 10.2.3), at most an hour."""
    value = answer.headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return min(float(value[:9]), RETRY_LIMIT)
    when = http_date(value)
    return None if when is None else min(max((when - datetime.now(UTC)).total_seconds(), 0.0), RETRY_LIMIT)


def _network_error(error: requests.RequestException | ValueError) -> ConnectorError:
    """A lost answer may have been a done deed: Retriable, and whoever retries a write looks first."""
    text = str(error)
    if isinstance(error, requests.exceptions.SSLError) and "CERTIFICATE_VERIFY_FAILED" in text:
        return Fatal(
            "the calendar server's certificate cannot be verified", advice="give the issuing authority as ca_file"
        )
    if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.InvalidSchema):
        return Fatal("the calendar address cannot be used", advice="check calendar.url")
    if isinstance(error, requests.Timeout):
        return Retriable("the calendar server did not answer in time")
    if not isinstance(error, requests.RequestException):
        return Retriable("the calendar server sent an answer that cannot be read")
    return _Lost("the connection to the calendar server failed", advice="is it running, and is calendar.url right?")


def _joined(base: str, reference: str) -> str:
    """An absolute address; one that nobody can read leads nowhere."""
    try:
        return urljoin(base, reference)
    except ValueError:
        return ""


def _origin(url: str) -> tuple[str, str, int]:
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = -1
    return parts.scheme, (parts.hostname or "").lower(), port or (443 if parts.scheme == "https" else 80)
