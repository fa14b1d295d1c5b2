"""What goes wrong between us and a calendar does no harm: crashes, lost answers, restored backups, refusals."""

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
from tests.unit.reminder_room import MOVED, WAITING, Room, edit, standing_question


@pytest.fixture
def room(database: Database, hasher: Hasher, tmp_path: Path) -> Room:
    folder = tmp_path / "calendar"
    folder.mkdir()
    room = Room(database=database, hasher=hasher, folder=folder)
    room.contact()
    return room


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

    def test_a_note_typed_before_the_next_run_is_in_the_history_once(self, room: Room, database: Database) -> None:
        standing_question(room)
        for table in (tables.calendar_items, tables.calendars, tables.reminders):
            room.forget(table)
        edit(room, ("Note:", "Note:\\nShe is on holiday."))
        for _ in range(3):
            room.tend()
        with database.read() as connection:
            assert connection.execute(sa.select(tables.texts.c.text)).scalars().all() == ["She is on holiday."]
        (found,) = room.shown()
        assert "She is on holiday." in found.description

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

    def test_a_calendar_that_fails_while_it_is_written_to_is_told(self, room: Room) -> None:
        """Reading went well, and yet not all reminders stand where they belong."""
        room.wrote()
        error = Retriable("not now")
        assert room.tend(open_sink=breaking(room, "create", error, after=False)).error is error

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
