"""The words of the rules: what they are given (rows of the history), and what they answer (reminders, with reasons).

A rule is a pure function of rows, `(Ledger, Terms) -> Iterator[Wanted]`, its own settings bound before. It says which
reminders should exist now and why; what to do about those that already stand somewhere is `agent.reminders.cycle`'s
business. The store makes the rows (`agent.store.calendar.ledger`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import NamedTuple

from agent.reminders.calendar_days import WorkDays
from agent.reminders.rhythm import Population, Rhythm


@dataclass(frozen=True, kw_only=True, slots=True)
class Party:
    """A contact of an interaction. role: from, reply-to, to, cc, bcc, attendee: the first that applies.

    owner: the address of our mailbox whose customer this is, '' where nobody's.
    """

    contact_id: str
    name: str
    address: str
    role: str
    company_id: str | None = None
    owner: str = ""

    @property
    def label(self) -> str:
        """How people call them."""
        return self.name or self.address


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """One interaction. occurred_at, ends_at: aware. subject: None if the capture level keeps none.

    author: the address of our mailbox that wrote it (by address or alias), None if nobody of ours did.
    addressed: our mailboxes named in To, in its order; of a meeting: those that take part, its organiser first.
    asks: our or their new text asks for something; None where no text was captured, or it is too old to matter.
    words: of that text, None as above. recipients: To, Cc and Bcc.
    holds_until: the day by which it promises a real answer, None if it promises none.
    promises: the day by which our own text promises to do something, None if it promises nothing.
    flags: our mailboxes whose owner set the follow-up flag on their copy, with its due date, None if it has none.
    """

    id: str
    thread_id: str | None
    kind: str
    direction: str
    occurred_at: datetime
    subject: str | None = None
    author: str | None = None
    addressed: tuple[str, ...] = ()
    asks: bool | None = None
    words: int | None = None
    parties: tuple[Party, ...] = ()
    recipients: int = 1
    holds_until: date | None = None
    promises: date | None = None
    ends_at: datetime | None = None
    flags: Mapping[str, date | None] = field(default_factory=dict)

    def named(self, *roles: str) -> tuple[Party, ...]:
        """The contacts in these roles, in order."""
        return tuple(party for party in self.parties if party.role in roles)


class Touch(NamedTuple):
    """What came from a contact, went to them or was held with them; each field as of `Item`.

    A mailbox has thousands of late, and most settle nothing: so they are rows and no more.
    """

    id: str
    kind: str
    direction: str
    occurred_at: datetime
    subject: str | None = None
    holds_until: date | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What a bounce or auto-reply says of a contact. kind: bounce | auto-reply; back_on: the return date it names."""

    kind: str
    contact_id: str
    at: datetime
    thread_id: str | None = None
    back_on: date | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Silence:
    """A customer of this mailbox, and when there was contact last: mail, a call or a meeting with anybody of ours."""

    party: Party
    stage: str
    last: datetime
    kind: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Buyer:
    """A customer of this mailbox who bought often enough to have a rhythm."""

    party: Party
    rhythm: Rhythm


@dataclass(frozen=True, kw_only=True, slots=True)
class Dated:
    """A date of a customer of this mailbox: `1980-05-17`, or `--05-17` where it comes every year."""

    party: Party
    field: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Ledger:
    """The rows of one run. threads: id -> its interactions, oldest first, of all our mailboxes.

    touches: contact id -> what came from them, went to them or was held with them (mail, meetings, calls), unordered.
    meetings: those this mailbox takes part in, with contacts. The rest: this mailbox's own customers.
    """

    threads: Mapping[str, tuple[Item, ...]] = field(default_factory=dict)
    told: tuple[Told, ...] = ()
    touches: Mapping[str, Sequence[Touch]] = field(default_factory=dict)
    meetings: tuple[Item, ...] = ()
    silences: tuple[Silence, ...] = ()
    buyers: tuple[Buyer, ...] = ()
    population: Population | None = None
    dates: tuple[Dated, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Terms:
    """For whom a rule is asked, and the terms they work on. now: aware. after: working days to wait, or 0.

    at: wall time of the day's reminders in `zone`. colleagues: whether a colleague's answer counts as theirs.
    """

    mailbox: str
    zone: str
    now: datetime
    at: time
    days: WorkDays
    after: int = 0
    colleagues: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """A reminder that should exist. Its identity is (rule, mailbox, contact_id, reason); the rest may change.

    reason: what it is about, stable across restarts and restored backups. reason_at: when that came about, aware.
    due: wall time in the mailbox's zone. about: the subject, where it may be shown. label: the contact, for people.
    """

    rule: str
    mailbox: str
    contact_id: str | None
    reason: str
    reason_at: datetime
    due: datetime
    title: str
    why: str
    label: str = ""
    about: str | None = None
    thread_id: str | None = None
    interaction_id: str | None = None


def day_text(moment: date) -> str:
    """A date as people write it in English, whatever the machine's locale: 2 March 2026."""
    return f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}"


_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July", "August"),
    *("September", "October", "November", "December"),
)
