"""A date of a customer draws near: a birthday, a renewal, a close date, each a field of the contact."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta

from agent.reminders.calendar_days import instant, local_day
from agent.reminders.rules.base import Dated, Ledger, Terms, Wanted, day_text
from config.model import KeyDate

RULE = "key_date"
AHEAD = timedelta(days=14)
"""So long before its reminder a date is a reason for one: a year of birthdays would fill the calendar."""
_YEARLY = frozenset({"birthday"})
"""Fields whose year is when it began."""


def key_date(ledger: Ledger, terms: Terms, *, chosen: KeyDate) -> Iterator[Wanted]:
    """One reminder a date, for the mailbox whose customer it is; gone once the date has passed or changed."""
    before: Mapping[str, timedelta] = dict(chosen.fields)
    today = local_day(terms.now, terms.zone)
    for one in ledger.dates:
        day = next_day(one.field, one.text, today)
        if one.field in before and day is not None and day - before[one.field] - AHEAD <= today:
            yield _wanted(one, day, before[one.field], terms)


def next_day(field: str, text: str, today: date) -> date | None:
    """The day that a field means: the next one where it comes every year. None for one that passed, or is no day.

    29 February is 1 March in other years, as a wall time that does not exist moves forward.
    """
    if text.startswith("--") or field in _YEARLY:
        days = (_of_year(year, text[-5:]) for year in (today.year, today.year + 1))
        return next((day for day in days if day is not None and day >= today), None)
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if day >= today else None


def _of_year(year: int, month_and_day: str) -> date | None:
    try:
        return date.fromisoformat(f"{year}-{month_and_day}")
    except ValueError:
        return date(year, 3, 1) if month_and_day == "02-29" else None


def _wanted(one: Dated, day: date, before: timedelta, terms: Terms) -> Wanted:
    name = one.field.replace("_", " ")
    due = datetime.combine(terms.days.on_or_before(day - before), terms.at)
    return Wanted(
        rule=RULE,
        mailbox=terms.mailbox,
        contact_id=one.party.contact_id,
        reason=f"{one.field}/{day}",
        reason_at=min(terms.now, instant(due, terms.zone)),
        due=due,
        title=f"{name.capitalize()}: {one.party.label}",
        why=f"The {name} of {one.party.label} is on {day_text(day)}.",
        label=one.party.label,
    )
