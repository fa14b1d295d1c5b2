"""Working days, mornings and wall time."""

import shutil
from datetime import UTC, date, datetime, time, timedelta
from importlib import resources
from pathlib import Path
from zoneinfo import ZoneInfo, reset_tzpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.reminders.calendar_days import UnknownCountry, WorkDays, existing, instant
from agent.store.database import Database
from agent.store.hashes import Hasher
from tests.unit.reminder_room import Room

GERMANY = WorkDays(country="DE", closed=frozenset({date(2026, 12, 24)}))
BERLIN = "Europe/Berlin"


@pytest.mark.parametrize(
    ("day", "count", "expected"),
    [
        (date(2026, 3, 2), 3, date(2026, 3, 5)),
        (date(2026, 3, 5), 3, date(2026, 3, 10)),  # over a weekend
        (date(2026, 3, 7), 1, date(2026, 3, 9)),  # from a Saturday
        (date(2026, 4, 2), 1, date(2026, 4, 7)),  # Good Friday and Easter Monday
        (date(2026, 12, 23), 1, date(2026, 12, 28)),  # closed, Christmas, the day after, a weekend
        (date(2026, 12, 31), 1, date(2027, 1, 4)),  # New Year in the next table of holidays
    ],
)
def test_working_days_pass_over_weekends_holidays_and_closed_days(day: date, count: int, expected: date) -> None:
    assert GERMANY.after(day, count) == expected


def test_a_week_may_be_another() -> None:
    assert WorkDays(working_days=frozenset({6, 0, 1, 2, 3})).after(date(2026, 3, 5), 1) == date(2026, 3, 8)


def test_a_firm_that_never_works_ends_no_loop() -> None:
    assert WorkDays(working_days=frozenset()).after(date(2026, 3, 5), 2) == date(2026, 3, 7)


def test_an_unknown_country_is_said() -> None:
    with pytest.raises(UnknownCountry, match="XX"):
        WorkDays(country="XX")


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (datetime(2026, 3, 2, 6, 0, tzinfo=UTC), datetime(2026, 3, 2, 8, 30)),
        (datetime(2026, 3, 2, 7, 30, tzinfo=UTC), datetime(2026, 3, 3, 8, 30)),
        (datetime(2026, 3, 6, 20, 0, tzinfo=UTC), datetime(2026, 3, 9, 8, 30)),
        (datetime(2026, 3, 1, 23, 30, tzinfo=UTC), datetime(2026, 3, 2, 8, 30)),  # Monday already in Berlin
        (datetime(2026, 4, 2, 20, 0, tzinfo=UTC), datetime(2026, 4, 7, 8, 30)),
    ],
)
def test_the_next_morning_is_a_working_one_still_to_come(now: datetime, expected: datetime) -> None:
    assert GERMANY.next_morning(now, time(8, 30), BERLIN) == expected


def test_nine_in_the_morning_stays_nine_across_the_clock_change() -> None:
    before, after = (instant(datetime(2026, 3, day, 9, 0), BERLIN) for day in (28, 30))
    assert (before.hour, after.hour) == (8, 7)


def test_a_time_that_does_not_exist_moves_forward() -> None:
    assert existing(datetime(2026, 3, 29, 2, 30), BERLIN) == datetime(2026, 3, 29, 3, 30)


def test_a_time_that_exists_twice_is_the_first() -> None:
    assert instant(datetime(2026, 10, 25, 2, 30), BERLIN) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert existing(datetime(2026, 10, 25, 2, 30), BERLIN) == datetime(2026, 10, 25, 2, 30)


@given(
    wall=st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)),
    zone=st.sampled_from([BERLIN, "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Casablanca"]),
)
def test_an_existing_time_is_never_earlier_and_stays_itself(wall: datetime, zone: str) -> None:
    shown = existing(wall, zone)
    assert timedelta() <= shown - wall <= timedelta(hours=1)
    assert existing(shown, zone) == shown
    assert instant(shown, zone) == instant(wall, zone)


@given(day=st.dates(date(2000, 1, 1), date(2090, 1, 1)), count=st.integers(0, 30))
def test_the_nth_working_day_has_n_working_days_before_it(day: date, count: int) -> None:
    end = GERMANY.after(day, count)
    between = [day + timedelta(days=ahead) for ahead in range(1, (end - day).days + 1)]
    assert sum(map(GERMANY.is_working, between)) == count


def test_where_a_zone_changes_its_rules_the_wall_time_stays(
    tmp_path: Path, sqlite_template: Path, hasher: Hasher
) -> None:
    """A country leaves summer time, say, after the reminder was written: 08:30 stays 08:30, and nothing is moved."""
    shutil.copyfile(sqlite_template, tmp_path / "crm-agent.db")
    database = Database(f"sqlite:///{tmp_path / 'crm-agent.db'}")
    (tmp_path / "calendar").mkdir()
    room = Room(database=database, hasher=hasher, folder=tmp_path / "calendar")
    room.contact()
    room.wrote()
    room.tend()
    assert [one.due_at.isoformat() for one in room.reminders()] == ["2026-03-05T08:30:00+01:00"]
    (tmp_path / "zones/Europe").mkdir(parents=True)
    moved = resources.files("tzdata").joinpath("zoneinfo/Europe/Istanbul").read_bytes()
    (tmp_path / "zones/Europe/Berlin").write_bytes(moved)
    try:
        reset_tzpath(to=[str(tmp_path / "zones")])
        ZoneInfo.clear_cache()
        tended = room.tend()
        assert [one.due_at.isoformat() for one in room.reminders()] == ["2026-03-05T08:30:00+03:00"]
        assert [found.start for found in room.shown()] == [datetime(2026, 3, 5, 8, 30)]
        assert (tended.placed, tended.published.updated) == (frozenset(), 0)
    finally:
        reset_tzpath()
        ZoneInfo.clear_cache()
        database.close()
