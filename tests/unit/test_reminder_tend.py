"""Everyday situations of reminders, on both databases and a real folder of calendar items."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from agent.store import feed
from agent.store.database import Database
from agent.store.hashes import Hasher
from tests.unit.reminder_room import MONDAY, Room, a_mailbox

THURSDAY = datetime(2026, 3, 5, 8, 30)
WAITING = "Waiting for an answer: Zoë Buyer"


@pytest.fixture
def room(database: Database, hasher: Hasher, tmp_path: Path) -> Room:
    folder = tmp_path / "calendar"
    folder.mkdir()
    return Room(database=database, hasher=hasher, folder=folder)


def test_a_question_stands_in_the_calendar_on_the_third_working_day(room: Room) -> None:
    room.contact()
    room.wrote(subject="Order 12")
    room.tend()
    (found,) = room.shown()
    assert (found.title, found.start, found.timezone) == (WAITING, THURSDAY, "Europe/Berlin")
    assert "2 March 2026" in found.description
    assert "Subject: Order 12" in found.description
    assert room.states() == {WAITING: "in-calendar"}


def test_an_answer_takes_it_away_before_anyone_saw_it(room: Room) -> None:
    room.contact()
    room.wrote()
    room.tend()
    room.wait(days=1)
    room.received()
    room.tend()
    assert room.shown() == []
    assert room.states() == {WAITING: "not-needed"}


def test_running_again_changes_nothing(room: Room) -> None:
    room.contact()
    room.wrote()
    room.tend()
    before = [path.read_bytes() for path in room.folder.glob("*.ics")]
    again = room.tend()
    assert not again.placed | again.withdrawn
    assert (again.published.created, again.published.updated) == (0, 0)
    assert [path.read_bytes() for path in room.folder.glob("*.ics")] == before


def test_what_asks_nothing_opens_nothing(room: Room) -> None:
    room.contact()
    room.wrote(asks=False)
    room.tend()
    assert room.reminders() == []


def test_a_postscript_without_a_question_leaves_the_question_open(room: Room) -> None:
    room.contact()
    room.wrote(asks=True)
    room.wait(hours=1)
    room.wrote(asks=False)
    room.tend()
    assert room.titles() == [WAITING]


@pytest.mark.parametrize("by", ["zoe", "colleague"])
def test_an_answer_of_a_colleague_of_the_same_company_counts(room: Room, by: str) -> None:
    room.contact("zoe", company="buyer")
    room.contact("colleague", company="buyer", name="Col League")
    room.wrote()
    room.tend()
    room.wait(hours=5)
    room.received(by)
    room.tend()
    assert room.shown() == []


def test_an_answer_of_another_company_does_not_count(room: Room) -> None:
    room.contact("zoe", company="buyer")
    room.contact("other", company="supplier", name="Somebody Else")
    room.wrote()
    room.wait(hours=5)
    room.received("other")
    room.tend()
    assert room.titles() == [WAITING]


def test_an_answer_into_a_colleagues_mailbox_counts(database: Database, hasher: Hasher, tmp_path: Path) -> None:
    room = Room(database=database, hasher=hasher, folder=tmp_path, others=(a_mailbox("ben@ourfirm.example"),))
    room.contact()
    room.wrote()
    room.tend()
    room.wait(hours=5)
    room.received(holder="ben@ourfirm.example")
    room.tend()
    assert room.shown() == []


def test_the_mailbox_that_wrote_last_waits_and_the_other_does_not(
    database: Database, hasher: Hasher, tmp_path: Path
) -> None:
    ben = a_mailbox("ben@ourfirm.example")
    room = Room(database=database, hasher=hasher, folder=tmp_path, others=(ben,))
    room.contact()
    room.wrote()
    room.tend()
    room.wait(hours=2)
    room.wrote(by="ben@ourfirm.example")
    room.tend()
    room.tend(mailbox=ben)
    states = {one.mailbox: one.state for one in room.reminders()}
    assert states == {"anna@ourfirm.example": "not-needed", "ben@ourfirm.example": "pending"}


def test_an_answer_as_a_new_mail_with_the_same_subject_counts(room: Room) -> None:
    room.contact()
    room.wrote(subject="Order 12")
    room.tend()
    room.wait(hours=5)
    room.received(thread="t2", subject="AW: order 12")
    room.tend()
    assert room.shown() == []


def test_another_mail_about_something_else_does_not(room: Room) -> None:
    room.contact()
    room.wrote(subject="Order 12")
    room.wait(hours=5)
    room.received(thread="t2", subject="Christmas party")
    room.tend()
    assert room.titles() == [WAITING]


def test_a_meeting_with_them_settles_it(room: Room) -> None:
    room.contact()
    room.wrote()
    room.tend()
    room.wait(days=1)
    room.met()
    room.tend()
    assert room.shown() == []


def test_a_bounce_ends_the_waiting_and_says_so(room: Room) -> None:
    room.contact()
    room.wrote()
    room.tend()
    room.wait(hours=1)
    room.bounced()
    room.tend()
    assert room.titles() == ["Not delivered: Zoë Buyer"]
    assert room.shown()[0].start == datetime(2026, 3, 3, 8, 30)
    room.wait(hours=1)
    room.wrote(thread="t2", asks=False)
    room.tend()
    assert room.shown() == []


def test_an_out_of_office_is_no_answer_and_doubles_the_wait(room: Room) -> None:
    room.contact()
    room.wrote()
    room.tend()
    room.bounced(kind="auto-reply")
    room.tend()
    (found,) = room.shown()
    assert found.start == datetime(2026, 3, 10, 8, 30)


def test_an_out_of_office_that_names_the_return_moves_it_past_that_day(room: Room) -> None:
    room.contact()
    room.wrote()
    room.tend()
    room.bounced(kind="auto-reply", back_on=date(2026, 3, 20))
    room.tend()
    assert room.shown()[0].start == datetime(2026, 3, 23, 8, 30)


def test_a_return_before_the_day_it_stands_at_moves_nothing(room: Room) -> None:
    room.contact()
    room.wrote()
    room.bounced(kind="auto-reply", back_on=date(2026, 3, 3))
    room.tend()
    assert room.shown()[0].start == THURSDAY


def test_a_promise_to_come_back_moves_it_to_the_working_day_after_once(room: Room) -> None:
    room.contact()
    room.wrote()
    room.tend()
    room.wait(hours=3)
    room.received(holds_until=date(2026, 3, 13))
    room.tend()
    (found,) = room.shown()
    assert found.start == datetime(2026, 3, 16, 8, 30)
    assert "They promised an answer by 13 March 2026." in found.description
    room.wait(days=7)
    room.received(holds_until=date(2026, 3, 20))
    room.tend()
    assert room.shown() == []


def test_a_promise_in_a_new_thread_counts_and_so_does_the_answer_after_it(room: Room) -> None:
    room.contact()
    room.wrote(subject="Order 12")
    room.wait(hours=3)
    room.received(thread="t2", subject="Re: Order 12", holds_until=date(2026, 3, 13))
    room.tend()
    assert room.shown()[0].start == datetime(2026, 3, 16, 8, 30)
    room.wait(days=1)
    room.received(thread="t3", subject="Re: Order 12")
    room.tend()
    assert room.shown() == []


def test_an_announcement_to_many_waits_for_nobody(room: Room) -> None:
    room.contact()
    room.wrote(recipients=40)
    room.tend()
    assert room.reminders() == []


def test_without_text_only_a_flag_says_that_something_is_open(
    database: Database, hasher: Hasher, tmp_path: Path
) -> None:
    room = Room(database=database, hasher=hasher, folder=tmp_path, mailbox=a_mailbox(flagged=None))
    room.contact()
    id = room.wrote(asks=None, subject=None)
    room.tend()
    assert room.shown() == []
    room.flag(id, True)
    room.tend()
    assert room.titles() == [WAITING]
    assert "Subject" not in room.shown()[0].description


def test_a_flag_reminds_on_its_due_date_and_clearing_it_withdraws(room: Room) -> None:
    room.contact()
    id = room.received(flagged=True, flag_due=date(2026, 3, 14))
    room.tend()
    (found,) = room.shown()
    assert (found.title, found.start) == ("Follow up: Zoë Buyer", datetime(2026, 3, 14, 8, 30))
    room.flag(id, True)
    room.tend()
    assert room.shown()[0].start == THURSDAY
    room.flag(id, False)
    room.tend()
    assert room.shown() == []


def test_a_flag_due_in_a_year_that_no_calendar_has_reminds_as_one_without_a_date(room: Room) -> None:
    room.contact()
    room.received(flagged=True, flag_due=date(4501, 1, 1))
    room.tend()
    assert [found.start for found in room.shown()] == [THURSDAY]


def test_what_is_overdue_at_first_sight_stands_on_the_next_working_morning(room: Room) -> None:
    room.contact()
    room.wrote(at=MONDAY - timedelta(days=20))
    room.wait(days=4)  # Friday 10:00 in Berlin
    room.tend()
    assert room.shown()[0].start == datetime(2026, 3, 9, 8, 30)


def test_old_reasons_make_none(room: Room) -> None:
    room.contact()
    room.wrote(at=MONDAY - timedelta(days=31))
    room.tend()
    assert room.reminders() == []


def test_a_reminder_that_stands_does_not_vanish_because_it_grows_old(room: Room) -> None:
    room.contact()
    room.wrote()
    room.tend()
    room.wait(days=40)
    room.tend()
    assert room.titles() == [WAITING]


def test_a_first_sync_floods_no_calendar(room: Room) -> None:
    for number in range(12):
        room.contact(f"c{number:02}", name=f"Contact {number:02}")
        room.wrote(f"c{number:02}", thread=f"t{number}", at=MONDAY - timedelta(days=20, minutes=-number))
    room.tend()
    titles = room.titles()
    assert len(titles) == 6
    assert titles[0] == "7 more follow-ups"
    assert {found.start for found in room.shown()} == {datetime(2026, 3, 3, 8, 30)}
    assert titles[1:] == [f"Waiting for an answer: Contact {number:02}" for number in range(7, 12)]
    assert set(room.states().values()) == {"in-calendar"}
    assert len(room.reminders()) == 12


def test_a_bundle_shrinks_and_goes_with_its_members(room: Room) -> None:
    for number in range(7):
        room.contact(f"c{number}", name=f"Contact {number}")
        room.wrote(f"c{number}", thread=f"t{number}", at=MONDAY - timedelta(minutes=number))
    room.tend()
    assert room.titles()[0] == "2 more follow-ups"
    room.wait(hours=1)
    room.received("c6", thread="t6")
    room.tend()
    bundle = room.shown()[0]
    assert bundle.title == "1 more follow-up"
    assert "Contact 5" in bundle.description
    room.received("c5", thread="t5")
    room.tend()
    assert len(room.titles()) == 5
    assert "follow-up" not in "".join(room.titles())


def test_a_folder_that_is_not_read_to_its_end_lets_no_rule_fire(room: Room, database: Database) -> None:

    from agent.store import tables

    room.contact()
    room.wrote()
    with database.write() as connection:
        connection.execute(sa.update(tables.folders).values(stopped="refused"))
    room.tend()
    assert room.reminders() == []
    with database.write() as connection:
        connection.execute(sa.update(tables.folders).values(stopped=None))
    room.tend()
    assert room.titles() == [WAITING]


def test_a_bounce_of_a_mail_that_asked_nothing_reminds_too(room: Room) -> None:
    room.contact()
    room.wrote(asks=False)
    room.wait(hours=1)
    room.bounced()
    room.tend()
    assert room.titles() == ["Not delivered: Zoë Buyer"]


def test_without_a_calendar_reminders_are_kept_and_wait(room: Room) -> None:
    room.contact()
    room.wrote()
    room.tend(open_sink=None)
    assert room.states() == {WAITING: "pending"}
    assert room.shown() == []
    room.tend()
    assert room.states() == {WAITING: "in-calendar"}


def test_all_times_are_told_with_their_offset(room: Room) -> None:
    room.contact()
    room.wrote()
    room.tend()
    (one,) = room.reminders()
    told = one.told()
    assert told["due_at"] == "2026-03-05T08:30:00+01:00"
    assert (told["contact"], told["mailbox"], told["calendar"]) == ("zoe@buyer.example", "anna@ourfirm.example", "ics")
    assert told["uid"] == f"{one.id}@{room.installation}"
    with room.database.read() as connection:
        bodies = [entry.change.body for entry in feed.read(connection, 0, 100) if entry.change.kind == "reminder"]
    assert bodies[-1] == told
    assert one.due_at == datetime(2026, 3, 5, 7, 30, tzinfo=UTC)


def test_who_joins_a_bundle_that_says_the_same_as_before_is_in_the_calendar_too(
    database: Database, hasher: Hasher, tmp_path: Path
) -> None:
    room = Room(database=database, hasher=hasher, folder=tmp_path, mailbox=a_mailbox(per_day=1))
    for name in ("zoe", "max"):
        room.contact(name, name=name.title())
        room.wrote(name, thread=name)
        room.wait(minutes=5)
    room.tend()
    for name in ("zoe", "max"):
        room.wrote(name, thread=name)  # asked again: another reason under the same title
        room.wait(minutes=5)
    room.tend()
    room.tend()
    assert sorted(one.state for one in room.reminders()) == ["in-calendar", "in-calendar", "not-needed", "not-needed"]
