"""A secret link to subscribe to: what it shows, what ends it, and that nothing else is served."""

import http.client
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from icalendar import Calendar

from agent.engine.feed_server import FeedServer
from agent.engine.links import Links
from agent.store.calendar import feed_links
from agent.store.database import Database
from agent.store.hashes import Hasher
from config.model import Feed, Reminders, Settings
from tests.servers.process import free_port
from tests.unit.reminder_room import WAITING, Room


@dataclass
class Served:
    """A room whose links are served."""

    room: Room
    port: int
    token: str
    links: Links

    def get(self, path: str, *, method: str = "GET", **headers: str) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        return connection.getresponse()

    def titles(self) -> list[str]:
        answer = self.get(f"/{self.token}.ics")
        assert (answer.status, answer.headers["Content-Type"]) == (200, "text/calendar; charset=utf-8")
        return [str(item["SUMMARY"]) for item in Calendar.from_ical(answer.read()).walk("VEVENT")]


@pytest.fixture
def served(tmp_path: Path, sqlite_template: Path, hasher: Hasher) -> Iterator[Served]:
    shutil.copyfile(sqlite_template, tmp_path / "crm-agent.db")
    (tmp_path / "calendar").mkdir()
    database = Database(f"sqlite:///{tmp_path / 'crm-agent.db'}")
    room = Room(database=database, hasher=hasher, folder=tmp_path / "calendar")
    room.contact()
    with database.write() as connection:
        token = feed_links.make(connection, hasher, room.ids[room.mailbox.address], room.now)
    port = free_port()
    links = Links(database, hasher)
    links.over(_settings(port))
    yield Served(room=room, port=port, token=token, links=links)
    links.stop(0)
    database.close()


def _settings(port: int | None) -> Settings:
    return Settings(reminders=Reminders(feed=Feed(port=port) if port is not None else None))


def test_a_link_shows_what_would_stand_in_the_calendar(served: Served) -> None:
    served.room.wrote()
    served.room.tend()
    assert served.titles() == [WAITING]
    served.room.wait(hours=3)
    served.room.received()
    served.room.tend()
    assert served.titles() == []


def test_who_has_it_already_is_told_so(served: Served) -> None:
    served.room.wrote()
    served.room.tend()
    etag = served.get(f"/{served.token}.ics").headers["ETag"]
    again = served.get(f"/{served.token}.ics", If_None_Match=etag)
    assert (again.status, again.read()) == (304, b"")
    served.room.dismiss(WAITING)
    assert served.get(f"/{served.token}.ics", If_None_Match=etag).status == 200


def test_a_revoked_or_renewed_link_leads_nowhere(served: Served) -> None:
    mailbox_id = served.room.ids[served.room.mailbox.address]
    with served.room.database.write() as connection:
        fresh = feed_links.make(connection, served.room.hasher, mailbox_id, served.room.now)
    assert served.get(f"/{served.token}.ics").status == 404
    assert served.get(f"/{fresh}.ics").status == 200
    with served.room.database.write() as connection:
        assert feed_links.revoke(connection, mailbox_id)
        assert not feed_links.revoke(connection, mailbox_id)
    assert served.get(f"/{fresh}.ics").status == 404


def test_a_mailbox_that_left_is_served_no_more(served: Served) -> None:
    served.room.leave()
    assert served.get(f"/{served.token}.ics").status == 404


@pytest.mark.parametrize(
    "path", ["/", "/feed", "/../crm-agent.db", "/%2e%2e/x.ics", f"/{'a' * 43}.ics", "/x.ics?a=1", "//a.ics", "*"]
)
def test_nothing_else_is_served(served: Served, path: str) -> None:
    answer = served.get(path)
    assert (answer.status, answer.read()) == (404, b"")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PROPFIND", "OPTIONS"])
def test_nothing_can_be_written(served: Served, method: str) -> None:
    assert served.get(f"/{served.token}.ics", method=method).status == 501


def test_a_head_request_has_no_body(served: Served) -> None:
    answer = served.get(f"/{served.token}.ics", method="HEAD")
    assert (answer.status, answer.read()) == (200, b"")


def test_a_port_that_is_taken_stops_nothing(served: Served, hasher: Hasher) -> None:
    Links(served.room.database, hasher).over(_settings(served.port))
    assert served.get(f"/{served.token}.ics").status == 200
    with pytest.raises(OSError, match="in use"):
        FeedServer(served.room.database, hasher, Feed(port=served.port))


def test_a_reload_moves_ends_and_starts_it(served: Served) -> None:
    before, served.port = served.port, free_port()
    served.links.over(_settings(served.port))
    assert served.titles() == []
    with pytest.raises(ConnectionRefusedError):
        http.client.HTTPConnection("127.0.0.1", before, timeout=10).connect()
    served.links.over(_settings(None))
    with pytest.raises(ConnectionRefusedError):
        served.get(f"/{served.token}.ics")
    served.links.over(_settings(served.port))
    assert served.titles() == []


def test_the_link_itself_is_not_in_the_database(served: Served) -> None:
    content = b"".join(path.read_bytes() for path in served.room.folder.parent.glob("crm-agent.db*"))
    assert served.token.encode() not in content
