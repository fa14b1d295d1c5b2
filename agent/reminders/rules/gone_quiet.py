"""Nothing has happened with a customer for N days: no mail, no call, no meeting, with nobody of ours."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from agent.reminders.calendar_days import instant, local_day
from agent.reminders.rules.base import Ledger, Silence, Terms, Wanted, day_text
from config.model import GoneQuiet

RULE = "gone_quiet"
_KINDS = {"email": "mail", "call": "call", "meeting": "meeting"}


def gone_quiet(ledger: Ledger, terms: Terms, *, chosen: GoneQuiet) -> Iterator[Wanted]:
    """One reminder a silence, for the mailbox whose customer it is.

    It is no reason before the time is up: else every customer would stand in the calendar months ahead.
    """
    spans = dict(chosen.stages)
    for silence in ledger.silences:
        after = spans.get(silence.stage, chosen.after)
        if after is not None and silence.last + after <= terms.now:
            yield _wanted(silence, after, terms)


def _wanted(silence: Silence, after: timedelta, terms: Terms) -> Wanted:
    party, last_on = silence.party, local_day(silence.last, terms.zone)
    return Wanted(
        rule=RULE,
        mailbox=terms.mailbox,
        contact_id=party.contact_id,
        reason=f"silence/{silence.last.date()}",
        reason_at=silence.last + after,
        due=_due(silence.last + after, terms),
        title=f"Get in touch: {party.label}",
        why=(
            f"Nothing since a {_KINDS.get(silence.kind, 'contact')} on {day_text(last_on)}; "
            f"you asked to hear of it after {_days(after)}."
        ),
        label=party.label,
    )


def _due(over_at: datetime, terms: Terms) -> datetime:
    """The first working morning after the time was up."""
    day = local_day(over_at, terms.zone)
    due = datetime.combine(terms.days.on_or_after(day), terms.at)
    if instant(due, terms.zone) >= over_at:
        return due
    return datetime.combine(terms.days.after(day), terms.at)


def _days(span: timedelta) -> str:
    return f"{span.days} days" if span.days != 1 else "1 day"
