"""Forgets a person: rows, texts, queue entries, reminders and the feed, in the caller's one transaction.

Called by `agent.people.erasing`. What concerns that person alone goes; what others share loses the person: participant,
link and evidence, and the text if the person wrote it. Calendar items lose their words here and are withdrawn by the
outbox. Tombstones are entered first, so that no pass under way brings anything back.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from agent.store import feed
from agent.store.bulk import CHUNK, chunks
from agent.store.directory.companies import withdraw_claims
from agent.store.directory.contact_writes import Writer
from agent.store.mail import rewriting, threads, tombstones
from agent.store.mail.places import KEPT_NO_LONGER
from agent.store.mail.threads import THREAD_RULE
from agent.store.persons import erased_queues, suggested
from agent.store.persons.person import Person, names
from agent.store.tables import (
    audit,
    changes,
    companies,
    company_domains,
    company_links,
    contacts,
    interactions,
    links,
    locations,
    participants,
    texts,
)
from matchers.company import corporate_domain


@dataclass(frozen=True, kw_only=True, slots=True)
class Erased:
    """What went. interactions: about that person alone. shared: those that others keep, without the person."""

    interactions: int = 0
    shared: int = 0
    reviews: int = 0
    reminders: int = 0


def erase(writer: Writer, person: Person, hashes: Collection[bytes], now: datetime, who: str) -> Erased:
    """Forgets the person. `writer` began the transaction. who: whom the audit table names."""
    database, connection = writer.database, writer.connection
    database.serialise(connection)  # nobody may be about to record mail of theirs
    tombstones.enter(database, connection, hashes, now)
    gone, shared = _split(connection, person)
    reviews = erased_queues.forget_reviews(database, connection, person)
    reminders = erased_queues.forget_reminders(writer, person, now)
    conversations = _threads_of(connection, [*gone, *shared])
    _take_out(connection, gone)
    _take_person_out(connection, shared, person)
    _forget_contact(connection, person)
    erased_queues.forget_said(connection, person)
    threads.queue_hanging(database, connection, conversations)
    _forget_told(connection, person, gone, reminders)
    connection.execute(sa.insert(audit).values(at=now, who=who, what="erased", entity=""))
    rewriting.owe(database, connection, now)
    _tell(writer, person, gone, shared, reminders)
    return Erased(interactions=len(gone), shared=len(shared), reviews=reviews, reminders=len(reminders))


def _split(connection: sa.Connection, person: Person) -> tuple[list[str], list[str]]:
    """Interactions that concern nobody but the person, and those that others share.

    A link that only their conversation made is no share: `matchers.case` decides new mail by the same rule.
    """
    concerned: set[str] = set()
    if person.contact is not None:
        linked = sa.select(links.c.interaction_id).where(links.c.contact_id == person.contact.id)
        concerned.update(connection.execute(linked).scalars())
    for chunk in chunks(person.keys):
        named = sa.select(participants.c.interaction_id).where(participants.c.match_key.in_(chunk))
        concerned.update(connection.execute(named).scalars())
    shared = _shared(connection, person, sorted(concerned))
    return sorted(concerned - shared), sorted(shared)


def _shared(connection: sa.Connection, person: Person, ids: Sequence[str]) -> set[str]:
    own = person.contact.id if person.contact is not None else ""
    shared: set[str] = set()
    for chunk in chunks(ids):
        others = sa.select(links.c.interaction_id).where(
            links.c.interaction_id.in_(chunk), links.c.contact_id != own, links.c.rule != THREAD_RULE
        )
        shared.update(connection.execute(others).scalars())
        shared.update(_kept_by_company(connection, person, chunk))
    return shared


def _kept_by_company(connection: sa.Connection, person: Person, ids: Sequence[str]) -> set[str]:
    """Where somebody else at a company's domain takes part."""
    firms = connection.execute(
        sa.select(company_links.c.interaction_id, company_links.c.domain).where(
            company_links.c.interaction_id.in_(ids), company_links.c.rule != THREAD_RULE
        )
    ).all()
    if not firms:
        return set()
    wanted = {row.interaction_id for row in firms}
    there = {
        (row.interaction_id, corporate_domain(row.match_key.rpartition("@")[2]))
        for row in connection.execute(
            sa.select(participants.c.interaction_id, participants.c.match_key).where(
                participants.c.interaction_id.in_(sorted(wanted))
            )
        )
        if row.match_key not in person.keys
    }
    return {row.interaction_id for row in firms if (row.interaction_id, row.domain) in there}


