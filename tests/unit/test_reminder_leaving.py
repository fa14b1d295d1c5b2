"""A mailbox leaves the configuration, comes back, or gets another calendar: nothing is left behind, nothing doubled."""

from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
import sqlalchemy as sa

from agent.reminders.cycle import MANUAL, PENDING, Standing
from agent.store import leases, tables
from agent.store.calendar import leaving, reminders
from agent.store.database import Database
from agent.store.hashes import Hasher
from agent.store.owner import this_process
from agent.store.unit import LeaseLost
from config.model import CaldavCalendar, IcsCalendar
from config.secrets import Secret
from connectors.base import CalendarSink
from connectors.errors import Fatal, Unreachable
from tests.unit.reminder_room import MOVED, WAITING, Room, edit, remove, standing_question


@pytest.fixture
def room(database: Database, hasher: Hasher, tmp_path: Path) -> Room:
    folder = tmp_path / "calendar"
    folder.mkdir()
    room = Room(database=database, hasher=hasher, folder=folder)
    room.contact()
    return room


def down(calendar: object) -> CalendarSink:
    raise Unreachable("nobody answers")


def waiting(room: Room) -> list[leaving.LeftCalendar]:
    with room.database.read() as connection:
        return leaving.waiting(connection)


def another_calendar(room: Room, tmp_path: Path, name: str = "other") -> Path:
    """The mailbox is given another folder; the one it had."""
    before, room.folder = room.folder, tmp_path / name
    room.folder.mkdir(exist_ok=True)
    room.mailbox = room.mailbox.model_copy(update={"calendar": IcsCalendar(path=room.folder)})
    return before


def items_in(folder: Path) -> int:
    return len(list(folder.glob("*.ics")))


