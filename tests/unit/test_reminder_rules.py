"""Each rule by itself: due, not due, gone by itself, through the rows that it is given."""

from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from agent.reminders.rules.waiting_for_them import same_subject
from agent.store.database import Database
from agent.store.hashes import Hasher
from config.model import AfterRule, GoneQuiet, KeyDate, LateOrder, MeetingFollowUp, PromiseRule
from tests.unit.reminder_room import MONDAY, Room
from tests.unit.rule_room import ANNA, BEN, a_room, database

__all__ = ["database"]


def test_every_rule_is_given_its_rows_by_both_databases(database_url: str, hasher: Hasher, tmp_path: Path) -> None:
    database = Database(database_url)
    every = {
        "waiting_for_us": AfterRule(),
        "gone_quiet": GoneQuiet(after=timedelta(days=40)),
        "late_order": LateOrder(),
        "key_date": KeyDate(),
        "meeting_follow_up": MeetingFollowUp(),
        "promise": PromiseRule(),
    }
    room = a_room(database, hasher, tmp_path, **every)
    for name in ("zoe", "max", "eva"):
        room.contact(name, owner=ANNA, fields={"birthday": "1980-03-12"} if name == "eva" else {})
    room.wrote("max", asks=False, at=MONDAY - timedelta(days=45), thread="t2")
    room.bought(*(date(2026, 1, 20) - timedelta(days=30 * number) for number in range(6)))
    room.wrote("eva", asks=False, thread="t3", promises=date(2026, 3, 6), at=MONDAY - timedelta(hours=6))
    room.received("zoe", asks=True)
    room.met("zoe", at=MONDAY - timedelta(hours=3))
    room.tend()
    room.wait(minutes=1)
    room.received("zoe", asks=True)
    room.tend()
    assert {one.rule for one in room.reminders()} == set(every)
    assert sorted(one.state for one in room.reminders()).count("suggested") == 1
    database.close()


@pytest.mark.parametrize(
    "subject",
    [
        *("order 12", "Re: Order 12", "AW: WG: Order 12", "RE[2]: Order 12", "VS: Order 12", "VL: SV: Order 12"),
        *("回复：Order 12", "转发: 答复: Order 12", "Odp: PD: Order 12", "ΑΠ: Order 12"),
    ],
)
def test_subjects_are_the_same_but_for_what_programs_put_in_front(subject: str) -> None:
    assert same_subject(subject, "Order 12")
    assert not same_subject(f"{subject}0", "Order 12")


class TestWaitingForUs:
    @pytest.fixture
    def room(self, database: Database, hasher: Hasher, tmp_path: Path) -> Room:
        return a_room(database, hasher, tmp_path, waiting_for_us=AfterRule())

    def test_a_letter_to_us_is_due_on_the_third_working_day(self, room: Room) -> None:
        room.contact()
        room.received(asks=True)
        room.tend()
        (found,) = room.shown()
        assert (found.title, found.start) == ("Answer Zoë Buyer", datetime(2026, 3, 5, 8, 30))
        assert "wrote to you on 2 March 2026, and nobody has answered" in found.description

    def test_thanks_owe_nothing(self, room: Room) -> None:
        room.contact()
        room.received(asks=False, words=3)
        room.tend()
        assert room.reminders() == []

    def test_a_long_statement_without_a_question_wants_an_answer(self, room: Room) -> None:
        room.contact()
        room.received(asks=False, words=60)
        room.tend()
        assert room.titles() == ["Answer Zoë Buyer"]

    def test_a_copy_owes_nothing(self, room: Room) -> None:
        room.contact()
        room.received(asks=True, to=["colleague@elsewhere.example"])
        room.tend()
        assert room.reminders() == []

    def test_who_promises_more_has_the_next_word(self, room: Room) -> None:
        room.contact()
        room.received(asks=False, words=30, holds_until=date(2026, 3, 9))
        room.tend()
        assert room.reminders() == []

    @pytest.mark.parametrize("by", [ANNA, BEN])
    def test_any_colleagues_answer_takes_it_away(self, room: Room, by: str) -> None:
        room.contact()
        room.received(asks=True)
        room.tend()
        room.wait(hours=3)
        room.wrote(by=by, asks=False)
        room.tend()
        assert room.shown() == []

    def test_an_answer_as_a_new_mail_of_the_same_subject_counts(self, room: Room) -> None:
        room.contact()
        room.received(asks=True, subject="Order 12")
        room.wait(hours=3)
        room.wrote(thread="t2", subject="Re: Order 12", asks=False)
        room.tend()
        assert room.shown() == []

    def test_the_mailbox_that_owns_the_contact_answers_else_the_first_in_to(self, room: Room) -> None:
        room.contact("zoe", owner="Ben@OurFirm.example")
        room.contact("max", name="Max Other")
        room.received("zoe", asks=True, to=[ANNA, BEN])
        room.received("max", asks=True, to=[ANNA, BEN], thread="t2")
        room.tend()
        room.tend(mailbox=room.others[0])
        assert sorted((one.mailbox, one.title) for one in room.reminders()) == [
            (ANNA, "Answer Max Other"),
            (BEN, "Answer Zoë Buyer"),
        ]

    @pytest.mark.parametrize(("flagged", "titles"), [(True, ["Answer Zoë Buyer"]), (False, [])])
    def test_without_text_only_a_flag_says_so(self, room: Room, flagged: bool, titles: list[str]) -> None:
        room.contact()
        room.received(asks=None, words=None, flagged=flagged)
        room.tend()
        assert room.titles() == titles

    def test_an_announcement_to_many_wants_no_answer(self, room: Room) -> None:
        room.contact()
        room.received(asks=True, recipients=12)
        room.tend()
        assert room.reminders() == []


