"""A mail of ours could not be delivered to a contact: nobody should wait for an answer, somebody should call."""

from collections.abc import Iterator
from datetime import datetime

from agent.reminders.calendar_days import local_day
from agent.reminders.rules.base import Item, Ledger, Party, Terms, Told, Wanted, day_text

RULE = "bounced"


def bounced(ledger: Ledger, terms: Terms) -> Iterator[Wanted]:
    """One reminder a contact and mail, for the mailbox that wrote it; gone once there is contact again."""
    for thread_id, items in ledger.threads.items():
        for told in ledger.told:
            if told.kind == "bounce" and told.thread_id == thread_id:
                wanted = _for(told, items, ledger, terms)
                if wanted is not None:
                    yield wanted


def _for(told: Told, items: tuple[Item, ...], ledger: Ledger, terms: Terms) -> Wanted | None:
    written = [item for item in items if item.direction == "outbound" and item.occurred_at <= told.at]
    mail = next((item for item in reversed(written) if _party(item, told.contact_id)), None)
    if mail is None or mail.author != terms.mailbox:
        return None
    contact = _party(mail, told.contact_id)
    if contact is None or _is_in_contact(told, items, ledger):
        return None
    return _wanted(mail, contact, told, terms)


def _is_in_contact(told: Told, items: tuple[Item, ...], ledger: Ledger) -> bool:
    """Anything with them after the bounce, in either direction."""
    touches = ledger.touches.get(told.contact_id, ())
    return any(touch.occurred_at > told.at for touch in touches) or any(
        item.occurred_at > told.at and _party(item, told.contact_id) is not None for item in items
    )


def _party(item: Item, contact_id: str) -> Party | None:
    return next((party for party in item.parties if party.contact_id == contact_id), None)


def _wanted(mail: Item, contact: Party, told: Told, terms: Terms) -> Wanted:
    came_on = local_day(told.at, terms.zone)
    return Wanted(
        rule=RULE,
        mailbox=terms.mailbox,
        contact_id=contact.contact_id,
        reason=mail.id,
        reason_at=told.at,
        due=datetime.combine(terms.days.after(came_on), terms.at),
        title=f"Not delivered: {contact.label}",
        why=f"Your mail could not be delivered to {contact.address} on {day_text(came_on)}. The address may be wrong.",
        label=contact.label,
        about=mail.subject,
        thread_id=mail.thread_id,
        interaction_id=mail.id,
    )
