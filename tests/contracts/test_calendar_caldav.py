"""A CalDAV calendar keeps what every calendar keeps: on Radicale, on Xandikos, and without sync-collection."""

from collections.abc import Callable, Iterator

import pytest

from connectors.base import CalendarSink
from connectors.caldav import CalDavSink
from connectors.errors import Fatal, NeedsSignIn, Retriable
from tests.contracts.calendar_sink import CalendarSinkContract, an_event
from tests.contracts.calendar_user import CalendarUserContract
from tests.contracts.dav import DavDesk, access
from tests.servers.radicale import DavCalendar, Radicale
from tests.servers.xandikos import Xandikos


@pytest.fixture
def calendar(radicale: Radicale) -> DavCalendar:
    return radicale.calendar()


@pytest.fixture
def desk(calendar: DavCalendar) -> DavDesk:
    return DavDesk(calendar)


@pytest.fixture(autouse=True)
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAV_PASSWORD", "secret")


class WithoutSyncCollection(CalDavSink):
    """The same client at a server that has no sync-collection report: ctag and ETags tell what changed."""

    def _sync(self, token: str) -> None:
        return None


class TestCaldav(CalendarSinkContract, CalendarUserContract):
    sink_type = CalDavSink

    @pytest.fixture
    def make(self, calendar: DavCalendar) -> Iterator[Callable[[], CalendarSink]]:
        opened: list[CalendarSink] = []

        def make() -> CalendarSink:
            opened.append(self.sink_type(access(calendar)))
            return opened[-1]

        yield make
        for sink in opened:
            sink.close()


class TestCaldavByEtags(TestCaldav):
    sink_type = WithoutSyncCollection


class TestCaldavOnXandikos(TestCaldav):
    """A server that wraps a refused write in a 207."""

    @pytest.fixture
    def calendar(self, xandikos: Xandikos) -> DavCalendar:
        return xandikos.calendar()


def test_a_wrong_password_needs_a_sign_in(calendar: DavCalendar, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAV_PASSWORD", "wrong")
    with pytest.raises(NeedsSignIn):
        CalDavSink(access(calendar)).changes(None)


def test_a_password_that_cannot_be_read_is_said(calendar: DavCalendar, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DAV_PASSWORD")
    with pytest.raises(Fatal, match="DAV_PASSWORD"):
        CalDavSink(access(calendar))


@pytest.mark.parametrize(
    "call",
    [lambda sink: sink.changes(None), lambda sink: sink.create(an_event()), lambda sink: sink.find("x@y")],
    ids=["changes", "create", "find"],
)
def test_a_calendar_that_does_not_exist_is_said(calendar: DavCalendar, call: Callable[[CalDavSink], object]) -> None:
    sink = CalDavSink(access(calendar, url=f"{calendar.url[:-1]}-none/"))
    with pytest.raises(Fatal, match="no calendar at this address"):
        call(sink)


def test_the_address_of_the_account_is_no_calendar(calendar: DavCalendar) -> None:
    account = calendar.url.rsplit("/", 2)[0] + "/"
    with pytest.raises(Fatal, match="not that of a calendar"):
        CalDavSink(access(calendar, url=account)).changes(None)


def test_tls_is_verified_with_the_given_authority(radicale_tls: Radicale) -> None:
    calendar = radicale_tls.calendar()
    assert CalDavSink(access(calendar)).create(an_event()).title == an_event().title
    with pytest.raises(Fatal, match="certificate"):
        CalDavSink(access(calendar, ca_file=None)).changes(None)


def test_a_server_that_is_down_may_come_back(calendar: DavCalendar) -> None:
    with pytest.raises(Retriable):
        CalDavSink(access(calendar.through(1))).changes(None)
