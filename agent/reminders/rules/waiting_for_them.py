"""We wrote last and asked for something; nobody has answered for N working days."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from agent.reminders.calendar_days import local_day
from agent.reminders.rules.base import Item, Ledger, Party, Terms, Touch, Wanted, day_text
from matchers.lists import FORWARD_PREFIXES, REPLY_PREFIXES

RULE = "waiting_for_them"
MANY_RECIPIENTS = 10
"""A mail to more people than this is an announcement; nobody owes it an answer."""
_PREFIXES = "|".join(map(re.escape, (*REPLY_PREFIXES, *FORWARD_PREFIXES)))
_PREFIX = re.compile(rf"(?:(?:{_PREFIXES})(?:\[\d{{1,3}}\])?\s?[:：]\s*){{1,10}}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """Our latest mail of a thread that is open, and the contacts it asks."""

    item: Item
    asked: tuple[Party, ...]


def waiting_for_them(ledger: Ledger, terms: Terms) -> Iterator[Wanted]:
    """One reminder a thread, for the mailbox that wrote last."""
    for thread_id, items in ledger.threads.items():
        question = open_question(items, terms)
        if question is None:
            continue
        answered = answers(question, items, ledger, terms)
        held = held_until(answered)
        waiting = _not_bounced(question, ledger)
        if waiting and (held is not None or not answered):
            yield _wanted(thread_id, question, waiting, held, ledger, terms)


def open_question(items: tuple[Item, ...], terms: Terms) -> Question | None:
    """The latest mail of ours that asks something, if this mailbox wrote last for our side."""
    ours = [item for item in reversed(items) if item.kind == "email" and item.direction == "outbound"]
    if not ours or ours[0].author != terms.mailbox:
        return None
    return next((question for question in map(_question, ours) if question is not None), None)


def answers(question: Question, items: tuple[Item, ...], ledger: Ledger, terms: Terms) -> list[Item | Touch]:
    """Answers in the thread, those that started a new thread, meetings and calls; oldest first."""
    since = question.item.occurred_at
    found: dict[str, Item | Touch] = {
        item.id: item for item in items if item.occurred_at > since and _answers(item, question, terms)
    }
    touches = (item for party in question.asked for item in ledger.touches.get(party.contact_id, ()))
    found |= {item.id: item for item in touches if since < item.occurred_at <= terms.now and _settles(item, question)}
    return sorted(found.values(), key=lambda item: (item.occurred_at, item.id))


def held_until(answered: Sequence[Item | Touch]) -> date | None:
    """The day by which they promised to come back, if that is all they answered. A second promise is an answer."""
    return answered[0].holds_until if len(answered) == 1 else None


def same_subject(one: str | None, other: str | None) -> bool:
    """Whether two subjects are the same but for reply and forward prefixes."""
    first, second = (_PREFIX.sub("", (text or "").casefold().strip(), count=1).strip() for text in (one, other))
    return bool(first) and first == second


def _question(item: Item) -> Question | None:
    """Where no text was captured, only the salesperson's flag says that something is open."""
    asked = item.named("to")
    is_open = item.author in item.flags if item.asks is None else item.asks
    if not asked or not is_open or item.recipients > MANY_RECIPIENTS:
        return None
    return Question(item=item, asked=asked)


def _answers(item: Item, question: Question, terms: Terms) -> bool:
    """An inbound mail of the thread, from someone asked, from their company, or from an address nobody knows."""
    if item.kind != "email" or item.direction != "inbound":
        return False
    authors = item.named("from", "reply-to")
    if not authors or {party.contact_id for party in authors} & {party.contact_id for party in question.asked}:
        return True
    companies = {party.company_id for party in question.asked if party.company_id}
    return terms.colleagues and any(party.company_id in companies for party in authors)


def _settles(item: Touch, question: Question) -> bool:
    if item.kind in ("meeting", "call"):
        return True
    return item.kind == "email" and item.direction == "inbound" and same_subject(item.subject, question.item.subject)


def _not_bounced(question: Question, ledger: Ledger) -> tuple[Party, ...]:
    """Nobody waits for an answer from an address that our mail never reached."""
    bounced = {told.contact_id for told in ledger.told if told.kind == "bounce" and _concerns(told.at, question)}
    return tuple(party for party in question.asked if party.contact_id not in bounced)


def _wanted(
    thread_id: str, question: Question, waiting: tuple[Party, ...], held: date | None, ledger: Ledger, terms: Terms
) -> Wanted:
    item, contact = question.item, waiting[0]
    wrote_on = local_day(item.occurred_at, terms.zone)
    so_far = "No answer yet." if held is None else f"They promised an answer by {day_text(held)}."
    return Wanted(
        rule=RULE,
        mailbox=terms.mailbox,
        contact_id=contact.contact_id,
        reason=item.id,
        reason_at=item.occurred_at,
        due=_due(question, waiting, held, ledger, terms),
        title=f"Waiting for an answer: {contact.label}",
        why=f"You wrote to {_names(waiting)} on {day_text(wrote_on)} and asked for something. {so_far}",
        label=contact.label,
        about=item.subject,
        thread_id=thread_id,
        interaction_id=item.id,
    )


def _due(question: Question, waiting: tuple[Party, ...], held: date | None, ledger: Ledger, terms: Terms) -> datetime:
    """After N working days. An out-of-office moves it past the return date that it names, else N doubles.

    A promise moves it to the working day after the promised one.
    """
    wrote_on = local_day(question.item.occurred_at, terms.zone)
    day = terms.days.after(wrote_on, terms.after) if held is None else terms.days.after(held)
    for told in ledger.told:
        away = told.kind == "auto-reply" and told.contact_id in {party.contact_id for party in waiting}
        if away and _concerns(told.at, question):
            later = terms.days.after(told.back_on or wrote_on, 1 if told.back_on else 2 * terms.after)
            day = max(day, later)
    return datetime.combine(day, terms.at)


def _concerns(at: datetime, question: Question) -> bool:
    """Mail servers answer at once; their clocks differ by some minutes."""
    return at >= question.item.occurred_at - timedelta(minutes=5)


def _names(parties: tuple[Party, ...]) -> str:
    first = ", ".join(party.label for party in parties[:3])
    return first if len(parties) <= 3 else f"{first} and {len(parties) - 3} more"
