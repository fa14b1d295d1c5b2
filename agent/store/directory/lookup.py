"""Who holds these addresses: answers the matchers for a whole page, one query for people, one for companies, and one
for names where a stranger's name may tell.

Called by `agent.sync`. Decisions are made on an answer and recorded later; `changed_since` tells if it still holds.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from agent.store import bulk
from agent.store.tables import changes, companies, company_domains, contact_emails, contacts, suggestions
from matchers.chain import Wanted
from matchers.contact import MOST_NAMESAKES, Answers, CompanyRef, Holder
from matchers.signature import Colleague

_HOLDERS = (
    sa.select(
        contact_emails.c.match_key,
        contact_emails.c.contact_id,
        contacts.c.name,
        contact_emails.c.address,
        contacts.c.company_id,
        contact_emails.c.valid_from,
        contact_emails.c.valid_to,
    )
    .join(contacts, contacts.c.id == contact_emails.c.contact_id)
    .where(contact_emails.c.match_key.in_(sa.bindparam("values", expanding=True)))
)

_COMPANIES = (
    sa.select(company_domains.c.domain, company_domains.c.company_id, companies.c.name, company_domains.c.stated)
    .join(companies, companies.c.id == company_domains.c.company_id)
    .where(company_domains.c.domain.in_(sa.bindparam("values", expanding=True)))
)


_PERSON = (
    contacts.c.id,
    contacts.c.name,
    sa.func.coalesce(contact_emails.c.address, "").label("email"),
    contacts.c.company_id,
    contact_emails.c.valid_from,
    contact_emails.c.valid_to,
)


def _with_address(statement: "sa.Select[Any]") -> "sa.Select[Any]":
    """Each contact with the main address if there is one."""
    main = sa.and_(contact_emails.c.contact_id == contacts.c.id, contact_emails.c.is_primary)
    return statement.outerjoin(contact_emails, main)


def _people(first: "sa.Column[Any]", key: "sa.Column[Any]") -> "sa.Select[Any]":
    """Contacts of which `key` is one of `values`, with `first` in front."""
    found = _with_address(sa.select(first, *_PERSON).select_from(contacts))
    return found.where(key.in_(sa.bindparam("values", expanding=True)))


_COMMON = (
    sa.select(contacts.c.name_key)
    .where(contacts.c.name_key.in_(sa.bindparam("values", expanding=True)))
    .group_by(contacts.c.name_key)
    .having(sa.func.count() > MOST_NAMESAKES)
)

_NAMED = _people(contacts.c.name_key, contacts.c.name_key)

_HAS_INNER = contacts.c.inner_key != sa.literal_column("''")
"""Said of the database too, which has an index of these alone."""


def _asked(*, is_sqlite: bool) -> "sa.FromClause":
    """The pairs asked for, as rows: each is a step in an index, where two lists would be every one with every other."""
    names = ("company_id", "key")
    if is_sqlite:
        pair = sa.func.json_each(sa.bindparam("asked")).table_valued("value").c.value
        return sa.select(
            *(sa.func.json_extract(pair, f"$[{at}]").label(name) for at, name in enumerate(names))
        ).subquery()
    lists = (sa.bindparam(name, type_=sa.ARRAY(sa.String)) for name in names)
    return sa.func.unnest(*lists).table_valued(*names).render_derived()


@lru_cache(maxsize=2)
def _shortened(*, is_sqlite: bool) -> tuple["sa.Select[Any]", "sa.CompoundSelect[Any]"]:
    """(pairs that more than `MOST_NAMESAKES` share, contacts under a pair, its key in front)."""
    asked = _asked(is_sqlite=is_sqlite)
    here = contacts.c.company_id == asked.c.company_id
    under = sa.and_(here, contacts.c.short_key == asked.c.key)
    inside = sa.and_(here, contacts.c.inner_key == asked.c.key, _HAS_INNER)
    found = [asked.join(contacts, key) for key in (under, inside)]
    every = sa.union_all(*(sa.select(asked).select_from(one) for one in found)).subquery()
    pair = (every.c.company_id, every.c.key)
    common = sa.select(*pair).group_by(*pair).having(sa.func.count() > MOST_NAMESAKES)
    people = (_with_address(sa.select(asked.c.key, *_PERSON).select_from(one)) for one in found)
    return common, sa.union_all(*people)


REFUSALS = sa.and_(suggestions.c.refused, suggestions.c.contact_id != "")
"""Suggestions of which somebody said that the address is not that contact's."""
_ANY_REFUSED = sa.select(suggestions.c.match_key).where(REFUSALS).limit(1)
_REFUSED = sa.select(suggestions.c.match_key, suggestions.c.contact_id).where(
    REFUSALS, suggestions.c.match_key.in_(sa.bindparam("values", expanding=True))
)

MOST_STAFF = 200
"""Contacts at one company that a signature is compared with; in a larger one names and numbers repeat."""

_SMALL = (
    sa.select(contacts.c.company_id)
    .where(contacts.c.company_id.in_(sa.bindparam("values", expanding=True)))
    .group_by(contacts.c.company_id)
    .having(sa.func.count() <= MOST_STAFF)
)

_STAFF = _people(contacts.c.phones, contacts.c.company_id)


def look_up(connection: sa.Connection, keys: Collection[str], domains: Collection[str]) -> Answers:
    """Who holds these match keys, and which company owns these registrable domains.

    A claim that a person stated beats those seen in contacts' addresses; where two companies claim alike, the domain
    is nobody's and the answer leaves it out.
    """
    return Answers(holders=_holders(connection, keys), companies=_companies(connection, domains))


