"""Our own mail promises something by a day: a suggestion that the salesperson accepts, never a reminder by itself."""

from collections.abc import Iterator
from datetime import datetime

from agent.reminders.calendar_days import local_day
from agent.reminders.rules.base import Item, Ledger, Terms, Wanted, day_text

RULE = "promise"


def promise(ledger: Ledger, terms: Terms) -> Iterator[Wanted]:
    """One suggestion a mail, while its day is to come and we did not write again in the thread."""
    for thread_id, items in ledger.threads.items():
        mails = [item for item in items if item.kind == "email" and item.direction == "outbound"]
        if mails and mails[-1].author == terms.mailbox and _is_to_come(mails[-1], terms):
            yield _wanted(thread_id, mails[-1], terms)


def _is_to_come(mail: Item, terms: Terms) -> bool:
    return mail.promises is not None and mail.promises >= local_day(terms.now, terms.zone)


def _wanted(thread_id: str, mail: Item, terms: Terms) -> Wanted:
    """On the last working morning up to the day: a promise for Sunday is kept on Friday."""
    assert mail.promises is not None  # noqa: S101 - see _is_to_come; tells the type checker
    contact = next(iter((*mail.named("to"), *mail.parties)), None)
    label = contact.label if contact is not None else ""
    wrote_on = local_day(mail.occurred_at, terms.zone)
    return Wanted(
        rule=RULE,
        mailbox=terms.mailbox,
        contact_id=contact.contact_id if contact is not None else None,
        reason=mail.id,
        reason_at=mail.occurred_at,
        due=datetime.combine(terms.days.on_or_before(mail.promises), terms.at),
        title=f"Keep your promise: {label}" if label else "Keep your promise",
        why=f"Your mail of {day_text(wrote_on)} seems to promise something by {day_text(mail.promises)}.",
        label=label,
        about=mail.subject,
        thread_id=thread_id,
        interaction_id=mail.id,
    )