class TestGoneQuiet:
    @pytest.fixture
    def room(self, database: Database, hasher: Hasher, tmp_path: Path) -> Room:
        stages = (("lead", timedelta(days=14)), ("lost", None))
        return a_room(database, hasher, tmp_path, gone_quiet=GoneQuiet(after=timedelta(days=40), stages=stages))

    def test_a_customer_of_ours_is_missed_once_the_time_is_up(self, room: Room) -> None:
        room.contact(owner=ANNA)
        room.wrote(asks=False)
        room.wait(days=39)
        room.tend()
        assert room.reminders() == []
        room.wait(days=1, hours=1)
        room.tend()
        (one,) = room.reminders()
        assert one.title == "Get in touch: Zoë Buyer"
        assert one.why == "Nothing since a mail on 2 March 2026; you asked to hear of it after 40 days."
        assert one.due_at.isoformat() == "2026-04-13T08:30:00+02:00"

    @pytest.mark.parametrize("how", ["mail", "call", "meeting"])
    def test_any_contact_with_anybody_of_ours_takes_it_away(self, room: Room, how: str) -> None:
        room.contact(owner=ANNA)
        room.wrote(asks=False)
        room.wait(days=41)
        room.tend()
        assert room.titles() == ["Get in touch: Zoë Buyer"]
        deeds = {"mail": lambda: room.wrote(by=BEN, asks=False), "call": room.called, "meeting": room.met}
        deeds[how]()
        room.tend()
        assert room.shown() == []

    def test_a_note_to_oneself_is_no_contact(self, room: Room) -> None:
        room.contact(owner=ANNA)
        room.wrote(asks=False)
        room.wait(days=39)
        room.called(kind="note")
        room.wait(days=2)
        room.tend()
        assert room.titles() == ["Get in touch: Zoë Buyer"]

    @pytest.mark.parametrize(("stage", "count"), [("lead", 1), ("lost", 0), ("customer", 0)])
    def test_each_stage_has_its_own_patience(self, room: Room, stage: str, count: int) -> None:
        room.contact(owner=ANNA, stage=stage)
        room.wrote(asks=False)
        room.wait(days=20)
        room.tend()
        assert len(room.reminders()) == count

    def test_a_meeting_to_come_is_no_silence_and_a_cancelled_one_is(self, room: Room) -> None:
        room.contact(owner=ANNA)
        room.wrote(asks=False)
        meeting = room.met(at=MONDAY + timedelta(days=60))
        room.wait(days=41)
        room.tend()
        assert room.reminders() == []
        room.cancel(meeting)
        room.tend()
        assert room.titles() == ["Get in touch: Zoë Buyer"]

    def test_whose_customer_they_are_decides(self, room: Room) -> None:
        room.contact(owner=BEN)
        room.wrote(asks=False)
        room.wait(days=41)
        room.tend()
        assert room.reminders() == []

    def test_who_has_been_quiet_for_years_floods_nobody(self, room: Room) -> None:
        room.contact(owner=ANNA)
        room.wrote(asks=False, at=MONDAY - timedelta(days=700))
        room.tend()
        assert room.reminders() == []

    def test_dismissed_it_does_not_come_back_for_the_same_silence(self, room: Room) -> None:
        room.contact(owner=ANNA)
        room.wrote(asks=False)
        room.wait(days=41)
        room.tend()
        room.dismiss("Get in touch: Zoë Buyer")
        room.wait(days=3)
        room.tend()
        assert room.states() == {"Get in touch: Zoë Buyer": "dismissed"}
        room.wrote(asks=False)
        room.wait(days=41)
        room.tend()
        assert [one.state for one in room.reminders()] == ["dismissed", "in-calendar"]

    def test_it_stands_while_the_silence_grows_old(self, room: Room) -> None:
        room.contact(owner=ANNA)
        room.wrote(asks=False)
        room.wait(days=41)
        room.tend()
        room.wait(days=90)
        room.tend()
        assert room.titles() == ["Get in touch: Zoë Buyer"]
