"""Rules about a customer rather than a thread: late orders, days that matter, meetings, promises; each by itself."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from agent.store.database import Database
from agent.store.hashes import Hasher
from config.model import KeyDate, LateOrder, MeetingFollowUp, PromiseRule
from tests.unit.reminder_room import Room
from tests.unit.rule_room import ANNA, BEN, a_room, database

__all__ = ["database"]


class TestLateOrder:
    @pytest.fixture
    def room(self, database: Database, hasher: Hasher, tmp_path: Path) -> Room:
        return a_room(database, hasher, tmp_path, late_order=LateOrder())

    def regular(self, room: Room, *, gaps: tuple[int, ...], last: date, contact: str = "zoe") -> None:
        days = [last]
        for gap in reversed(gaps):
            days.append(days[-1] - timedelta(days=gap))
        room.bought(*days, contact=contact)

    def test_a_buyer_who_is_late_by_their_own_rhythm_is_told_with_the_reason(self, room: Room) -> None:
        room.contact(owner=ANNA)
        self.regular(room, gaps=(30, 29, 31, 30, 30), last=date(2026, 1, 20))
        room.tend()
        (one,) = room.reminders()
        assert one.title == "No order yet: Zoë Buyer"
        assert one.why.startswith("Buys about every 30 days, last on 20 January 2026")
        assert "9 of 10 of their gaps" in one.why

    def test_who_is_within_their_rhythm_is_not(self, room: Room) -> None:
        room.contact(owner=ANNA)
        self.regular(room, gaps=(30, 29, 31, 30, 30), last=date(2026, 2, 5))
        room.tend()
        assert room.reminders() == []

    def test_an_irregular_buyer_has_more_time_than_a_regular_one(self, room: Room) -> None:
        room.contact("zoe", owner=ANNA)
        room.contact("max", owner=ANNA, name="Max Other")
        last = date(2026, 1, 2)
        self.regular(room, gaps=(30, 29, 31, 30, 30), last=last)
        self.regular(room, gaps=(10, 70, 15, 60, 30), last=last, contact="max")
        room.tend()
        assert room.titles() == ["No order yet: Zoë Buyer"]

    def test_three_purchases_show_no_rhythm(self, room: Room) -> None:
        room.contact(owner=ANNA)
        self.regular(room, gaps=(30, 30), last=date(2026, 1, 20))
        room.tend()
        assert room.reminders() == []

    def test_orders_of_one_day_are_one(self, room: Room) -> None:
        room.contact(owner=ANNA)
        day = date(2026, 1, 10)
        room.bought(day, day, day, day - timedelta(days=30), day - timedelta(days=30))
        room.tend()
        assert room.reminders() == []

    def test_the_purchase_takes_it_away(self, room: Room) -> None:
        room.contact(owner=ANNA)
        self.regular(room, gaps=(30, 29, 31, 30, 30), last=date(2026, 1, 20))
        room.tend()
        assert len(room.shown()) == 1
        room.bought(date(2026, 3, 1))
        room.tend()
        assert room.shown() == []

    def test_who_left_long_ago_floods_nobody(self, room: Room) -> None:
        room.contact(owner=ANNA)
        self.regular(room, gaps=(30, 29, 31, 30, 30), last=date(2025, 3, 1))
        room.tend()
        assert room.reminders() == []


class TestKeyDate:
    @pytest.fixture
    def room(self, database: Database, hasher: Hasher, tmp_path: Path) -> Room:
        fields = (("birthday", timedelta(days=1)), ("renewal", timedelta(days=30)))
        return a_room(database, hasher, tmp_path, key_date=KeyDate(fields=fields))

    @pytest.mark.parametrize("written", ["1980-03-12", "--03-12"])
    def test_a_birthday_comes_every_year(self, room: Room, written: str) -> None:
        room.contact(owner=ANNA, fields={"birthday": written})
        room.tend()
        (one,) = room.reminders()
        assert (one.title, one.why) == ("Birthday: Zoë Buyer", "The birthday of Zoë Buyer is on 12 March 2026.")
        assert one.due_at.isoformat() == "2026-03-11T08:30:00+01:00"

    def test_before_a_weekend_it_is_said_on_friday(self, room: Room) -> None:
        room.contact(owner=ANNA, fields={"birthday": "1980-03-15"})
        room.tend()
        assert [found.start for found in room.shown()] == [datetime(2026, 3, 13, 8, 30)]

    def test_a_date_far_ahead_waits_for_its_time(self, room: Room) -> None:
        room.contact(owner=ANNA, fields={"renewal": "2026-06-30"})
        room.tend()
        assert room.reminders() == []
        room.wait(days=80)
        room.tend()
        assert [one.title for one in room.reminders()] == ["Renewal: Zoë Buyer"]

    def test_a_date_that_passes_or_changes_takes_it_away(self, room: Room) -> None:
        room.contact(owner=ANNA, fields={"renewal": "2026-04-01"})
        room.tend()
        assert len(room.shown()) == 1
        room.change("zoe", fields={"renewal": "2027-04-01"})
        room.tend()
        assert room.shown() == []
        room.change("zoe", fields={"renewal": "2026-04-01"})
        room.tend()
        assert len(room.shown()) == 1
        room.wait(days=31)
        room.tend()
        assert [one.state for one in room.reminders()] == ["not-needed"]

    @pytest.mark.parametrize("written", ["soon", "2026-02-30", "03/12/2026", ""])
    def test_what_is_no_day_is_none(self, room: Room, written: str) -> None:
        room.contact(owner=ANNA, fields={"renewal": written})
        room.tend()
        assert room.reminders() == []

    def test_29_february_is_1_march_in_other_years(self, room: Room) -> None:
        room.now = datetime(2026, 2, 20, 9, 0, tzinfo=UTC)
        room.contact(owner=ANNA, fields={"birthday": "1980-02-29"})
        room.tend()
        assert [one.why for one in room.reminders()] == ["The birthday of Zoë Buyer is on 1 March 2026."]


class TestMeetingFollowUp:
    @pytest.fixture
    def room(self, database: Database, hasher: Hasher, tmp_path: Path) -> Room:
        return a_room(database, hasher, tmp_path, meeting_follow_up=MeetingFollowUp())

    def test_after_a_meeting_somebody_should_write(self, room: Room) -> None:
        room.contact()
        room.met(hours=1)
        room.tend()
        assert room.reminders() == []
        room.wait(hours=2)
        room.tend()
        (one,) = room.reminders()
        assert one.title == "Follow up the meeting: Zoë Buyer"
        assert one.due_at.isoformat() == "2026-03-03T11:00:00+01:00"

    def test_in_the_evening_nothing_is_due(self, room: Room) -> None:
        room.now = datetime(2026, 3, 6, 17, 30, tzinfo=UTC)  # a Friday
        room.contact()
        room.met(hours=1)
        room.wait(hours=2)
        room.tend()
        assert [one.due_at.isoformat() for one in room.reminders()] == ["2026-03-09T08:30:00+01:00"]

    @pytest.mark.parametrize("by", [ANNA, BEN])
    def test_our_mail_takes_it_away(self, room: Room, by: str) -> None:
        room.contact()
        room.met(hours=1)
        room.wait(hours=2)
        room.tend()
        assert len(room.shown()) == 1
        room.wrote(by=by, thread="t9", asks=False)
        room.tend()
        assert room.shown() == []

    def test_a_cancelled_one_is_followed_by_nothing(self, room: Room) -> None:
        room.contact()
        meeting = room.met(hours=1)
        room.cancel(meeting)
        room.wait(hours=2)
        room.tend()
        assert room.reminders() == []

    def test_one_of_us_is_reminded_whoever_owns_the_contact_first(self, room: Room) -> None:
        room.contact(owner=BEN)
        room.met(hours=1, by=(ANNA, BEN))
        room.wait(hours=2)
        room.tend()
        room.tend(mailbox=room.others[0])
        assert [one.mailbox for one in room.reminders()] == [BEN]


class TestPromise:
    @pytest.fixture
    def room(self, database: Database, hasher: Hasher, tmp_path: Path) -> Room:
        return a_room(database, hasher, tmp_path, promise=PromiseRule())

    def test_a_promise_only_suggests(self, room: Room) -> None:
        room.contact()
        room.wrote(asks=False, promises=date(2026, 3, 8))  # a Sunday
        room.tend()
        (one,) = room.reminders()
        assert (one.title, one.state) == ("Keep your promise: Zoë Buyer", "suggested")
        assert one.why == "Your mail of 2 March 2026 seems to promise something by 8 March 2026."
        assert one.due_at.isoformat() == "2026-03-06T08:30:00+01:00"
        assert room.shown() == []

    def test_accepted_it_stands_in_the_calendar_until_its_owner_is_done(self, room: Room) -> None:
        room.contact()
        room.wrote(asks=False, promises=date(2026, 3, 6))
        room.tend()
        room.accept("Keep your promise: Zoë Buyer")
        room.tend()
        assert room.titles() == ["Keep your promise: Zoë Buyer"]
        room.wait(days=20)
        room.tend()
        assert room.titles() == ["Keep your promise: Zoë Buyer"]

    def test_a_suggestion_goes_when_its_day_has_passed(self, room: Room) -> None:
        room.contact()
        room.wrote(asks=False, promises=date(2026, 3, 6))
        room.tend()
        room.wait(days=6)
        room.tend()
        assert room.states() == {"Keep your promise: Zoë Buyer": "not-needed"}

    def test_writing_again_keeps_it(self, room: Room) -> None:
        room.contact()
        room.wrote(asks=False, promises=date(2026, 3, 6))
        room.tend()
        room.wait(days=1)
        room.wrote(asks=False)
        room.tend()
        assert room.states() == {"Keep your promise: Zoë Buyer": "not-needed"}

    def test_dismissed_it_is_not_suggested_again(self, room: Room) -> None:
        room.contact()
        room.wrote(asks=False, promises=date(2026, 3, 6))
        room.tend()
        room.dismiss("Keep your promise: Zoë Buyer")
        room.tend()
        assert room.states() == {"Keep your promise: Zoë Buyer": "dismissed"}
