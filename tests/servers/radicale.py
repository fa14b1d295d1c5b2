"""Radicale in a temporary folder: the CalDAV server of the lab, with the hands of a person on the calendar.

`calendar()` makes a fresh user with one empty calendar. Its methods do what the user's own calendar program does,
without any code of ours. Plain HTTP on loopback, or TLS with the lab's certificate.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urljoin, urlsplit
from xml.etree.ElementTree import fromstring

import requests
from requests.auth import HTTPBasicAuth

from tests.servers.certs import Authority
from tests.servers.lab_server import LabServer
from tests.servers.process import Missing, answers, free_port

_DAV = "{DAV:}"
_LIST = b'<propfind xmlns="DAV:"><prop><getetag/></prop></propfind>'
_CALENDAR = (
    b'<mkcol xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><set><prop><resourcetype><collection/><C:calendar/>'
    b"</resourcetype><displayname>Reminders</displayname></prop></set></mkcol>"
)


@dataclass(frozen=True, kw_only=True)
class Item:
    """A calendar item as it lies on the server. href: absolute path. text: the iCalendar object."""

    href: str
    etag: str
    text: str


@dataclass(frozen=True, kw_only=True)
class DavCalendar:
    """One user's calendar and what its owner can do to it. `url` ends with a slash."""

    url: str
    username: str
    password: str
    ca_file: Path | None

    def through(self, port: int) -> "DavCalendar":
        """The same calendar as seen through a proxy at `port` (plain HTTP)."""
        return replace(self, url=f"http://127.0.0.1:{port}{urlsplit(self.url).path}", ca_file=None)

    def items(self) -> list[Item]:
        """All items, by path."""
        return sorted((self.read(href) for href in self._hrefs()), key=lambda item: item.href)

    def read(self, href: str) -> Item:
        """One item by its path."""
        answer = self._ask("GET", href)
        return Item(href=href, etag=answer.headers["ETag"], text=answer.content.decode())

    def put(self, href: str, text: str) -> None:
        """Write an item, whatever stands there. `href`: a path, or a name in this calendar."""
        self._ask("PUT", href, text.encode(), {"Content-Type": "text/calendar; charset=utf-8"})

    def edit(self, item: Item, old: str, new: str) -> Item:
        """Replace text in an item, as a program does that keeps the rest; the item afterwards."""
        if old not in item.text:
            raise ValueError(f"{old!r} is not in the item")
        self.put(item.href, item.text.replace(old, new))
        return self.read(item.href)

    def delete(self, href: str) -> None:
        """Delete an item."""
        self._ask("DELETE", href)

    def _hrefs(self) -> list[str]:
        answer = self._ask("PROPFIND", "", _LIST, {"Depth": "1", "Content-Type": "application/xml"})
        paths = [node.text or "" for node in fromstring(answer.content).iter(f"{_DAV}href")]  # noqa: S314  # our own server's
        return [path for path in paths if not path.endswith("/")]

    def _ask(
        self, method: str, href: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> requests.Response:
        answer = requests.request(
            method,
            urljoin(self.url, href),
            data=body,
            headers=headers,
            auth=HTTPBasicAuth(self.username.encode(), self.password.encode()),
            verify=str(self.ca_file) if self.ca_file else True,
            timeout=30,
        )
        answer.raise_for_status()
        return answer


class Radicale(LabServer):
    """A running server. `tls`: with the authority's certificate, else plain HTTP."""

    def __init__(self, authority: Authority, *, tls: bool = False) -> None:
        if find_spec("radicale") is None:
            raise Missing("radicale (pip install crm-sync-agent[demo])")
        super().__init__("radicale")
        self._authority, self._tls = authority, tls
        self._users: dict[str, str] = {}
        self.begin()

    @property
    def url(self) -> str:
        """Where the server answers, without a slash at the end."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def calendar(
        self,
        *,
        name: str = "reminders",
        username: str | None = None,
        password: str = "secret",  # noqa: S107  # of a laboratory user
    ) -> DavCalendar:
        """A fresh user (or another calendar of a known one) with an empty calendar."""
        username = username or f"user{len(self._users) + 1}"
        self._users[username] = password
        (self.folder / "users").write_text("".join(f"{user}:{word}\n" for user, word in self._users.items()))
        url = f"{self.url}/{username}/{name}/"
        calendar = DavCalendar(
            url=url, username=username, password=password, ca_file=self._authority.ca_file if self._tls else None
        )
        calendar._ask("MKCOL", "", _CALENDAR, {"Content-Type": "application/xml"})
        return calendar

    def _prepare(self) -> None:
        (self.folder / "users").write_text("")

    def _choose_ports(self) -> None:
        self.port = free_port()

    def _configure(self) -> None:
        (self.folder / "config").write_text(self._configuration())

    def _command(self) -> Sequence[str]:
        return [sys.executable, "-m", "radicale", "--config", str(self.folder / "config")]

    def _answers(self) -> bool:
        return answers(self.port)

    def _configuration(self) -> str:
        server = self._authority.server
        lines = [
            "[server]",
            f"hosts = 127.0.0.1:{self.port}",
            *(["ssl = True", f"certificate = {server.certificate}", f"key = {server.key}"] if self._tls else []),
            "[auth]",
            "type = htpasswd",
            f"htpasswd_filename = {self.folder / 'users'}",
            "htpasswd_encryption = plain",
            "htpasswd_cache = False",
            "delay = 0",
            "[storage]",
            f"filesystem_folder = {self.folder / 'collections'}",
            "[web]",
            "type = none",
        ]
        return "\n".join(lines) + "\n"