def answer(connection: sa.Connection, want: Wanted) -> Answers:
    """All that a page's decisions ask of the directory; names in a query of their own, and only where any matter."""
    answers = look_up(connection, want.keys, want.domains)
    answers = replace(answers, refused=refused(connection, want.keys))
    names = want.names(answers)
    if not names.full and not names.short:
        return answers
    return replace(answers, named=named(connection, names.full), shortened=shortened(connection, names.short))


def named(connection: sa.Connection, keys: Collection[str]) -> Mapping[str, tuple[Holder, ...]]:
    """Who bears these full names (keys of `matchers.names`), without names that more than `MOST_NAMESAKES` bear."""
    found: dict[str, list[Holder]] = defaultdict(list)
    for chunk in bulk.chunks(keys):
        common = set(connection.execute(_COMMON, {"values": chunk}).scalars())
        asked = [key for key in chunk if key not in common]
        for key, *row in connection.execute(_NAMED, {"values": asked}) if asked else ():
            found[key].append(_holder(row))
    return {key: tuple(holders) for key, holders in found.items()}


def shortened(
    connection: sa.Connection, asked: Collection[tuple[str, str]]
) -> Mapping[tuple[str, str], tuple[Holder, ...]]:
    """Of whose name one may be a form: contacts by (company id, short key of `matchers.names`), without pairs that more
    than `MOST_NAMESAKES` share."""
    is_sqlite = connection.dialect.name == "sqlite"
    common_ones, people = _shortened(is_sqlite=is_sqlite)
    found: dict[tuple[str, str], list[Holder]] = defaultdict(list)
    for pairs in bulk.chunks([pair for pair in asked if all(pair)]):
        firms, keys = (list(column) for column in zip(*pairs, strict=True))
        values = {"asked": json.dumps(pairs)} if is_sqlite else {"company_id": firms, "key": keys}
        common = {(company, key) for company, key in connection.execute(common_ones, values)}
        for key, *row in connection.execute(people, values):
            holder = _holder(row)
            if (pair := (holder.company_id or "", key)) not in common:
                found[pair].append(holder)
    return {pair: tuple(holders) for pair, holders in found.items()}


def refused(connection: sa.Connection, keys: Collection[str]) -> Mapping[str, frozenset[str]]:
    """Of which contacts somebody said that these match keys are not theirs."""
    if connection.execute(_ANY_REFUSED).first() is None:
        return {}
    found: dict[str, set[str]] = defaultdict(set)
    for chunk in bulk.chunks(keys):
        for key, contact in connection.execute(_REFUSED, {"values": chunk}):
            found[key].add(contact)
    return {key: frozenset(contacts) for key, contacts in found.items()}


def staff(connection: sa.Connection, company_ids: Collection[str]) -> Mapping[str, tuple[Colleague, ...]]:
    """The contacts of these companies, with their telephone numbers; none of companies with more than `MOST_STAFF`."""
    found: dict[str, list[Colleague]] = defaultdict(list)
    for chunk in bulk.chunks(company_ids):
        small = connection.execute(_SMALL, {"values": chunk}).scalars().all()
        for phones, *row in connection.execute(_STAFF, {"values": small}) if small else ():
            found[row[3]].append(Colleague(holder=_holder(row), phones=tuple(map(str, phones))))
    return {company: tuple(people) for company, people in found.items()}


def stamp(connection: sa.Connection) -> int:
    """A mark of the directory's present state, for `changed_since`. Take it before `look_up`."""
    return int(connection.execute(sa.select(sa.func.coalesce(sa.func.max(changes.c.seq), 0))).scalar_one())


def changed_since(connection: sa.Connection, mark: int) -> bool:
    """Whether contacts came or changed since `stamp`. Ask it in the fenced transaction that records decisions.

    Who adds contacts locks every mailbox row first and then queues what was recorded for a re-read; who records holds
    his own row. So a decision made on older answers either is seen by the one or sees the other.
    """
    newer = sa.select(changes.c.seq).where(changes.c.seq > mark, changes.c.kind == "contact").limit(1)
    return connection.execute(newer).first() is not None


def _holders(connection: sa.Connection, keys: Collection[str]) -> Mapping[str, tuple[Holder, ...]]:
    found: dict[str, list[Holder]] = defaultdict(list)
    for chunk in bulk.chunks(keys):
        for key, *row in connection.execute(_HOLDERS, {"values": chunk}):
            found[key].append(_holder(row))
    return {key: tuple(holders) for key, holders in found.items()}


def _holder(row: Sequence[Any]) -> Holder:
    contact, name, email, company, valid_from, valid_to = row
    return Holder(
        contact_id=contact, name=name, email=email, company_id=company, valid_from=valid_from, valid_to=valid_to
    )


def _companies(connection: sa.Connection, domains: Collection[str]) -> Mapping[str, CompanyRef]:
    stated: dict[str, list[CompanyRef]] = defaultdict(list)
    seen: dict[str, list[CompanyRef]] = defaultdict(list)
    for domain, company, name, by_person in bulk.among(connection, _COMPANIES, domains):
        claims = stated if by_person else seen
        claims[domain].append(CompanyRef(company_id=company, name=name, domain=domain))
    return {domain: found[0] for domain, found in {**seen, **stated}.items() if len(found) == 1}
