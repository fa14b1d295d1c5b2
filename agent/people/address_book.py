"""Makes contacts of whoever stands in a mailbox's own address book, by the rules of imports. Called after a pass.

Once a day, and whenever everything counts as due. A card only fills in what a contact lacks, so that what people
corrected stays; one that leaves the book takes nobody away. Who was erased is refused, and our own people are left out.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from agent.people.importing import import_rows
from agent.people.plan import Outcome
from agent.people.rows import Refused, Row, check_email, clean, problems_of, unique
from agent.store.database import Database
from agent.store.hashes import Hasher
from agent.store.schedule import mailboxes
from agent.store.unit import Lease, fenced
from connectors.base import HoldsContacts
from connectors.errors import ConnectorError
from connectors.message import Card
from matchers.address import normalise
from matchers.policy import Own

EVERY = timedelta(days=1)
"""How often an address book is read."""

AFTER_FAILURE = timedelta(hours=1)
"""How long one that cannot be read is left alone."""

BY_MAILBOX = "mailbox"
"""By what such a contact was made."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AddressBook:
    """One mailbox's book. owner: the mailbox's address; system: the connector's name, under which ids of cards stand.

    own: our people. eager: it is read whether it is due or not.
    """

    database: Database
    hasher: Hasher
    lease: Lease
    owner: str
    system: str
    own: Own
    clock: Callable[[], datetime]
    eager: bool = False


def import_contacts(book: AddressBook, source: HoldsContacts) -> Counter[Outcome]:
    """What became of each card; nothing where the book is not due. Raises ConnectorError, LeaseLost or StoreError."""
    now = book.clock()
    with book.database.read() as connection:
        due = mailboxes.contacts_due(connection, book.lease.mailbox_id)
    if not book.eager and due is not None and now < due:
        return Counter()
    try:
        cards = list(source.contacts())
    except ConnectorError:
        _next_at(book, now + AFTER_FAILURE)
        raise
    rows = tuple(rows_of(cards, owner=book.owner, system=book.system, own=book.own))
    plan, _ = import_rows(book.database, book.hasher, rows, created_by=BY_MAILBOX, fills=True)
    _next_at(book, now + EVERY)
    return Counter(result.outcome for result in plan.results)


def rows_of(cards: Iterable[Card], *, owner: str, system: str, own: Own) -> Iterator[Row | Refused]:
    """The cards of people outside who have an address, as rows; numbered as they come. Pure."""
    for number, card in enumerate(cards, start=1):
        emails = unique([clean(email) for email in card.emails if check_email(clean(email)) is None])
        if not emails or any(_is_ours(email, own) for email in emails):
            continue
        row = Row(
            line=number,
            name=clean(card.name) if normalise(card.name).match_key not in _keys(emails) else "",
            emails=emails,
            phones=unique([clean(phone) for phone in card.phones]),
            company=clean(card.company),
            title=clean(card.title),
            owner=owner,
            external_ids={system: card.id},
        )
        problems = problems_of(row)
        yield Refused(line=number, why="; ".join(problems)) if problems else row


def _is_ours(email: str, own: Own) -> bool:
    normal = normalise(email)
    return own.has(normal) or own.is_above(normal.domain)


def _keys(emails: Iterable[str]) -> set[str]:
    return {normalise(email).match_key for email in emails}


def _next_at(book: AddressBook, due: datetime) -> None:
    with fenced(book.database, book.lease) as connection:
        mailboxes.set_contacts_due(connection, book.lease.mailbox_id, due)
