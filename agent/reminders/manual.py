"""Reminders that a person makes: what they type for a time, and the reminder that comes of it. Pure.

Called by `agent.cli.reminders`; the calendar follows at the mailbox's next pass.
"""

import re
import secrets
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from agent.reminders.calendar_days import WorkDays, existing, instant
from agent.reminders.cycle import MANUAL, PENDING, Standing
from connectors.event import YEARS

TITLE_LIMIT = 200
_SPAN = re.compile(r"(?:in |\+)?\s?(\d{1,3})\s?(working days?|days?|d|weeks?|w|hours?|h)")
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class Unclear(ValueError):
    """A time that cannot be used: one sentence, with what to write instead."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Clock:
    """Whose time it is. now: aware. at: the hour of a day that is named without one."""

    now: datetime
    zone: str
    at: time
    days: WorkDays

    @property
    def wall(self) -> datetime:
        """What the owner's clock shows."""
        return self.now.astimezone(ZoneInfo(self.zone)).replace(tzinfo=None)


def when(text: str, clock: Clock) -> datetime:
    """Wall time in the owner's zone: a day or time in ISO 8601, "tomorrow", "friday", "2 hours", "3 working days".

    Raises Unclear for anything else, for what has passed, and for years that calendars do not have.
    """
    words = " ".join(text.casefold().split())
    meant = _iso(words, clock) or _named(words, clock) or _span(words, clock) or _unclear(text)
    if meant.year > YEARS[-1]:
        raise Unclear(f"{text} is further ahead than calendars go: write a time before the year {YEARS.stop}")
    due = existing(meant, clock.zone)
    if instant(due, clock.zone) <= clock.now:
        raise Unclear(f"{text} has passed: write a time to come")
    return due


def added(title: str, due: datetime, *, zone: str, contact_id: str) -> Standing:
    """A reminder that no rule made. Its name is drawn by lot: the same words may be meant twice."""
    name = secrets.token_hex(16)
    return Standing(
        id=name,
        rule=MANUAL,
        state=PENDING,
        planned=due,
        due=due,
        zone=zone,
        title=" ".join(title.split())[:TITLE_LIMIT],
        why="You asked to be reminded.",
        reason=name,
        contact_id=contact_id,
    )


def _iso(words: str, clock: Clock) -> datetime | None:
    try:
        if len(words) <= len("2026-03-01"):
            return datetime.combine(date.fromisoformat(words), clock.at)
        moment = datetime.fromisoformat(words.upper())
        return moment if moment.tzinfo is None else moment.astimezone(ZoneInfo(clock.zone)).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None


def _named(words: str, clock: Clock) -> datetime | None:
    today = clock.wall.date()
    if words in ("today", "tomorrow"):
        return datetime.combine(today + timedelta(days=words == "tomorrow"), clock.at)
    name = words.removeprefix("next ")
    if name not in _WEEKDAYS:
        return None
    ahead = (_WEEKDAYS.index(name) - today.weekday() - 1) % 7 + 1
    return datetime.combine(today + timedelta(days=ahead), clock.at)


def _span(words: str, clock: Clock) -> datetime | None:
    match = _SPAN.fullmatch(words)
    if match is None:
        return None
    count, unit = int(match[1]), match[2]
    if unit.startswith("h"):
        later = clock.now + timedelta(hours=count)
        return later.astimezone(ZoneInfo(clock.zone)).replace(tzinfo=None, second=0, microsecond=0)
    today = clock.wall.date()
    if unit.startswith("working"):
        return datetime.combine(clock.days.after(today, count), clock.at)
    return datetime.combine(today + timedelta(days=count * (7 if unit.startswith("w") else 1)), clock.at)


def _unclear(text: str) -> datetime:
    raise Unclear(f'{text} is no time: write 2026-03-01, 2026-03-01T09:30, tomorrow, friday or "3 working days"')
