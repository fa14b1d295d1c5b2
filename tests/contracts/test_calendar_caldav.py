"""A CalDAV calendar on Radicale keeps what every calendar keeps."""

import uuid
from collections.abc import Callable, Iterator

import pytest

from config.model import CaldavCalendar
from connectors.base import CalendarSink
from connectors.caldav import CalDavSink
from tests.contracts.calendar_sink import CalendarSinkContract
from tests.contracts.calendar_user import CalendarUserContract
from tests.contracts.dav import DavDesk, PlainRadicale, make_calendar


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlainRadicale]:
    running = PlainRadicale(tmp_path_factory.mktemp("radicale"))
    yield running
    running.close()


@pytest.fixture
def url(server: PlainRadicale) -> str:
    return make_calendar(server.url, uuid.uuid4().hex)


@pytest.fixture
def desk(url: str) -> DavDesk:
    return DavDesk(url)


class TestCaldav(CalendarSinkContract, CalendarUserContract):
    @pytest.fixture
    def make(self, url: str) -> Iterator[Callable[[], CalendarSink]]:
        opened: list[CalendarSink] = []

        def make() -> CalendarSink:
            opened.append(CalDavSink(CaldavCalendar(url=url, username="anna")))
            return opened[-1]

        yield make
        for sink in opened:
            sink.close()
