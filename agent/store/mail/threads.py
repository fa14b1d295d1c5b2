"""Threads of logged mail: which ids belong together, and whom their messages concern.

A thread is the set of messages connected by References and In-Reply-To. Every id that a logged message has or
refers to points to its thread; a message that joins two threads merges them, and the older `thread_id` stays.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import sqlalchemy as sa

from agent.store import bulk
from agent.store.database import Database
from agent.store.tables import (
    companies,
    company_links,
    contacts,
    interactions,
    links,
    locations,
    message_refs,
    reminders,
    rereads,
    signals,
    thread_members,
)
from matchers.contact import CompanyRef, Holder, ThreadView

THREAD_RULE = "thread"
WEAK_RULES = (THREAD_RULE, "domain")
"""Rules that a thread may overrule when it comes to concern others: nobody in the message itself is a contact."""

_MEMBERS = sa.select(thread_members.c.id_hash, thread_members.c.thread_id).where(
    thread_members.c.id_hash.in_(sa.bindparam("values", expanding=True))
)
_REFERRING = sa.select(message_refs.c.message_key).where(message_refs.c.ref.in_(sa.bindparam("values", expanding=True)))
_UNDECIDED = sa.or_(
    sa.and_(
        locations.c.outcome == sa.literal_column("'skipped'"), locations.c.reason == sa.literal_column("'no-contact'")
    ),
    locations.c.outcome == sa.literal_column("'review'"),
)
"""Mail nobody's, or in doubt."""
_VALUES: sa.BindParameter[str | bytes] = sa.bindparam("values", expanding=True)
_PLACE = sa.select(locations.c.id, locations.c.mailbox_id).where(locations.c.gone_at.is_(None))
_OPEN = _PLACE.where(locations.c.message_key.in_(_VALUES), _UNDECIDED)
_HANGING = (
    _PLACE.join(interactions, interactions.c.id == locations.c.interaction_id).where(
        interactions.c.thread_id.in_(_VALUES),
        interactions.c.rule.in_([sa.literal_column(f"'{rule}'") for rule in WEAK_RULES]),
    ),
    _PLACE.join(message_refs, message_refs.c.message_key == locations.c.message_key)
    .join(thread_members, thread_members.c.id_hash == message_refs.c.ref)
    .where(thread_members.c.thread_id.in_(_VALUES), _UNDECIDED),
    _PLACE.join(thread_members, thread_members.c.id_hash == locations.c.message_key).where(
        thread_members.c.thread_id.in_(_VALUES), _UNDECIDED
    ),
)
"""Places that threads decided, that refer to their messages, and that are their messages."""


_OF_ITSELF = f"'{THREAD_RULE}'"


def _named(table: sa.Table, column: "sa.Column[str]") -> "sa.Select[tuple[str, str]]":
    return (
        sa.select(interactions.c.thread_id, column)
        .join(table, table.c.interaction_id == interactions.c.id)
        .where(interactions.c.thread_id.in_(_VALUES), table.c.rule != sa.literal_column(_OF_ITSELF))
    )


_NAMED = (_named(links, links.c.contact_id), _named(company_links, company_links.c.company_id))
_PEOPLE = (
    sa.select(
        interactions.c.thread_id,
        contacts.c.id,
        contacts.c.name,
        contacts.c.company_id,
        sa.func.min(links.c.email),
        sa.func.min(interactions.c.id),
        sa.func.max(interactions.c.id),
    )
    .join(links, links.c.interaction_id == interactions.c.id)
    .join(contacts, contacts.c.id == links.c.contact_id)
    .where(interactions.c.thread_id.in_(_VALUES), links.c.rule != sa.literal_column(_OF_ITSELF))
    .group_by(interactions.c.thread_id, contacts.c.id, contacts.c.name, contacts.c.company_id)
    .order_by(contacts.c.id)
)


def _firms_named() -> "sa.Select[tuple[str, str, str, str, str, str]]":
    messages = sa.select(interactions.c.id, interactions.c.thread_id).where(interactions.c.thread_id.in_(_VALUES)).cte()
    by_domain = (
        sa.select(messages.c.thread_id, messages.c.id, company_links.c.company_id, company_links.c.domain)
        .join(company_links, company_links.c.interaction_id == messages.c.id)
        .where(company_links.c.rule != sa.literal_column(_OF_ITSELF))
    )
    by_contact = (
        sa.select(messages.c.thread_id, messages.c.id, contacts.c.company_id, sa.literal_column("''"))
        .join(links, links.c.interaction_id == messages.c.id)
        .join(contacts, contacts.c.id == links.c.contact_id)
        .where(links.c.rule != sa.literal_column(_OF_ITSELF))
    )
    named = sa.union(by_domain, by_contact).subquery()
    return (
        sa.select(
            named.c.thread_id,
            companies.c.id,
            companies.c.name,
            sa.func.max(named.c.domain),
            sa.func.min(named.c.id),
            sa.func.max(named.c.id),
        )
        .join(companies, companies.c.id == named.c.company_id)
        .group_by(named.c.thread_id, companies.c.id, companies.c.name)
        .order_by(companies.c.id)
    )


_FIRMS = _firms_named()
"""Built once, all of them: most pages ask these for a thousand ids and find nothing."""

