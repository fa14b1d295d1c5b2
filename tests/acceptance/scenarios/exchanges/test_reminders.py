"""Reminders in the calendars of both Exchanges: what their owners do to them stays, and each stands once."""

import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from agent.reminders.calendar_days import existing
from config.model import AfterRule, Reminders, WorkingDays
from tests.acceptance.scenarios.exchanges.words import (
    Owner,
    add_reminder,
    calendar,
    drag,
    fair_weather,
    keep_back,
    lose_answer,
    remind,
    reword,
    throw_out,
)
from tests.acceptance.scenarios.harness import Desk
from tests.acceptance.scenarios.letters import ANNA, KIM, LEA, letter

BERLIN = ZoneInfo("Europe/Berlin")
SOON = datetime.now(UTC).replace(microsecond=0, second=0) + timedelta(days=5)


@pytest.fixture
def kim(desk: Desk) -> str:
    """The id of a contact."""
    return desk.know("Kim Lang", "kim.lang@customer.example")


@pytest.fixture
def reminded(desk: Desk, user: Owner) -> Owner:
    """A mailbox in which a flagged mail asks for an answer, read once. Lea is a contact as well."""
    desk.know("Lea Leser", LEA)
    user.append("INBOX", letter(subject="Offer"), flags=("\\Flagged",))
    desk.read(user)
    remind(desk, user, Reminders(flagged=AfterRule(after=WorkingDays(count=3))))
    desk.sync(meanwhile=True)
    assert len(calendar(user)) == 1
    return user


def test_scenario_37_an_answer_that_is_lost_leaves_one_item(desk: Desk, user: Owner, kim: str) -> None:
    """The item was made and nobody here knows: the next pass finds it."""
    desk.read(user)
    remind(desk, user, Reminders())
    desk.sync(meanwhile=True)
    add_reminder(desk, kim, "Call Kim", datetime(2099, 5, 4, 9, 0))
    lose_answer(user, "create")
    with desk.open() as house:
        desk.attempt(house, meanwhile=True)
    for _ in range(2):
        assert [item.title for item in calendar(user)] == ["Call Kim"]
        desk.sync(meanwhile=True)
    assert desk.count("reminders", "state = 'in-calendar'") == 1


def test_scenario_38_what_the_owner_makes_of_a_reminder_is_kept(desk: Desk, reminded: Owner) -> None:
    """Another title and another time stand through passes in which other reminders are written."""
    (item,) = calendar(reminded)
    reword(reminded, item, "Call about the offer")
    drag(reminded, calendar(reminded)[0], SOON)
    reminded.append("INBOX", letter(subject="Another", from_=LEA), flags=("\\Flagged",))
    for _ in range(2):
        desk.sync(meanwhile=True)
    assert len(calendar(reminded)) == 2
    kept = [item for item in calendar(reminded) if item.title == "Call about the offer"]
    assert [item.start for item in kept] == [SOON]
    assert desk.count("reminders", "state = 'snoozed'") == 1


def test_scenario_38_a_change_that_the_server_keeps_back_is_read_when_it_can_be(desk: Desk, reminded: Owner) -> None:
    """Told once and not to be read: it is asked for again, though it never changes again, and holds nothing up."""
    desk.sync(meanwhile=True)  # what was written a moment ago is looked for anyhow
    (item,) = calendar(reminded)
    drag(reminded, item, SOON)
    keep_back(reminded, item)
    reminded.append("INBOX", letter(subject="Another", from_=LEA), flags=("\\Flagged",))
    for _ in range(2):
        desk.sync(meanwhile=True)
        assert desk.count("reminders", "state = 'snoozed'") == 0
        assert len(calendar(reminded)) == 2
    fair_weather(reminded)
    desk.sync(meanwhile=True)
    assert desk.count("reminders", "state = 'snoozed'") == 1
    assert [one.start for one in calendar(reminded) if one.title == item.title] == [SOON]


def test_scenario_38_a_reminder_that_was_thrown_out_does_not_come_back(desk: Desk, reminded: Owner) -> None:
    """Not in the next pass, and not when the calendar is read from the beginning."""
    throw_out(reminded, calendar(reminded)[0])
    desk.sync(meanwhile=True)
    assert desk.count("reminders", "state = 'dismissed'") == 1
    reminded.append("INBOX", letter(subject="News"))
    desk.sync(meanwhile=True)
    assert calendar(reminded) == []


def test_scenario_39_nine_oclock_is_nine_oclock_on_either_side_of_a_change_of_time(
    desk: Desk, user: Owner, kim: str
) -> None:
    """As the server has it, and as it is read back: no pass takes the change of time for a move by the owner.

    Half past two of a night that has none is half past three.
    """
    spring, autumn = _change_of_time(timedelta(hours=1)), _change_of_time(timedelta(hours=-1))
    desk.read(user)
    remind(desk, user, Reminders())
    desk.sync(meanwhile=True)
    wanted = {
        "A eve of spring": (spring - timedelta(days=1), time(9), time(8)),
        "B spring": (spring, time(9), time(7)),
        "C night of spring": (spring, time(2, 30), time(1, 30)),
        "D eve of autumn": (autumn - timedelta(days=1), time(9), time(7)),
        "E autumn": (autumn, time(9), time(8)),
    }
    for title, (day, wall, _) in wanted.items():
        add_reminder(desk, kim, title, existing(datetime.combine(day, wall), "Europe/Berlin"))
    for _ in range(2):
        desk.sync(meanwhile=True)
        assert {item.title: item.start for item in calendar(user)} == {
            title: datetime.combine(day, instant, tzinfo=UTC) for title, (day, _, instant) in wanted.items()
        }
    assert desk.count("reminders", "state = 'in-calendar'") == len(wanted)


def _change_of_time(by: timedelta) -> date:
    """The next day but one or later on which clocks in Berlin are put on (or back) in the night."""
    noons = [datetime.combine(date.today(), time(12), tzinfo=BERLIN) + timedelta(days=ahead) for ahead in range(2, 380)]
    offsets = [noon.utcoffset() for noon in noons]
    return next(noons[n].date() for n in range(1, len(noons)) if offsets[n] == (offsets[n - 1] or timedelta()) + by)


def test_scenario_45_a_database_of_yesterday_makes_no_second_item_and_logs_nothing_twice(
    desk: Desk, user: Owner, tmp_path: Path
) -> None:
    """Mail, moves and a reminder of today are found again under their old names."""
    user.create("Customers")
    number = user.append("INBOX", letter(subject="Yesterday"))
    desk.read(user)
    remind(desk, user, Reminders(flagged=AfterRule(after=WorkingDays(count=3))))
    desk.sync(meanwhile=True)
    file = Path(str(sa.make_url(desk.settings.store.url).database))
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(tmp_path / "backup.db")) as target:
        source.backup(target)
    user.move(number, "INBOX", "Customers")
    user.append("INBOX", letter(subject="Today"), flags=("\\Flagged",))
    user.append("Sent", letter(subject="Sent today", from_=ANNA, to=KIM))
    desk.sync(meanwhile=True)
    before = {(one.id, one.subject, one.folders) for one in desk.history()}
    items = calendar(user)
    for leftover in (f"{file}-wal", f"{file}-shm"):
        Path(leftover).unlink(missing_ok=True)
    (tmp_path / "backup.db").rename(file)
    for _ in range(2):
        desk.sync(meanwhile=True)
        assert {(one.id, one.subject, one.folders) for one in desk.history()} == before
        assert calendar(user) == items
    assert (len(before), len(items)) == (3, 1)
    desk.complete()
