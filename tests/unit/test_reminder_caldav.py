"""Reminders in a real CalDAV calendar behind a wire that breaks: once each, whatever happens."""

import contextlib
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from agent.store import tables
from agent.store.database import Database
from agent.store.hashes import Hasher
from config.model import Calendar
from connectors.base import CalendarSink
from connectors.caldav import CalDavSink
from connectors.dav import Timeouts
from connectors.event import FoundEvent
from tests.contracts.dav import access
from tests.servers.http_proxy import HttpProxy, Request, Response
from tests.servers.radicale import DavCalendar, Radicale
from tests.unit.reminder_room import Room

WAITING = "Waiting for an answer: Zoë Buyer"


class Crash(BaseException):
    """The process dies here."""


class DavRoom(Room):
    """A room whose calendar stands on the server, reached through the proxy."""

    def open(self, calendar: Calendar) -> CalendarSink:
        return CalDavSink(calendar, Timeouts(connect=2, read=2, whole=4))  # type: ignore[arg-type]  # a CalDAV one


@pytest.fixture
def calendar(radicale: Radicale, monkeypatch: pytest.MonkeyPatch) -> DavCalendar:
    monkeypatch.setenv("DAV_PASSWORD", "secret")
    return radicale.calendar()


@pytest.fixture
def room(database: Database, hasher: Hasher, tmp_path: Path, calendar: DavCalendar, dav_proxy: HttpProxy) -> Room:
    given = access(calendar.through(dav_proxy.port))
    room = DavRoom(database=database, hasher=hasher, folder=tmp_path, calendar=given)
    room.contact()
    return room


def question(room: Room, calendar: DavCalendar) -> None:
    room.wrote()
    room.tend()
    assert len(calendar.items()) == 1


def recover(room: Room) -> None:
    for _ in range(2):
        room.wait(hours=7)
        room.tend()
    assert room.intents() == []


def emptied(request: Request, response: Response) -> Response:
    """A multistatus without its responses."""
    return replace(response, body=re.sub(rb"<response>.*?</response>", b"", response.body, flags=re.DOTALL))


@pytest.mark.parametrize("fault", ["lose_answer", "lose_request"])
def test_an_item_whose_creation_was_cut_off_stands_exactly_once(
    room: Room, calendar: DavCalendar, dav_proxy: HttpProxy, fault: str
) -> None:
    room.wrote()
    getattr(dav_proxy, fault)("PUT")
    assert room.tend().published.failed == 1
    recover(room)
    assert len(calendar.items()) == 1
    assert room.states() == {WAITING: "in-calendar"}


@pytest.mark.parametrize("fault", ["lose_answer", "lose_request"])
def test_a_withdrawal_that_was_cut_off_removes_it_and_dismisses_nothing(
    room: Room, calendar: DavCalendar, dav_proxy: HttpProxy, fault: str
) -> None:
    question(room, calendar)
    room.wait(hours=1)
    room.received()
    getattr(dav_proxy, fault)("DELETE")
    room.tend()
    recover(room)
    assert calendar.items() == []
    assert room.states() == {WAITING: "not-needed"}


def killed_after(room: Room, call: str) -> Callable[[object], CalendarSink]:
    """A calendar after whose write the process dies, before anything of it is committed."""
    inner = room.sink()

    class Dying:
        def __getattr__(self, name: str) -> object:
            def run(*arguments: object) -> FoundEvent:
                result = getattr(inner, name)(*arguments)
                if name == call:
                    raise Crash
                return result  # type: ignore[no-any-return]  # whatever the real sink answers

            return run

    return lambda calendar: Dying()  # type: ignore[return-value]  # has every method of a sink