Who = TypeVar("Who", Holder, CompanyRef)


def threads_of(connection: sa.Connection, hashes: Collection[bytes]) -> dict[bytes, str]:
    """id hash -> thread id, of those that belong to one."""
    return dict(bulk.among(connection, _MEMBERS, hashes))


@dataclass(frozen=True, kw_only=True, slots=True)
class Named(Generic[Who]):
    """Somebody whom a thread's messages name. first, last: the lowest and highest id of interactions that do."""

    who: Who
    first: str
    last: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Concern:
    """Whom the messages of a thread name by a rule of their own, in a stable order."""

    thread_id: str
    contacts: tuple[Named[Holder], ...] = ()
    companies: tuple[Named[CompanyRef], ...] = ()


def view_of(concerns: Sequence[Concern], own: Collection[str]) -> ThreadView | None:
    """The conversation as one message sees it: all threads it joins, without what it alone (ids `own`) says. Pure."""
    if not concerns:
        return None
    contacts = {n.who.contact_id: n.who for one in concerns for n in one.contacts if not {n.first, n.last} <= {*own}}
    firms = {n.who.company_id: n.who for one in concerns for n in one.companies if not {n.first, n.last} <= {*own}}
    return ThreadView(
        thread_id=min(one.thread_id for one in concerns),
        contacts=tuple(contacts[key] for key in sorted(contacts)),
        companies=tuple(firms[key] for key in sorted(firms)),
    )


def concerns(connection: sa.Connection, thread_ids: Collection[str]) -> dict[str, Concern]:
    """Each thread's concern; threads that name nobody have an empty one."""
    if not thread_ids:
        return {}
    people, firms = _people(connection, thread_ids), _firms(connection, thread_ids)
    return {
        thread: Concern(
            thread_id=thread, contacts=tuple(people.get(thread, ())), companies=tuple(firms.get(thread, ()))
        )
        for thread in thread_ids
    }


def _people(connection: sa.Connection, thread_ids: Collection[str]) -> dict[str, list[Named[Holder]]]:
    found: dict[str, list[Named[Holder]]] = {}
    for thread, contact, name, company, email, first, last in bulk.among(connection, _PEOPLE, thread_ids):
        holder = Holder(contact_id=contact, name=name, email=email, company_id=company)
        found.setdefault(thread, []).append(Named(who=holder, first=first, last=last))
    return found


def _firms(connection: sa.Connection, thread_ids: Collection[str]) -> dict[str, list[Named[CompanyRef]]]:
    """Companies named by domain, and those of the contacts named."""
    found: dict[str, list[Named[CompanyRef]]] = {}
    for thread, company, name, domain, first, last in bulk.among(connection, _FIRMS, thread_ids):
        firm = CompanyRef(company_id=company, name=name, domain=domain)
        found.setdefault(thread, []).append(Named(who=firm, first=first, last=last))
    return found


def merge(connection: sa.Connection, moves: Mapping[str, str]) -> list[tuple[str, str]]:
    """Moves every thread named as a key into its value: members, messages, signals and reminders.

    Returns those that had messages, which others know by the name of their thread.
    """
    had_messages = []
    for old, new in sorted(moves.items()):
        for table in (thread_members, interactions, signals, reminders):
            moved = connection.execute(sa.update(table).where(table.c.thread_id == old).values(thread_id=new))
            if table is interactions and moved.rowcount:
                had_messages.append((old, new))
    return had_messages


def oldest(connection: sa.Connection, thread_ids: Collection[str]) -> list[str]:
    """These threads, the one that was recorded first in front."""
    rows = connection.execute(
        sa.select(interactions.c.thread_id, sa.func.min(interactions.c.recorded_at).label("first"))
        .where(interactions.c.thread_id.in_(thread_ids))
        .group_by(interactions.c.thread_id)
        .order_by("first", interactions.c.thread_id)
    )
    known = [row.thread_id for row in rows]
    return known + sorted(set(thread_ids) - set(known))


def concerned(connection: sa.Connection, thread_ids: Collection[str]) -> set[tuple[str, str]]:
    """(thread id, contact or company id) of everyone the threads' messages name by a rule of their own."""
    if not thread_ids:
        return set()
    return {(thread, who) for statement in _NAMED for thread, who in bulk.among(connection, statement, thread_ids)}


def queue_touching(database: Database, connection: sa.Connection, hashes: Collection[bytes]) -> None:
    """Queues strangers' and doubtful mail that has, or refers to, one of these ids new to a thread."""
    keys = {key for (key,) in bulk.among(connection, _REFERRING, hashes)}
    _queue(database, connection, bulk.among(connection, _OPEN, {*keys, *hashes}))


def queue_hanging(database: Database, connection: sa.Connection, thread_ids: Collection[str]) -> None:
    """Queues what these threads alone decided, or did not decide, because they concern somebody else now."""
    found = (place for statement in _HANGING for place in bulk.among(connection, statement, thread_ids))
    _queue(database, connection, found)


def _queue(database: Database, connection: sa.Connection, found: Iterable[tuple[int, int]]) -> None:
    rows = [{"location_id": place, "mailbox_id": mailbox, "why": "thread"} for place, mailbox in sorted(set(found))]
    database.insert_new(connection, rereads, rows)
