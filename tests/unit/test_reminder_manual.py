"""Times that people type, and reminders of their own."""

from datetime import UTC, datetime, time

import pytest

from agent.reminders.calendar_days import WorkDays
from agent.reminders.manual import Clock, Unclear, added, when

WEDNESDAY = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)


def clock(**changes: object) -> Clock:
    given: dict[str, object] = {"now": WEDNESDAY, "zone": "Europe/Berlin", "at": time(8, 30), "days": WorkDays()}
    return Clock(**{**given, **changes})  # type: ignore[arg-type]  # fields of the clock


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-09", "2026-03-09T08:30:00"),
        ("2026-03-09T14:15", "2026-03-09T14:15:00"),
        ("2026-03-09 14:15", "2026-03-09T14:15:00"),
        ("2026-03-09T14:15+00:00", "2026-03-09T15:15:00"),
        ("2026-03-09T14:15Z", "2026-03-09T15:15:00"),
        ("tomorrow", "2026-03-05T08:30:00"),
        ("Friday", "2026-03-06T08:30:00"),
        ("wednesday", "2026-03-11T08:30:00"),
        ("next tuesday", "2026-03-10T08:30:00"),
        ("3 days", "2026-03-07T08:30:00"),
        ("3 working days", "2026-03-09T08:30:00"),
        ("in 2 weeks", "2026-03-18T08:30:00"),
        ("+2h", "2026-03-04T12:00:00"),
        ("2026-03-29T02:30", "2026-03-29T03:30:00"),
    ],
)
def test_a_time_is_read_as_the_owners_wall_shows_it(text: str, expected: str) -> None:
    assert when(text, clock()).isoformat() == expected


@pytest.mark.parametrize(
    "text",
    ["", "soon", "2026-02-30", "2026-13-01", "9999 days", "2026-03-01", "today", "30.3.", "2201-01-01", "9999-12-31",
     "9999-12-31T23:00-12:00"],
)  # fmt: skip
def test_what_is_no_time_to_come_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(Unclear, match="write"):
        when(text, clock())


def test_two_reminders_with_the_same_words_are_two() -> None:
    due = datetime(2026, 3, 9, 8, 30)
    one, other = (added("Call\n her", due, zone="UTC", contact_id="zoe") for _ in range(2))
    assert one.id != other.id
    assert (one.title, one.rule, one.state) == ("Call her", "manual", "pending")