@pytest.mark.parametrize("call", ["create", "update", "delete"])
def test_a_process_killed_between_the_write_and_the_commit_leaves_exactly_one_item(
    room: Room, calendar: DavCalendar, call: str
) -> None:
    if call != "create":
        question(room, calendar)
        room.wait(hours=1)
    else:
        room.wrote()
    if call == "update":
        room.bounced(kind="auto-reply")
    if call == "delete":
        room.received()
    with contextlib.suppress(Crash):
        room.tend(open_sink=killed_after(room, call))
    recover(room)
    gone = call == "delete"
    assert len(calendar.items()) == int(not gone)
    assert room.states() == {WAITING: "not-needed" if gone else "in-calendar"}
    if call == "update":
        assert room.shown()[0].start == datetime(2026, 3, 10, 8, 30)


def test_the_owners_edit_is_kept_and_their_deletion_is_not_undone(room: Room, calendar: DavCalendar) -> None:
    question(room, calendar)
    (item,) = calendar.items()
    item = calendar.edit(item, "SUMMARY:Waiting for an answer", "SUMMARY:Ring her")
    room.bounced(kind="auto-reply")
    room.tend()
    (found,) = room.shown()
    assert found.title.startswith("Ring her")
    assert found.start == datetime(2026, 3, 10, 8, 30)
    calendar.delete(item.href)
    recover(room)
    assert calendar.items() == []
    assert room.states() == {WAITING: "dismissed"}


def test_the_owner_ticks_it_off(room: Room, calendar: DavCalendar) -> None:
    question(room, calendar)
    calendar.edit(calendar.items()[0], "SUMMARY:", "SUMMARY:✓ ")
    recover(room)
    assert room.states() == {WAITING: "done"}
    assert len(calendar.items()) == 1


def test_an_item_deleted_before_it_was_ever_read_back_is_dismissed(room: Room, calendar: DavCalendar) -> None:
    question(room, calendar)
    calendar.delete(calendar.items()[0].href)
    recover(room)
    assert calendar.items() == []
    assert room.states() == {WAITING: "dismissed"}


def test_after_a_restored_backup_no_second_item_stands(room: Room, calendar: DavCalendar) -> None:
    question(room, calendar)
    before = calendar.items()
    for table in (tables.calendar_items, tables.calendars, tables.reminders):
        room.forget(table)
    recover(room)
    assert calendar.items() == before
    assert room.states() == {WAITING: "in-calendar"}


def test_a_server_that_is_away_for_a_day_gets_everything_later(
    room: Room, calendar: DavCalendar, dav_proxy: HttpProxy
) -> None:
    room.wrote()
    dav_proxy.answer(503, times=None)
    for _ in range(4):
        assert room.tend().error is not None
        room.wait(hours=7)
    dav_proxy.clear()
    recover(room)
    assert len(calendar.items()) == 1


def test_an_item_that_a_list_left_out_is_looked_for_before_it_counts_as_deleted(
    room: Room, calendar: DavCalendar, dav_proxy: HttpProxy
) -> None:
    """A list that ends early, or is empty while the server comes up again, is no word of the owner's."""
    question(room, calendar)
    room.wait(hours=1)
    room.tend()
    dav_proxy.answer(403, "REPORT", body=b'<error xmlns="DAV:"><valid-sync-token/></error>')  # so all is read again
    dav_proxy.rewrite(emptied, "REPORT", times=2)  # that request counts, too
    room.wait(hours=1)
    room.tend()
    dav_proxy.clear()
    assert room.states() == {WAITING: "in-calendar"}
    recover(room)
    assert room.states() == {WAITING: "in-calendar"}
    assert len(calendar.items()) == 1


def test_nothing_of_the_owners_own_is_touched(room: Room, calendar: DavCalendar) -> None:
    dentist = (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//EN\r\nBEGIN:VEVENT\r\nUID:dentist\r\nDTSTAMP:20260101T000000Z\r\n"
        "DTSTART:20260401T080000Z\r\nSUMMARY:Dentist\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    calendar.put("dentist.ics", dentist)
    (before,) = calendar.items()
    room.wrote()
    room.tend()
    room.wait(hours=1)
    room.received()
    recover(room)
    assert calendar.items() == [before]
