"""They wrote last, to us, and it was no goodbye; nobody of ours has answered for N working days."""

from collections.abc import Iterator
from datetime import datetime

from agent.reminders.calendar_days import local_day
from agent.reminders.open import is_closing
from agent.reminders.rules.base import Item, Ledger, Party, Terms, Touch, Wanted, day_text
from agent.reminders.rules.waiting_for_them import MANY_RECIPIENTS, same_subject

RULE = "waiting_for_us"


def waiting_for_us(ledger: Ledger, terms: Terms) -> Iterator[Wanted]:
    """One reminder a thread, for the addressed mailbox whose customer wrote, else the first one in To."""
    for thread_id, items in ledger.threads.items():
        letter = owed(items, terms)
        contact = _author(letter) if letter is not None else None
        if letter is not None and contact is not None and not _is_answered(letter, contact, items, ledger):
            yield _wanted(thread_id, letter, contact, terms)


def owed(items: tuple[Item, ...], terms: Terms) -> Item | None:
    """The mail that came last, if it is theirs, this mailbox is the one to answer, and an answer is due."""
    mails = [item for item in items if item.kind == "email" and item.direction != "internal"]
    if not mails or mails[-1].direction != "inbound":
        return None
    contact = _author(mails[-1])
    is_ours = contact is not None and _answerer(mails[-1], contact) == terms.mailbox
    return mails[-1] if is_ours and _is_due(mails[-1], terms) else None


def _is_due(letter: Item, terms: Terms) -> bool:
    """Where no text was captured, only the salesperson's flag says so. Who promises more has the next word."""
    if letter.recipients > MANY_RECIPIENTS or letter.holds_until is not None:
        return False
    if letter.asks is None or letter.words is None:
        return terms.mailbox in letter.flags
    return not is_closing(letter.asks, letter.words)


def _author(letter: Item) -> Party | None:
    return next(iter(letter.named("from", "reply-to")), None)


def _answerer(letter: Item, contact: Party) -> str | None:
    """A Cc owes nothing."""
    if contact.owner in letter.addressed:
        return contact.owner
    return next(iter(letter.addressed), None)


def _is_answered(letter: Item, contact: Party, items: tuple[Item, ...], ledger: Ledger) -> bool:
    """By anybody of ours: a mail of the same subject in another thread, a call or a meeting count too."""
    since = letter.occurred_at
    touches = ledger.touches.get(contact.contact_id, ())
    return any(item.occurred_at > since and item.kind == "call" for item in items) or any(
        item.occurred_at > since and _settles(item, letter) for item in touches
    )


def _settles(item: Touch, letter: Item) -> bool:
    if item.kind in ("call", "meeting"):
        return True
    return item.kind == "email" and item.direction == "outbound" and same_subject(item.subject, letter.subject)


def _wanted(thread_id: str, letter: Item, contact: Party, terms: Terms) -> Wanted:
    came_on = local_day(letter.occurred_at, terms.zone)
    return Wanted(
        rule=RULE,
        mailbox=terms.mailbox,
        contact_id=contact.contact_id,
        reason=letter.id,
        reason_at=letter.occurred_at,
        due=datetime.combine(terms.days.after(came_on, terms.after), terms.at),
        title=f"Answer {contact.label}",
        why=f"{contact.label} wrote to you on {day_text(came_on)}, and nobody has answered yet.",
        label=contact.label,
        about=letter.subject,
        thread_id=thread_id,
        interaction_id=letter.id,
    )
