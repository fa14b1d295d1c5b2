"""While the owner is away, nothing is due; what would have been stands in one bundle on the second day back."""

import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from agent.store.database import Database
from agent.store.hashes import Hasher
from agent.store.schedule import absences
from agent.store.schedule.absences import Absence, from_replies
from agent.store.unit import Lease
from connectors.message import Away
from tests.unit.reminder_room import MONDAY, WAITING, Room, a_mailbox


@pytest.fixture
def database(tmp_path: Path, sqlite_template: Path) -> Iterator[Database]:
    """One database is enough for most of this; what asks both says so."""
    shutil.copyfile(sqlite_template, tmp_path / "crm-agent.db")
    database = Database(f"sqlite:///{tmp_path / 'crm-agent.db'}")
    yield database
    database.close()


@pytest.fixture
def room(database: Database, hasher: Hasher, tmp_path: Path) -> Room:
    return Room(database=database, hasher=hasher, folder=tmp_path, mailbox=a_mailbox())


def away(room: Room, first: date | None, last: date | None = None) -> None:
    lease = Lease(mailbox_id=room.ids[room.mailbox.address], owner="test", epoch=room.epoch)
    found = {absences.REPLIES: Absence(first=first, last=last)} if first is not None else {}
    absences.store(room.database, lease, absences.REPLIES, found)


def test_back_from_holiday_one_bundle(room: Room) -> None:
    """Anna asked three customers and went on holiday for a week: on her second day back one item waits for her."""
    away(room, date(2026, 3, 4), date(2026, 3, 13))
    for name in ("zoe", "max", "eva"):
        room.contact(name, name=name.title())
        room.wrote(name, thread=name)
    room.tend()
    (found,) = room.shown()
    assert (found.title, found.start) == ("3 more follow-ups", datetime(2026, 3, 17, 8, 30))


def test_what_stood_there_already_moves_too_and_an_answer_meanwhile_leaves_the_bundle(room: Room) -> None:
    for name in ("zoe", "max"):
        room.contact(name, name=name.title())
        room.wrote(name, thread=name)
    room.tend()
    assert [found.start for found in room.shown()] == [datetime(2026, 3, 5, 8, 30)] * 2
    away(room, date(2026, 3, 4), date(2026, 3, 13))
    room.tend()
    assert [(found.title, found.start) for found in room.shown()] == [
        ("2 more follow-ups", datetime(2026, 3, 17, 8, 30))
    ]
    before = room.tend()
    assert (before.placed, before.published.updated) == (frozenset(), 0)
    room.wait(days=2)
    room.received("max", thread="max")
    room.tend()
    (found,) = room.shown()
    assert "Waiting for an answer: Zoe" in found.description
    assert "Max" not in found.description


def test_what_the_owner_moved_into_their_absence_stays(room: Room) -> None:
    room.contact()
    room.wrote()
    room.tend()
    with room.database.write() as connection:
        from agent.store.calendar import reminders

        (one,) = room.reminders()
        reminders.snooze(room.database, connection, one.id, datetime(2026, 3, 9, 10), room.now)
    away(room, date(2026, 3, 4), date(2026, 3, 13))
    room.tend()
    assert [found.start for found in room.shown()] == [datetime(2026, 3, 9, 10)]


def test_without_a_day_of_return_nothing_is_guessed(room: Room) -> None:
    room.contact()
    room.wrote()
    away(room, date(2026, 3, 1))
    room.tend()
    assert [(found.title, found.start) for found in room.shown()] == [(WAITING, datetime(2026, 3, 5, 8, 30))]


@pytest.mark.parametrize(
    ("end", "last"),
    [
        (datetime(2026, 3, 13, 23, 0, tzinfo=UTC), date(2026, 3, 13)),  # midnight in Berlin
        (datetime(2026, 3, 13, 17, 0, tzinfo=UTC), date(2026, 3, 13)),
        (datetime(2026, 3, 16, 7, 0, tzinfo=UTC), date(2026, 3, 15)),  # back on Monday morning
    ],
)
def test_the_day_on_which_replies_end_counts_by_its_hour(end: datetime, last: date) -> None:
    told = from_replies(Away(start=MONDAY, end=end), zone="Europe/Berlin", now=MONDAY)
    assert told == {absences.REPLIES: Absence(first=date(2026, 3, 2), last=last)}


def test_replies_that_have_ended_are_no_absence() -> None:
    assert from_replies(Away(end=MONDAY), zone="Europe/Berlin", now=MONDAY) == {}
    assert from_replies(None, zone="Europe/Berlin", now=MONDAY) == {}
