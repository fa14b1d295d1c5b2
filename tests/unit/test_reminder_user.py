"""What a salesperson does to an item counts, and what goes wrong on the way does no harm."""

import contextlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from agent.store import tables
from agent.store.database import Database
from agent.store.hashes import Hasher
from agent.store.unit import LeaseLost
from config.model import IcsCalendar
from connectors.base import CalendarSink
from connectors.errors import ConnectorError, Fatal, NeedsSignIn, Retriable
from connectors.event import CalendarChanges, CalendarCursor, CalendarEvent, FoundEvent
from connectors.ics import IcsSink
from tests.unit.reminder_room import Room

WAITING = "Waiting for an answer: Zoë Buyer"


@pytest.fixture
def room(database: Database, hasher: Hasher, tmp_path: Path) -> Room:
    folder = tmp_path / "calendar"
    folder.mkdir()
    room = Room(database=database, hasher=hasher, folder=folder)
    room.contact()
    return room


def edit(room: Room, *edits: tuple[str, str], title: str = "") -> None:
    """What a calendar program does to our item (the one whose title holds `title`)."""
    for path in room.folder.glob("*.ics"):
        text = path.read_bytes().decode().replace("\r\n ", "")
        if title in text:
            for old, new in edits:
                assert old in text
                text = text.replace(old, new)
            path.write_bytes(text.encode())


def remove(room: Room) -> None:
    for path in room.folder.glob("*.ics"):
        path.unlink()


MOVED = ("DTSTART;TZID=Europe/Berlin:20260305T083000", "DTSTART;TZID=Europe/Berlin:20260311T140000")


def standing_question(room: Room) -> None:
    room.wrote()
    room.tend()
    assert room.titles() == [WAITING]


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


class Crash(BaseException):
    """The process dies here."""


class Faulty:
    """A real calendar behind a wire that breaks: `before` and `after` say what happens around each write."""

    def __init__(self, inner: CalendarSink, before: Callable[[str], None], after: Callable[[str], None]) -> None:
        self._inner, self._before, self._after = inner, before, after

    def find(self, uid: str) -> FoundEvent | None:
        return self._inner.find(uid)

    def create(self, event: CalendarEvent) -> FoundEvent:
        self._before("create")
        found = self._inner.create(event)
        self._after("create")
        return found

    def update(self, event: CalendarEvent, found: FoundEvent) -> FoundEvent:
        self._before("update")
        result = self._inner.update(event, found)
        self._after("update")
        return result

    def delete(self, found: FoundEvent) -> None:
        self._before("delete")
        self._inner.delete(found)
        self._after("delete")

    def changes(self, cursor: CalendarCursor | None) -> CalendarChanges:
        self._before("changes")
        return self._inner.changes(cursor)

    def close(self) -> None:
        self._inner.close()


def breaking(room: Room, kind: str, error: BaseException, *, after: bool) -> Callable[[object], CalendarSink]:
    """A calendar that breaks at that kind of write, before or after it has happened."""

    def fail(what: str) -> None:
        if what == kind:
            raise error

    def nothing(what: str) -> None:
        return None

    sink = IcsSink(IcsCalendar(path=room.folder))
    return lambda calendar: Faulty(sink, nothing if after else fail, fail if after else nothing)


class TestCrashes:
    @pytest.mark.parametrize("after", [False, True])
    @pytest.mark.parametrize("error", [Crash(), Retriable("cut off")])
    def test_a_create_that_was_cut_off_ends_as_one_item(self, room: Room, error: BaseException, after: bool) -> None:
        room.wrote()
        with contextlib.suppress(Crash):
            room.tend(open_sink=breaking(room, "create", error, after=after))
        assert len(room.shown()) == int(after)
        room.wait(hours=7)
        room.tend()
        room.tend()
        assert room.titles() == [WAITING]
        assert room.states() == {WAITING: "in-calendar"}
        assert room.intents() == []

    @pytest.mark.parametrize("after", [False, True])
    @pytest.mark.parametrize("error", [Crash(), Retriable("cut off")])
    def test_an_update_that_was_cut_off_is_not_taken_for_the_users(
        self, room: Room, error: BaseException, after: bool
    ) -> None:
        standing_question(room)
        room.bounced(kind="auto-reply")
        with contextlib.suppress(Crash):
            room.tend(open_sink=breaking(room, "update", error, after=after))
        room.wait(hours=7)
        room.tend()
        assert room.states() == {WAITING: "in-calendar"}
        assert [found.start for found in room.shown()] == [datetime(2026, 3, 10, 8, 30)]
        assert room.intents() == []

    @pytest.mark.parametrize("after", [False, True])
    @pytest.mark.parametrize("error", [Crash(), Retriable("cut off")])
    def test_a_withdrawal_that_was_cut_off_is_not_taken_for_a_dismissal(
        self, room: Room, error: BaseException, after: bool
    ) -> None:
        standing_question(room)
        room.wait(hours=1)
        room.received()
        with contextlib.suppress(Crash):
            room.tend(open_sink=breaking(room, "delete", error, after=after))
        room.wait(hours=7)
        room.tend()
        assert room.shown() == []
        assert room.states() == {WAITING: "not-needed"}
        assert room.intents() == []

    def test_a_user_who_is_quicker_than_our_update_wins(self, room: Room) -> None:
        standing_question(room)
        room.bounced(kind="auto-reply")
        sink = IcsSink(IcsCalendar(path=room.folder))

        def tick_off(what: str) -> None:
            if what == "update":
                edit(room, ("SUMMARY:Waiting", "SUMMARY:✓ Waiting"))

        room.tend(open_sink=lambda calendar: Faulty(sink, tick_off, lambda what: None))
        room.tend()
        assert room.states() == {WAITING: "done"}
        assert room.titles() == [f"✓ {WAITING}"]

    def test_without_a_lease_nothing_is_written(self, room: Room) -> None:
        room.wrote()
        room.lease_holds = False
        assert room.tend().published.left == 1
        assert room.shown() == []

    def test_a_lease_lost_before_the_write_stops_at_once(self, room: Room, database: Database) -> None:
        room.wrote()

        def lose(seconds: float) -> bool:
            with database.write() as connection:
                connection.execute(sa.update(tables.mailboxes).values(lease_epoch=2))
            raise LeaseLost("gone")

        with pytest.raises(LeaseLost):
            room.tend(hold=lose)
        assert room.shown() == []
        with pytest.raises(LeaseLost):
            room.tend()