class TestLeaving:
    def test_future_items_go_and_reminders_are_not_needed_and_history_stays(self, room: Room) -> None:
        standing_question(room)
        room.leave()
        done = room.farewell()
        assert (done.removed, done.left, done.error) == (1, 0, None)
        assert room.shown() == []
        assert room.states() == {WAITING: "not-needed"}
        with room.database.read() as connection:
            assert len(connection.execute(sa.select(tables.interactions)).all()) == 1

    def test_what_has_passed_stays_in_the_calendar_as_it_was(self, room: Room) -> None:
        standing_question(room)
        room.wait(days=8)
        room.leave()
        assert room.farewell().removed == 0
        assert room.titles() == [WAITING]
        assert room.states() == {WAITING: "not-needed"}

    def test_what_its_owner_ticked_off_stays_theirs(self, room: Room) -> None:
        standing_question(room)
        edit(room, ("SUMMARY:Waiting", "SUMMARY:✓ Waiting"))
        room.leave()
        assert room.farewell().left == 0
        assert len(room.shown()) == 1

    def test_what_its_owner_typed_into_an_item_is_read_before_the_item_goes(self, room: Room) -> None:
        standing_question(room)
        edit(room, ("Note:", "Note:\\nShe is on holiday."))
        room.leave()
        room.farewell()
        assert room.shown() == []
        with room.database.read() as connection:
            assert connection.execute(sa.select(tables.texts.c.text)).scalars().all() == ["She is on holiday."]

    def test_a_calendar_that_is_down_is_emptied_once_it_is_back(self, room: Room) -> None:
        standing_question(room)
        room.leave()
        for number in range(4):
            failed = room.farewell(open_sink=down)
            assert (failed.left, failed.is_news) == (1, number == 0)
            room.wait(hours=7)
        assert room.titles() == [WAITING]
        assert room.farewell().removed == 1
        assert room.shown() == []
        assert waiting(room) == []

    def test_one_that_never_comes_back_is_given_up_and_said_so(self, room: Room) -> None:
        standing_question(room)
        room.leave()
        room.farewell(open_sink=down)
        room.wait(days=31)
        assert room.farewell(open_sink=down).stays == 1
        assert waiting(room) == []

    def test_an_item_whose_creation_nobody_confirmed_goes_too(self, room: Room) -> None:
        standing_question(room)
        with room.database.write() as connection:
            unconfirmed = {"href": None, "etag": None, "intent": "create", "written": None}
            connection.execute(sa.update(tables.calendar_items).values(**unconfirmed))
        room.leave()
        room.farewell()
        assert room.shown() == []

    def test_who_still_works_on_it_commits_nothing_and_is_waited_for(self, room: Room) -> None:
        standing_question(room)
        before = room.tending().lease
        room.leave()
        with pytest.raises(LeaseLost):
            room.tend(lease=before, eager=True)
        mailbox_id = room.ids[room.mailbox.address]
        with room.database.read() as connection:
            assert leaving.due(connection, room.now) == []
        assert leases.take_left(room.database, mailbox_id, this_process(), 60, room.now) is None

    def test_secrets_are_stored_as_references_only(self, room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DAV_PASSWORD", "hunter2")
        site = leaving.Site(
            place="here",
            calendar=CaldavCalendar(url="https://dav.example/", username="anna", password=Secret(env="DAV_PASSWORD")),
            zone="Europe/Berlin",
            at=room.mailbox.reminders.at,
        )
        mailbox_id = room.ids[room.mailbox.address]
        with room.database.write() as connection:
            leaving.settle(room.database, connection, mailbox_id, site, room.now)
        with room.database.read() as connection:
            assert leaving.is_settled(connection, mailbox_id, site)
            stored = connection.execute(sa.select(tables.calendars.c.described)).scalar_one()
        assert "hunter2" not in str(stored)
        assert stored["calendar"]["password"]["env"] == "DAV_PASSWORD"


class TestComingBack:
    @pytest.mark.parametrize("withdrawn", [True, False])
    def test_nothing_is_doubled_and_everything_stands_again(self, room: Room, withdrawn: bool) -> None:
        standing_question(room)
        before = room.shown()
        room.leave()
        room.farewell(**({} if withdrawn else {"open_sink": down}))
        room.wait(hours=2)
        room.come_back()
        room.tend(eager=True)
        room.tend(eager=True)
        assert [(one.uid, one.start) for one in room.shown()] == [(one.uid, one.start) for one in before]
        assert room.states() == {WAITING: "in-calendar"}
        assert room.intents() == []

    def test_an_item_that_went_although_nobody_confirmed_it_is_made_again(self, room: Room) -> None:
        standing_question(room)
        room.leave()
        remove(room)  # the withdrawal arrived; its answer did not
        room.come_back()
        for _ in range(3):
            room.tend()
        assert room.titles() == [WAITING]
        assert room.states() == {WAITING: "in-calendar"}

    def test_what_its_owner_moved_stands_where_they_put_it(self, room: Room) -> None:
        standing_question(room)
        edit(room, MOVED)
        room.tend()
        room.leave()
        room.farewell()
        room.come_back()
        room.tend()
        assert [one.start for one in room.shown()] == [datetime(2026, 3, 11, 14, 0)]
        assert room.states() == {WAITING: "snoozed"}

    def test_what_a_person_added_by_hand_is_not_lost(self, room: Room) -> None:
        due = datetime(2026, 3, 20, 9, 0)
        one = Standing(id="m", rule=MANUAL, state=PENDING, planned=due, due=due, title="Cake", why="", zone="UTC")
        with room.database.write() as connection:
            reminders.insert(room.database, connection, room.ids[room.mailbox.address], one, room.now)
        room.tend()
        room.leave()
        room.farewell()
        assert room.states() == {"Cake": "not-needed"}
        room.come_back()
        room.tend()
        assert room.states() == {"Cake": "in-calendar"}
        assert room.titles() == ["Cake"]

    def test_what_was_dismissed_stays_dismissed(self, room: Room) -> None:
        standing_question(room)
        remove(room)
        room.tend()
        room.leave()
        room.come_back()
        room.tend()
        assert room.shown() == []
        assert room.states() == {WAITING: "dismissed"}

    def test_an_answer_that_came_meanwhile_counts(self, room: Room) -> None:
        standing_question(room)
        room.leave()
        room.farewell()
        room.wait(hours=2)
        room.received()
        room.come_back()
        room.tend()
        assert room.shown() == []
        assert room.states() == {WAITING: "not-needed"}

    def test_after_its_time_the_rule_gives_it_a_new_morning_and_the_old_item_moves_there(self, room: Room) -> None:
        standing_question(room)
        room.wait(days=8)
        room.leave()
        room.farewell()
        room.come_back()
        room.tend()
        room.tend()
        assert [one.start for one in room.shown()] == [datetime(2026, 3, 11, 8, 30)]


class TestAnotherCalendar:
    def test_items_go_from_the_old_one_and_stand_in_the_new_one_once(self, room: Room, tmp_path: Path) -> None:
        standing_question(room)
        old = another_calendar(room, tmp_path)
        room.tend()
        room.tend()
        assert items_in(old) == 0
        assert room.titles() == [WAITING]
        assert room.states() == {WAITING: "in-calendar"}

    def test_what_its_owner_made_of_them_goes_along(self, room: Room, tmp_path: Path) -> None:
        standing_question(room)
        edit(room, MOVED, ("SUMMARY:Waiting", "SUMMARY:Ring her. Waiting"))
        room.tend()
        another_calendar(room, tmp_path)
        room.tend()
        (found,) = room.shown()
        assert (found.title, found.start) == (f"Ring her. {WAITING}", datetime(2026, 3, 11, 14, 0))

    def test_an_old_one_that_is_down_holds_up_nothing_and_is_emptied_later(self, room: Room, tmp_path: Path) -> None:
        standing_question(room)
        old = another_calendar(room, tmp_path)

        def open_sink(calendar: IcsCalendar) -> CalendarSink:
            return down(calendar) if calendar.path == old else room.open(calendar)

        tended = room.tend(open_sink=open_sink)
        assert "configured before" in str(tended.error)
        assert room.titles() == [WAITING]
        assert items_in(old) == 1
        room.wait(hours=1)
        assert room.tend().error is None
        assert items_in(old) == 0

    def test_back_to_the_old_one_before_it_was_emptied(self, room: Room, tmp_path: Path) -> None:
        standing_question(room)
        old = another_calendar(room, tmp_path)
        room.tend(open_sink=lambda calendar: down(calendar) if calendar.path == old else room.open(calendar))
        other = room.folder
        room.folder = old
        room.mailbox = room.mailbox.model_copy(update={"calendar": IcsCalendar(path=old)})
        for _ in range(2):
            room.wait(hours=1)
            room.tend()
        assert (items_in(old), items_in(other)) == (1, 0)
        assert room.states() == {WAITING: "in-calendar"}

    def test_a_calendar_that_was_named_by_mistake_and_never_answered_is_owed_nothing(
        self, room: Room, tmp_path: Path
    ) -> None:
        standing_question(room)
        right = another_calendar(room, tmp_path, "mistake")

        def open_sink(calendar: IcsCalendar) -> CalendarSink:
            return room.open(calendar) if calendar.path == right else down(calendar)

        room.tend(open_sink=open_sink)
        room.folder, room.mailbox = right, room.mailbox.model_copy(update={"calendar": IcsCalendar(path=right)})
        room.wait(hours=1)
        assert room.tend(open_sink=open_sink).error is None
        assert waiting(room) == []
        assert room.titles() == [WAITING]
        assert room.states() == {WAITING: "in-calendar"}

    def test_without_a_calendar_the_items_go_and_reminders_stand_in_the_list(self, room: Room) -> None:
        standing_question(room)
        folder = room.folder
        room.mailbox = room.mailbox.model_copy(update={"calendar": None})
        room.tend()
        assert items_in(folder) == 0
        assert room.states() == {WAITING: "pending"}

    def test_a_refusal_of_the_old_one_is_said_and_tried_once_a_day(self, room: Room, tmp_path: Path) -> None:
        standing_question(room)
        old = another_calendar(room, tmp_path)
        tries: list[datetime] = []

        def refuse(calendar: IcsCalendar) -> CalendarSink:
            if calendar.path != old:
                return room.open(calendar)
            tries.append(room.now)
            raise Fatal("the account is gone")

        for _ in range(48):
            room.tend(open_sink=refuse)
            room.wait(minutes=60)
        assert [later - first for first, later in pairwise(tries)] == [timedelta(days=1)]
