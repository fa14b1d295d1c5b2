"""A mailbox's own customers as the reminder rules see them: how long it is quiet, how they buy, which dates they have.

Called by the ledger. Each is one query over rows, however many customers there are; the rules decide.
"""

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from agent.reminders.cycle import ACTIVE
from agent.reminders.rhythm import LEAST_GAPS, Population, Rhythm, population_of
from agent.reminders.rules.base import Buyer, Dated, Party, Silence
from agent.reminders.rules.key_date import AHEAD
from agent.store.calendar.items import owner_of
from agent.store.calendar.scope import Scope
from agent.store.prepared import VALUES, Prepared
from agent.store.tables import contact_emails, contacts, interactions, links, reminders, rhythms
from config.model import GoneQuiet, KeyDate

_A_DAY = timedelta(days=1)


CONTACT = ("email", "call", "meeting")
"""Kinds of interactions after which a customer is not quiet; a meeting that was held."""


def _is_touch(of: sa.FromClause) -> sa.ColumnElement[bool]:
    kinds = (of.c.kind == kind for kind in CONTACT)
    return sa.and_(sa.or_(*kinds), of.c.cancelled_at.is_(None))


_PEOPLE = (
    sa.select(contacts.c.id, contacts.c.owner, contacts.c.stage, contacts.c.name, contacts.c.company_id)
    .add_columns(contact_emails.c.address)
    .outerjoin(contact_emails, sa.and_(contact_emails.c.contact_id == contacts.c.id, contact_emails.c.is_primary))
)
_THESE = Prepared(_PEOPLE.where(contacts.c.id.in_(VALUES)))
_OWNED = Prepared(_PEOPLE.where(contacts.c.owner.in_(VALUES)))
_OWNER = sa.select(sa.func.min(contacts.c.owner).label("owner")).cte("owners", recursive=True)
_NEXT = sa.select(sa.func.min(contacts.c.owner)).where(contacts.c.owner > _OWNER.c.owner).scalar_subquery()
_EACH_OWNER = _OWNER.union_all(sa.select(_NEXT).where(_OWNER.c.owner.is_not(None)))
_OWNERS = Prepared(sa.select(_EACH_OWNER.c.owner).where(_EACH_OWNER.c.owner.is_not(None)))
"""Each spelling once: a step in the index of owners each, where DISTINCT would read all of it."""
_TOUCH = interactions.alias("touch")
_LAST_TOUCH = (
    sa.select(links.c.occurred_at)
    .join(_TOUCH, _TOUCH.c.id == links.c.interaction_id)
    .where(links.c.contact_id == contacts.c.id, _is_touch(_TOUCH))
    .order_by(links.c.occurred_at.desc())
    .limit(1)
    .correlate(contacts)
    .scalar_subquery()
)
"""A step in an index a contact, where the latest of all would be a look at each mail that they ever had."""
_LAST = Prepared(sa.select(contacts.c.id, _LAST_TOUCH).where(contacts.c.id.in_(VALUES)))
_KINDS = Prepared(
    sa.select(links.c.contact_id, links.c.occurred_at, interactions.c.kind)
    .join(interactions, interactions.c.id == links.c.interaction_id)
    .where(links.c.contact_id.in_(VALUES), links.c.occurred_at <= sa.bindparam("until"))
    .where(links.c.occurred_at >= sa.bindparam("since"), _is_touch(interactions))
)
_REMINDED = Prepared(
    sa.select(reminders.c.contact_id).where(
        reminders.c.mailbox_id == sa.bindparam("mailbox"),
        reminders.c.rule == "gone_quiet",
        sa.or_(*(reminders.c.state == state for state in sorted(ACTIVE))),
    )
)
_RHYTHMS = Prepared(
    sa.select(rhythms.c.contact_id, rhythms.c.gaps, rhythms.c.log_sum, rhythms.c.log_squares, rhythms.c.last_on).where(
        rhythms.c.gaps >= LEAST_GAPS, rhythms.c.contact_id.in_(VALUES)
    )
)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Customer:
    party: Party
    stage: str


@dataclass(frozen=True, kw_only=True, slots=True)
class About:
    """Whose customers, by contact id: all of them, or those of `Scope.only`. spelled: their owner, as it is written."""

    mailbox_id: int
    now: datetime
    people: Mapping[str, _Customer]
    spelled: frozenset[str]


