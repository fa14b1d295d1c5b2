"""A CalDAV calendar of the lab: a program that works on it behind the agent's back, and the agent through a proxy.

Tests import the fixtures `calendar` and `sink`, both of them: one asks for the other by name.
"""

from urllib.parse import unquote

import pytest

from config.model import CaldavCalendar
from config.secrets import Secret
from connectors.caldav import CalDavSink
from connectors.dav import Timeouts
from connectors.event import FoundEvent
from tests.servers.http_proxy import HttpProxy
from tests.servers.radicale import DavCalendar, Radicale


class DavDesk:
    """Saves without conditions, as the owner of the calendar."""

    def __init__(self, calendar: DavCalendar) -> None:
        self._calendar = calendar

    def text(self, found: FoundEvent) -> str:
        lines = self._calendar.read(found.href).text.replace("\r\n", "\n")
        return lines.replace("\n ", "").replace("\n", "\r\n")

    def replace(self, found: FoundEvent, text: str) -> None:
        self._calendar.put(found.href, text)

    def add(self, name: str, text: str) -> None:
        self._calendar.put(name, text)

    def remove(self, found: FoundEvent) -> None:
        self._calendar.delete(found.href)

    def names(self) -> set[str]:
        return {unquote(item.href.rpartition("/")[2]) for item in self._calendar.items()}


def access(calendar: DavCalendar, **changes: object) -> CaldavCalendar:
    """How the agent is told of a calendar. The password stands in the variable DAV_PASSWORD."""
    given = CaldavCalendar(
        url=calendar.url, username=calendar.username, password=Secret(env="DAV_PASSWORD"), ca_file=calendar.ca_file
    )
    return given.model_copy(update=changes)


@pytest.fixture
def calendar(radicale: Radicale, monkeypatch: pytest.MonkeyPatch) -> DavCalendar:
    """An empty one of the test's own."""
    monkeypatch.setenv("DAV_PASSWORD", "secret")
    return radicale.calendar()


@pytest.fixture
def sink(calendar: DavCalendar, dav_proxy: HttpProxy) -> CalDavSink:
    """What the agent writes with, through a proxy that may change what is said."""
    return CalDavSink(access(calendar.through(dav_proxy.port)), Timeouts(connect=2, read=2, whole=4))
