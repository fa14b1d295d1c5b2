"""What a salesperson does to an item counts."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from agent.store import tables
from agent.store.database import Database
from agent.store.hashes import Hasher
from tests.unit.reminder_room import MOVED, WAITING, Room, edit, remove, standing_question


@pytest.fixture
def room(database: Database, hasher: Hasher, tmp_path: Path) -> Room:
    folder = tmp_path / "calendar"
    folder.mkdir()
    room = Room(database=database, hasher=hasher, folder=folder)
    room.contact()
    return room


class TestDeeds:
    def test_ticked_off_is_done_and_stays_theirs(self, room: Room) -> None:
        standing_question(room)
        edit(room, ("SUMMARY:", "SUMMARY:✓ "))
        room.tend()
        room.wait(days=1)
        room.received()
        room.tend()
        assert room.states() == {WAITING: "done"}
        assert room.titles() == [f"✓ {WAITING}"]

    def test_deleted_is_dismissed_and_does_not_come_back(self, room: Room) -> None:
        standing_question(room)
        remove(room)
        for _ in range(3):
            room.tend()
            room.wait(days=1)
        assert room.states() == {WAITING: "dismissed"}
        assert room.shown() == []

    def test_a_new_question_in_the_thread_is_a_new_reason(self, room: Room) -> None:
        standing_question(room)
        remove(room)
        room.tend()
        room.wait(days=1)
        room.wrote()
        room.tend()
        assert room.titles() == [WAITING]

    def test_moved_is_snoozed_to_there_and_the_rule_moves_it_no_more(self, room: Room) -> None:
        standing_question(room)
        edit(room, MOVED)
        room.bounced(kind="auto-reply")
        room.tend()
        room.tend()
        (one,) = room.reminders()
        assert (one.state, one.due_at.isoformat()) == ("snoozed", "2026-03-11T14:00:00+01:00")
        assert room.shown()[0].start == datetime(2026, 3, 11, 14, 0)
        assert room.intents() == []

    def test_moved_to_a_whole_day_is_snoozed_to_that_morning(self, room: Room) -> None:
        standing_question(room)
        edit(room, (MOVED[0], "DTSTART;VALUE=DATE:20260311"), ("DTEND;TZID=Europe/Berlin:20260305T084500\r\n", ""))
        room.tend()
        (one,) = room.reminders()
        assert (one.state, one.due_at.isoformat()) == ("snoozed", "2026-03-11T08:30:00+01:00")
        before = [path.read_bytes() for path in room.folder.glob("*.ics")]
        room.tend()
        assert [path.read_bytes() for path in room.folder.glob("*.ics")] == before

    def test_moved_items_still_go_when_the_answer_comes(self, room: Room) -> None:
        standing_question(room)
        edit(room, MOVED)
        room.tend()
        room.wait(days=1)
        room.received()
        room.tend()
        assert room.shown() == []

    def test_edited_words_are_kept_when_the_rule_moves_the_item(self, room: Room) -> None:
        standing_question(room)
        edit(room, (f"SUMMARY:{WAITING}", "SUMMARY:Ask Zoë about the pallets"))
        room.bounced(kind="auto-reply")
        room.tend()
        (found,) = room.shown()
        assert (found.title, found.start) == ("Ask Zoë about the pallets", datetime(2026, 3, 10, 8, 30))

    def test_text_below_note_becomes_an_interaction_once_and_stays_in_the_item(
        self, room: Room, database: Database
    ) -> None:
        standing_question(room)
        edit(room, ("Note:\\n", "Note:\\nHe is ill\\, back on Monday"))
        room.tend()
        room.tend()
        edit(room, ("back on Monday", "back on Tuesday"))
        room.tend()
        with database.read() as connection:
            notes = sa.select(tables.interactions.c.kind, tables.texts.c.text, tables.links.c.contact_id)
            notes = notes.join(tables.texts).join(tables.links).where(tables.interactions.c.kind != "email")
            rows = connection.execute(notes).all()
        assert [tuple(row) for row in rows] == [("note", "He is ill, back on Tuesday", "zoe")]
        assert room.states() == {WAITING: "in-calendar"}
        assert "back on Tuesday" in room.shown()[0].description

    def test_a_note_typed_just_before_the_answer_is_not_lost(self, room: Room, database: Database) -> None:
        standing_question(room)
        edit(room, ("Note:\\n", "Note:\\nCalled her"))
        room.received(at=room.now + timedelta(minutes=1))
        room.tend()
        assert room.shown() == []
        with database.read() as connection:
            kinds = connection.execute(sa.select(tables.interactions.c.kind)).scalars().all()
        assert sorted(kinds) == ["call", "email", "email"]

    def test_a_bundle_ticked_off_finishes_what_stands_in_it(self, room: Room) -> None:
        for number in range(7):
            room.contact(f"c{number}", name=f"Contact {number}")
            room.wrote(f"c{number}", thread=f"t{number}", at=room.now - timedelta(minutes=number))
        room.tend()
        edit(room, ("SUMMARY:2 more", "SUMMARY:Done 2 more"), title="2 more follow-ups")
        room.tend()
        room.tend()
        states = [one.state for one in room.reminders()]
        assert sorted(states) == ["done", "done", *["in-calendar"] * 5]
        assert len(room.shown()) == 6

    def test_an_emptied_calendar_is_a_fault_and_dismisses_nothing(self, room: Room) -> None:
        for number in range(7):
            room.contact(f"c{number}", name=f"Contact {number}")
            room.wrote(f"c{number}", thread=f"t{number}", at=room.now - timedelta(days=number, minutes=number))
        room.tend()
        saved = {path: path.read_bytes() for path in room.folder.glob("*.ics")}
        assert len(saved) > 5
        remove(room)
        tended = room.tend()
        assert tended.error is not None
        assert "left the calendar at once" in str(tended.error)
        room.tend()
        assert {one.state for one in room.reminders()} == {"in-calendar"}
        for path, content in saved.items():
            path.write_bytes(content)
        assert room.tend().error is None
        assert {one.state for one in room.reminders()} == {"in-calendar"}
        assert room.intents() == []

    def test_five_deleted_in_one_go_are_dismissed(self, room: Room) -> None:
        for number in range(5):
            room.contact(f"c{number}", name=f"Contact {number}")
            room.wrote(f"c{number}", thread=f"t{number}")
        room.tend()
        remove(room)
        assert room.tend().error is None
        assert {one.state for one in room.reminders()} == {"dismissed"}


class TestErasure:
    def test_a_contact_who_goes_takes_the_items_along(self, room: Room, database: Database) -> None:
        standing_question(room)
        with database.write() as connection:
            connection.execute(sa.delete(tables.contacts))
        room.tend()
        assert room.shown() == []
        assert room.reminders() == []

    def test_what_was_ticked_off_goes_too(self, room: Room, database: Database) -> None:
        standing_question(room)
        edit(room, ("SUMMARY:", "SUMMARY:✓ "))
        room.tend()
        with database.write() as connection:
            connection.execute(sa.delete(tables.contacts))
        room.tend()
        assert room.shown() == []