def about(connection: sa.Connection, scope: Scope, met: Set[str]) -> About:
    """Owners are kept as people write them: each spelling is looked at once.

    met: see `silences`. Of what changed one by one they are left out: nothing but silence is asked about then.
    """
    if scope.only is not None:
        rows = _THESE.among(connection, sorted(scope.only.contacts - met))
    else:
        owners = (owner for (owner,) in _OWNERS.rows(connection))
        rows = _OWNED.among(connection, [one for one in owners if owner_of(one, scope.own) == scope.mailbox])
    mine = [row for row in rows if owner_of(row[1], scope.own) == scope.mailbox]
    return About(
        mailbox_id=scope.mailbox_id,
        now=scope.now,
        people={row[0]: _customer(row, scope.mailbox) for row in sorted(mine)},
        spelled=frozenset(row[1] for row in mine),
    )


def _customer(row: tuple[Any, ...], mailbox: str) -> _Customer:
    id, _, stage, name, company_id, address = row
    party = Party(contact_id=id, name=name, address=address or "", role="", company_id=company_id, owner=mailbox)
    return _Customer(party=party, stage=stage)


def quiet_since(chosen: GoneQuiet, now: datetime) -> datetime:
    """Who had contact later is not quiet by any of the spans."""
    return now - min(_spans(chosen))


def _spans(chosen: GoneQuiet) -> list[timedelta]:
    return [span for span in (chosen.after, *(span for _, span in chosen.stages)) if span is not None]


def silences(
    connection: sa.Connection, about: About, chosen: GoneQuiet, max_age: timedelta, met: Set[str]
) -> tuple[Silence, ...]:
    """Customers whose last contact is as long ago as one of the spans asks, and not so long that nobody cares.

    Those that a reminder stands for are told whatever their age. met: contacts of whom it is known that they had
    contact after `quiet_since`, so that nobody looks.
    """
    until, since = quiet_since(chosen, about.now), about.now - max(_spans(chosen)) - max_age - _A_DAY
    last = {one: at for one, at in _LAST.among(connection, about.people.keys() - met) if at is not None and at <= until}
    if any(at < since for at in last.values()):
        reminded = {contact for (contact,) in _REMINDED.rows(connection, mailbox=about.mailbox_id)}
        last = {one: at for one, at in last.items() if at >= since or one in reminded}
    kinds = _kinds(connection, last)
    return tuple(
        Silence(party=about.people[one].party, stage=about.people[one].stage, last=last[one], kind=kinds[one])
        for one in sorted(last)
    )


def _kinds(connection: sa.Connection, last: Mapping[str, datetime]) -> dict[str, str]:
    """What the last contact with each was."""
    if not last:
        return {}
    among = {"since": min(last.values()), "until": max(last.values())}
    return {one: kind for one, at, kind in sorted(_KINDS.among(connection, last, **among)) if at == last[one]}


def buyers(connection: sa.Connection, about: About) -> tuple[Buyer, ...]:
    """Customers with purchases enough for a rhythm."""
    return tuple(
        Buyer(
            party=about.people[one].party,
            rhythm=Rhythm(gaps=gaps, log_sum=log_sum, log_squares=log_squares, last=last),
        )
        for one, gaps, log_sum, log_squares, last in sorted(_RHYTHMS.among(connection, about.people))
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
    for name, before in chosen.fields:
        text = contacts.c.fields[name].as_string()
        days = list(_coming(about.now.date(), before + AHEAD))
        yearly = sa.func.substr(text, sa.func.length(text) - 4).in_([f"{day:%m-%d}" for day in days])
        query = sa.select(contacts.c.id, text.label("text")).where(
            contacts.c.owner.in_(sorted(about.spelled)), sa.or_(text.in_([day.isoformat() for day in days]), yearly)
        )
        found += [(row.id, name, row.text) for row in connection.execute(query.order_by(contacts.c.id))]
    return tuple(
        Dated(party=about.people[one].party, field=name, text=text) for one, name, text in found if one in about.people
    )


def _coming(today: date, ahead: timedelta) -> Iterator[date]:
    """The days around, as any zone may see them; 29 February stands for 1 March in years without it."""
    for number in range(-1, ahead.days + 3):
        day = today + timedelta(days=number)
        yield day
        if (day.month, day.day) == (3, 1):
            yield date(2000, 2, 29)