def _threads_of(connection: sa.Connection, ids: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for chunk in chunks(ids):
        query = sa.select(interactions.c.thread_id).where(interactions.c.id.in_(chunk))
        found.update(one for one in connection.execute(query).scalars() if one is not None)
    return found


def _take_out(connection: sa.Connection, gone: Sequence[str]) -> None:
    for chunk in chunks(gone):
        places = sa.update(locations).where(locations.c.interaction_id.in_(chunk))
        connection.execute(places.values(reason="erased", **KEPT_NO_LONGER))
        connection.execute(sa.delete(interactions).where(interactions.c.id.in_(chunk)))


def _take_person_out(connection: sa.Connection, shared: Sequence[str], person: Person) -> None:
    """Participant, link, evidence; and what the person wrote."""
    for chunk in chunks(shared):
        for words in _wrote(connection, chunk, person):
            _drop_words(connection, words)
        for keys in chunks(person.keys):
            connection.execute(
                sa.delete(participants).where(
                    participants.c.interaction_id.in_(chunk), participants.c.match_key.in_(keys)
                )
            )
        if person.contact is not None:
            connection.execute(
                sa.delete(links).where(links.c.interaction_id.in_(chunk), links.c.contact_id == person.contact.id)
            )
        for table, other in ((links, links.c.contact_id), (company_links, company_links.c.company_id)):
            _clear_evidence(connection, table, other, chunk, person)
        _renew_rules(connection, chunk)


def _renew_rules(connection: sa.Connection, ids: Sequence[str]) -> None:
    """What was kept for the person is kept now for what the others are linked by, a contact's link before a firm's."""
    query = sa.select(links.c.interaction_id, links.c.rule).where(links.c.interaction_id.in_(ids))
    by_contact = connection.execute(query.order_by(links.c.confidence)).all()
    firms = sa.select(company_links.c.interaction_id, company_links.c.rule).where(
        company_links.c.interaction_id.in_(ids)
    )
    left = {row.interaction_id: row.rule for row in (*connection.execute(firms).all(), *by_contact)}
    for interaction, rule in left.items():
        connection.execute(sa.update(interactions).where(interactions.c.id == interaction).values(rule=rule))


def _wrote(connection: sa.Connection, ids: Sequence[str], person: Person) -> list[list[str]]:
    """Ids of those that the person wrote."""
    by_address = sa.select(participants.c.interaction_id).where(
        participants.c.interaction_id.in_(ids),
        participants.c.role == "from",
        participants.c.match_key.in_(sorted(person.keys)),
    )
    found = set(connection.execute(by_address).scalars())
    if person.contact is not None:
        linked = sa.select(links.c.interaction_id).where(
            links.c.interaction_id.in_(ids), links.c.contact_id == person.contact.id, links.c.role == "from"
        )
        found.update(connection.execute(linked).scalars())
    return [sorted(found)] if found else []


def _drop_words(connection: sa.Connection, ids: Sequence[str]) -> None:
    """The text goes, with whatever else of the person's own the header and the attachments tell."""
    connection.execute(sa.delete(texts).where(texts.c.interaction_id.in_(ids)))
    connection.execute(sa.update(locations).where(locations.c.interaction_id.in_(ids)).values(text_digest=None))
    connection.execute(
        sa.update(interactions)
        .where(interactions.c.id.in_(ids))
        .values(attachments=[], message_id=None, from_address="", asks=None, words=None, holds_until=None)
    )


def _clear_evidence(
    connection: sa.Connection, table: sa.Table, other: "sa.Column[object]", ids: Sequence[str], person: Person
) -> None:
    """Facts that name the person. The link itself stands on others, or is decided anew."""
    for row in connection.execute(
        sa.select(table.c.interaction_id, other, table.c.evidence).where(table.c.interaction_id.in_(ids))
    ).all():
        left = [fact for fact in row.evidence if not names(person, str(fact))]
        if left != row.evidence:
            query = sa.update(table).where(table.c.interaction_id == row.interaction_id, other == row[1])
            connection.execute(query.values(evidence=left))


def _forget_contact(connection: sa.Connection, person: Person) -> None:
    """The contact, and a company that nobody else makes known."""
    if person.contact is None:
        return
    connection.execute(sa.delete(contacts).where(contacts.c.id == person.contact.id))
    suggested.forget_contact(connection, person.contact.id)
    firm = person.contact.company_id
    if firm is None:
        return
    withdraw_claims(connection, [firm])
    held = sa.or_(
        *(
            sa.select(table.c.company_id).where(table.c.company_id == firm).exists()
            for table in (contacts, company_links)
        ),
        sa.select(company_domains.c.domain)
        .where(company_domains.c.company_id == firm, company_domains.c.stated)
        .exists(),
    )
    connection.execute(sa.delete(companies).where(companies.c.id == firm, ~held))


def _forget_told(connection: sa.Connection, person: Person, gone: Sequence[str], reminders: Sequence[str]) -> None:
    """What the feed said before of the person and of what is gone. Its rows stay: followers count on their tokens."""
    own = [person.contact.id] if person.contact is not None else []
    for chunk in chunks([*own, *gone, *reminders]):
        connection.execute(sa.update(changes).where(changes.c.entity.in_(chunk)).values(body={}))
    told = sa.func.lower(sa.cast(changes.c.body, sa.Text))
    for word in person.words:
        query = sa.select(changes.c.seq, changes.c.kind, changes.c.body).where(told.contains(word, autoescape=True))
        said = [row.seq for row in connection.execute(query) if names(person, str(row.body))]
        for start in range(0, len(said), CHUNK):
            some = said[start : start + CHUNK]
            connection.execute(sa.update(changes).where(changes.c.seq.in_(some)).values(body={}))


def _tell(writer: Writer, person: Person, gone: Sequence[str], shared: Sequence[str], reminders: Sequence[str]) -> None:
    own = person.contact.id if person.contact is not None else ""  # also then: pages under way are decided again
    told = [
        *(("reminder", "erased", one) for one in reminders),
        *(("interaction", "erased", one) for one in gone),
        *(("interaction", "updated", one) for one in shared),
        ("contact", "erased", own),
    ]
    batch = [feed.Change(kind=kind, event=event, entity=entity, body={}) for kind, event, entity in told]
    feed.append(writer.database, writer.connection, batch)
