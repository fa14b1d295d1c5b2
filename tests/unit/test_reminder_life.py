"""Every rule's reminder lives the same life: dismissed it stays dismissed, edited it is kept, done it stays done."""

import shutil
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from agent.store import tables
from agent.store.database import Database
from agent.store.hashes import Hasher
from config.model import AfterRule, GoneQuiet, KeyDate, LateOrder, MeetingFollowUp
from tests.unit.reminder_room import MONDAY, Room, a_mailbox, edit, remove

RULES = {
    "waiting_for_us": AfterRule(),
    "gone_quiet": GoneQuiet(after=timedelta(days=40)),
    "late_order": LateOrder(),
    "key_date": KeyDate(),
    "meeting_follow_up": MeetingFollowUp(),
}


def _owed(room: Room) -> None:
    room.received(asks=True)


def _quiet(room: Room) -> None:
    room.wrote(asks=False, at=MONDAY - timedelta(days=45))


def _late(room: Room) -> None:
    room.bought(*(date(2026, 1, 20) - timedelta(days=30 * number) for number in range(6)))


def _dated(room: Room) -> None:
    room.change("zoe", fields={"birthday": "1980-03-12"})


def _met(room: Room) -> None:
    room.met(at=MONDAY - timedelta(hours=3))


REASONS: dict[str, Callable[[Room], None]] = {
    "waiting_for_us": _owed,
    "gone_quiet": _quiet,
    "late_order": _late,
    "key_date": _dated,
    "meeting_follow_up": _met,
}


@pytest.fixture(params=sorted(RULES))
def room(request: pytest.FixtureRequest, tmp_path: Path, sqlite_template: Path, hasher: Hasher) -> Iterator[Room]:
    shutil.copyfile(sqlite_template, tmp_path / "crm-agent.db")
    (tmp_path / "calendar").mkdir()
    database = Database(f"sqlite:///{tmp_path / 'crm-agent.db'}")
    on: dict[str, Any] = {"waiting_for_them": None, "flagged": None, request.param: RULES[request.param]}
    room = Room(database=database, hasher=hasher, folder=tmp_path / "calendar", mailbox=a_mailbox(**on))
    room.contact(owner="anna@ourfirm.example")
    REASONS[request.param](room)
    room.tend()
    assert [one.rule for one in room.reminders()] == [request.param]
    assert len(room.shown()) == 1
    yield room
    database.close()


def test_it_says_why_and_who(room: Room) -> None:
    (found,) = room.shown()
    assert "Zoë Buyer" in found.title
    assert found.description.splitlines()[0] == room.reminders()[0].why


def test_deleted_from_the_calendar_it_is_dismissed_for_good(room: Room) -> None:
    remove(room)
    for _ in range(3):
        room.tend()
        room.wait(hours=7)
    assert [one.state for one in room.reminders()] == ["dismissed"]
    assert room.shown() == []


def test_words_of_the_owners_own_stay_in_it(room: Room) -> None:
    (found,) = room.shown()
    edit(room, (f"SUMMARY:{found.title}", "SUMMARY:My own words"))
    for _ in range(3):
        room.tend()
        room.wait(hours=7)
    assert room.titles() == ["My own words"]


def test_ticked_off_it_is_done_and_does_not_return(room: Room) -> None:
    (found,) = room.shown()
    edit(room, (f"SUMMARY:{found.title}", f"SUMMARY:✓ {found.title}"))
    for _ in range(3):
        room.tend()
        room.wait(hours=7)
    assert [one.state for one in room.reminders()] == ["done"]


def test_without_its_mailbox_read_to_the_end_nothing_fires(room: Room) -> None:
    """What stands goes with its reason all the same; nothing new comes while the mailbox is behind."""
    with room.database.write() as connection:
        connection.execute(sa.delete(tables.reminders))
        connection.execute(sa.update(tables.folders).values(stopped="down"))
    remove(room)
    room.tend()
    assert room.reminders() == []