class TestRestoredBackup:
    def test_lost_rows_find_their_item_again(self, room: Room) -> None:
        standing_question(room)
        room.forget(tables.calendar_items)
        room.forget(tables.calendars)
        room.forget(tables.reminders)
        room.tend()
        room.tend()
        assert room.titles() == [WAITING]
        assert room.states() == {WAITING: "in-calendar"}
        room.wait(hours=1)
        room.received()
        room.tend()
        assert room.shown() == []

    def test_what_the_user_did_before_the_restore_is_kept(self, room: Room) -> None:
        standing_question(room)
        edit(room, MOVED, ("SUMMARY:Waiting", "SUMMARY:Please ask. Waiting"))
        room.tend()
        room.forget(tables.calendar_items)
        room.forget(tables.calendars)
        room.forget(tables.reminders)
        room.tend()
        room.tend()
        (found,) = room.shown()
        assert found.title.startswith("Please ask.")
        assert found.start == datetime(2026, 3, 11, 14, 0)

    def test_an_item_whose_reason_nobody_knows_is_adopted_and_left_standing(self, room: Room) -> None:
        standing_question(room)
        for table in (tables.calendar_items, tables.calendars, tables.reminders, tables.interactions):
            room.forget(table)
        room.tend()
        room.tend()
        assert room.titles() == [WAITING]
        assert [(one.rule, one.state) for one in room.reminders()] == [("adopted", "in-calendar")]

    def test_items_of_another_installation_are_left_alone(self, room: Room) -> None:
        sink = room.sink()
        event = CalendarEvent(
            uid="f" * 32 + "@another",
            reminder="f" * 32,
            title="Not ours",
            description="",
            start=datetime(2026, 3, 5, 8, 30),
            timezone="Europe/Berlin",
        )
        sink.create(event)
        room.tend()
        room.tend()
        assert room.reminders() == []
        assert room.titles() == ["Not ours"]


class TestBrokenCalendars:
    @pytest.mark.parametrize("error", [Retriable("not now"), Fatal("no calendar"), NeedsSignIn("refused")])
    def test_a_calendar_that_fails_keeps_no_rule_from_its_work(self, room: Room, error: ConnectorError) -> None:
        room.wrote()
        tended = room.tend(open_sink=breaking(room, "changes", error, after=False))
        assert tended.error is error
        assert room.states() == {WAITING: "pending"}
        assert room.intents() == ["create"]

    def test_a_refused_password_is_tried_again_after_an_hour(self, room: Room) -> None:
        tries: list[datetime] = []

        def refuse(what: str) -> None:
            tries.append(room.now)
            raise NeedsSignIn("refused")

        sink = IcsSink(IcsCalendar(path=room.folder))
        for _ in range(10):
            room.tend(open_sink=lambda calendar: Faulty(sink, refuse, refuse))
            room.wait(minutes=10)
        assert len(tries) == 2

    def test_a_new_calendar_gets_what_is_still_open(self, room: Room, tmp_path: Path) -> None:
        standing_question(room)
        other = tmp_path / "other"
        other.mkdir()
        room.folder = other
        room.mailbox = room.mailbox.model_copy(update={"calendar": IcsCalendar(path=other)})
        room.tend()
        assert room.titles() == [WAITING]
        assert room.states() == {WAITING: "in-calendar"}

    def test_deletions_are_capped_in_one_run(self, room: Room) -> None:
        from agent.reminders.publish import DELETIONS

        for number in range(DELETIONS + 5):
            room.contact(f"c{number}", name=f"Contact {number}")
            room.wrote(f"c{number}", thread=f"t{number}", at=room.now.replace(tzinfo=UTC) - timedelta(days=number))
        room.mailbox = room.mailbox.model_copy(
            update={"reminders": room.mailbox.reminders.model_copy(update={"per_day": 99})}
        )
        room.tend()
        assert len(room.shown()) == DELETIONS + 5
        for number in range(DELETIONS + 5):
            room.received(f"c{number}", thread=f"t{number}", at=room.now + timedelta(minutes=1))
        room.tend()
        assert len(room.shown()) == 5
        room.tend()
        assert room.shown() == []
