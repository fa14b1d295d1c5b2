"""A buyer is late by their own rhythm, not by one and a half times a median that a third of buyers exceed anyway."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from agent.reminders.calendar_days import instant, local_day
from agent.reminders.rhythm import LEAST_GAPS, expected
from agent.reminders.rules.base import Buyer, Ledger, Terms, Wanted, day_text
from config.model import LateOrder

RULE = "late_order"


def late_order(ledger: Ledger, terms: Terms, *, chosen: LateOrder) -> Iterator[Wanted]:
    """One reminder an order that is missing, for the mailbox whose customer it is; gone with the next purchase."""
    today = local_day(terms.now, terms.zone)
    if ledger.population is None:
        return
    for buyer in ledger.buyers:
        if buyer.rhythm.gaps >= LEAST_GAPS:
            pace = expected(buyer.rhythm, ledger.population, chosen.quantile)
            late_on = buyer.rhythm.last + timedelta(days=pace.latest + 1)
            if late_on <= today:
                yield _wanted(buyer, late_on, pace.usual, today, chosen, terms)


def _wanted(buyer: Buyer, late_on: date, usual: int, today: date, chosen: LateOrder, terms: Terms) -> Wanted:
    party, last = buyer.party, buyer.rhythm.last
    due = datetime.combine(terms.days.on_or_after(late_on), terms.at)
    return Wanted(
        rule=RULE,
        mailbox=terms.mailbox,
        contact_id=party.contact_id,
        reason=f"order/{last}",
        reason_at=min(terms.now, instant(datetime.combine(late_on, terms.at), terms.zone)),
        due=due,
        title=f"No order yet: {party.label}",
        why=(
            f"Buys about every {usual} days, last on {day_text(last)}, {(late_on - last).days} days before "
            f"{day_text(late_on)}; later than {_share(chosen.quantile)} of their gaps."
        ),
        label=party.label,
    )


def _share(quantile: float) -> str:
    """0.9 as people say it: 9 of 10; 0.95: 95 of 100."""
    tenths = round(quantile * 10, 6)
    return f"{int(tenths)} of 10" if tenths == int(tenths) else f"{quantile * 100:.0f} of 100"
