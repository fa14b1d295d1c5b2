"""The salesperson's own follow-up flag on a mail: a reminder at its due date, else after N working days."""

from collections.abc import Iterator
from datetime import date, datetime

from agent.reminders.calendar_days import instant, local_day
from agent.reminders.rules.base import Item, Ledger, Party, Terms, Wanted, day_text
from connectors.event import YEARS

RULE = "flagged"


def flagged(ledger: Ledger, terms: Terms) -> Iterator[Wanted]:
    """One reminder a thread: for the latest mail that the mailbox's owner flagged."""
    for thread_id, items in ledger.threads.items():
        marked = [item for item in items if terms.mailbox in item.flags]
        if marked:
            yield _wanted(thread_id, marked[-1], terms)


def _wanted(thread_id: str, item: Item, terms: Terms) -> Wanted:
    contact = _contact(item)
    label = contact.label if contact is not None else ""
    came_on = local_day(item.occurred_at, terms.zone)
    day = _due_day(item, terms) or terms.days.after(came_on, terms.after)
    return Wanted(
        rule=RULE,
        mailbox=terms.mailbox,
        contact_id=contact.contact_id if contact is not None else None,
        reason=item.id,
        reason_at=max(item.occurred_at, _start_of(item, terms)),
        due=datetime.combine(day, terms.at),
        title=f"Follow up: {label}" if label else "Follow up",
        why=f"You flagged the mail of {day_text(came_on)}.",
        label=label,
        about=item.subject,
        thread_id=thread_id,
        interaction_id=item.id,
    )


def _contact(item: Item) -> Party | None:
    """Who wrote to us, or whom we wrote to; else whoever is named."""
    roles = ("to",) if item.direction == "outbound" else ("from", "reply-to")
    return next(iter((*item.named(*roles), *item.parties)), None)


def _start_of(item: Item, terms: Terms) -> datetime:
    """A flag with a due date is as old as that date, so an old mail flagged for tomorrow is no old reason."""
    due = _due_day(item, terms)
    if due is None:
        return item.occurred_at
    return min(terms.now, instant(datetime.combine(due, terms.at), terms.zone))


def _due_day(item: Item, terms: Terms) -> date | None:
    """None too for a day that no calendar has: programs write 1 January 4501 for a date that is not set."""
    due = item.flags[terms.mailbox]
    return due if due is not None and due.year in YEARS else None
