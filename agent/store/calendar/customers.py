"""A mailbox's own customers as the reminder rules see them: how long it is quiet, how they buy, which dates they have.

Called by the ledger. Each is one query over rows, however many customers there are; the rules decide.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from agent.reminders.cycle import ACTIVE
from agent.reminders.rhythm import LEAST_GAPS, Population, Rhythm, population_of
from agent.reminders.rules.base import Buyer, Dated, Party, Silence
from agent.reminders.rules.key_date import AHEAD
from agent.store.calendar.items import batches, owner_of
from agent.store.tables import contact_emails, contacts, interactions, links, reminders, rhythms
from config.model import GoneQuiet, KeyDate

_TOUCHING = ("email", "call", "meeting")
_A_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class About:
    """Whose customers. own: match key of an address -> our mailbox that has it. only: these contacts, None for all."""

    mailbox_id: int
    mailbox: str
    own: Mapping[str, str]
    now: datetime
    only: Collection[str] | None = None


def silences(connection: sa.Connection, about: About, chosen: GoneQuiet, max_age: timedelta) -> tuple[Silence, ...]:
    """Customers whose last contact is as long ago as one of the spans asks, and not so long that nobody cares.

    Those that a reminder stands for are told whatever their age.
    """
    spans = [span for span in (chosen.after, *(span for _, span in chosen.stages)) if span is not None]
    last = sa.func.max(interactions.c.occurred_at)
    reminded = sa.select(reminders.c.contact_id).where(
        reminders.c.mailbox_id == about.mailbox_id,
        reminders.c.rule == "gone_quiet",
        reminders.c.state.in_(sorted(ACTIVE)),
    )
    query = (
        sa.select(links.c.contact_id, last.label("last"))
        .join(interactions, interactions.c.id == links.c.interaction_id)
        .join(contacts, contacts.c.id == links.c.contact_id)
        .where(interactions.c.kind.in_(_TOUCHING), interactions.c.cancelled_at.is_(None))
        .where(_is_customer(connection, about))
        .group_by(links.c.contact_id)
        .having(
            last <= about.now - min(spans),
            sa.or_(last >= about.now - max(spans) - max_age - _A_DAY, links.c.contact_id.in_(reminded)),
        )
    )
    found = {row.contact_id: row.last for row in connection.execute(query)}
    kinds, people = _kinds(connection, found), _people(connection, found, about)
    return tuple(
        Silence(party=people[one].party, stage=people[one].stage, last=found[one], kind=kinds.get(one, ""))
        for one in sorted(found)
    )


def buyers(connection: sa.Connection, about: About) -> tuple[Buyer, ...]:
    """Customers with purchases enough for a rhythm."""
    query = (
        sa.select(rhythms)
        .join(contacts, contacts.c.id == rhythms.c.contact_id)
        .where(rhythms.c.gaps >= LEAST_GAPS, _is_customer(connection, about))
        .order_by(rhythms.c.contact_id)
    )
    rows = connection.execute(query).all()
    people = _people(connection, [row.contact_id for row in rows], about)
    return tuple(
        Buyer(
            party=people[row.contact_id].party,
            rhythm=Rhythm(gaps=row.gaps, log_sum=row.log_sum, log_squares=row.log_squares, last=row.last_on),
        )
        for row in rows
    )


def population(connection: sa.Connection) -> Population | None:
    """Of all buyers of the firm who have a rhythm; None where nobody has."""
    mean_squared = rhythms.c.log_sum * rhythms.c.log_sum / rhythms.c.gaps
    row = connection.execute(
        sa.select(
            sa.func.count(),
            sa.func.sum(rhythms.c.gaps),
            sa.func.sum(rhythms.c.log_sum),
            sa.func.sum(rhythms.c.log_squares),
            sa.func.sum(mean_squared),
        ).where(rhythms.c.gaps >= LEAST_GAPS)
    ).one()
    if not row[0]:
        return None
    return population_of(buyers=row[0], gaps=int(row[1]), log_sum=row[2], log_squares=row[3], means_squared=row[4])


def dates(connection: sa.Connection, about: About, chosen: KeyDate) -> tuple[Dated, ...]:
    """Fields that hold a day of the coming weeks."""
    found: list[tuple[str, str, str]] = []
    whose = _is_customer(connection, about)
    for name, before in chosen.fields:
        text = contacts.c.fields[name].as_string()
        days = list(_coming(about.now.date(), before + AHEAD))
        yearly = sa.func.substr(text, sa.func.length(text) - 4).in_([f"{day:%m-%d}" for day in days])
        query = sa.select(contacts.c.id, text.label("text")).where(
            whose, sa.or_(text.in_([day.isoformat() for day in days]), yearly)
        )
        found += [(row.id, name, row.text) for row in connection.execute(query.order_by(contacts.c.id))]
    people = _people(connection, [one for one, _, _ in found], about)
    return tuple(Dated(party=people[one].party, field=name, text=text) for one, name, text in found)


def _coming(today: date, ahead: timedelta) -> Iterator[date]:
    """The days around, as any zone may see them; 29 February stands for 1 March in years without it."""
    for number in range(-1, ahead.days + 3):
        day = today + timedelta(days=number)
        yield day
        if (day.month, day.day) == (3, 1):
            yield date(2000, 2, 29)


def _is_customer(connection: sa.Connection, about: About) -> sa.ColumnElement[bool]:
    """Owners are kept as people write them: each spelling is looked at once."""
    query = sa.select(contacts.c.owner).distinct()
    if about.only is not None:
        query = query.where(contacts.c.id.in_(sorted(about.only)))
    spelled = [name for name in connection.execute(query).scalars() if owner_of(name, about.own) == about.mailbox]
    is_owned = contacts.c.owner.in_(spelled)
    return is_owned if about.only is None else sa.and_(is_owned, contacts.c.id.in_(sorted(about.only)))


def _kinds(connection: sa.Connection, last: Mapping[str, datetime]) -> dict[str, str]:
    """What the last contact with each was."""
    found: dict[str, str] = {}
    for batch in batches(sorted(last)):
        query = (
            sa.select(links.c.contact_id, interactions.c.kind, interactions.c.occurred_at)
            .join(interactions, interactions.c.id == links.c.interaction_id)
            .where(
                links.c.contact_id.in_(batch),
                interactions.c.occurred_at.in_({last[one] for one in batch}),
                interactions.c.kind.in_(_TOUCHING),
            )
        )
        rows = connection.execute(query)
        found |= {row.contact_id: row.kind for row in rows if row.occurred_at == last[row.contact_id]}
    return found


@dataclass(frozen=True, kw_only=True, slots=True)
class _Customer:
    party: Party
    stage: str


def _people(connection: sa.Connection, ids: Collection[str], about: About) -> dict[str, _Customer]:
    found: dict[str, _Customer] = {}
    for batch in batches(sorted(set(ids))):
        for row in _rows(connection, batch):
            party = Party(
                contact_id=row.id,
                name=row.name,
                address=row.address or "",
                role="",
                company_id=row.company_id,
                owner=about.mailbox,
            )
            found[row.id] = _Customer(party=party, stage=row.stage)
    return found


def _rows(connection: sa.Connection, ids: Sequence[str]) -> sa.CursorResult[Any]:
    primary = sa.and_(contact_emails.c.contact_id == contacts.c.id, contact_emails.c.is_primary)
    return connection.execute(
        sa.select(contacts.c.id, contacts.c.name, contacts.c.company_id, contacts.c.stage, contact_emails.c.address)
        .outerjoin(contact_emails, primary)
        .where(contacts.c.id.in_(ids))
    )
