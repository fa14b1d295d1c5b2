"""What people do to the history by hand: take something out for good, give it to another contact, or note a call."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from agent.store import feed
from agent.store.database import Database
from agent.store.directory.contacts import Contact
from agent.store.hashes import Hasher
from agent.store.mail import dating, known, removals, replaced, threads
from agent.store.mail.places import KEPT_NO_LONGER
from agent.store.schedule.mailboxes import lock_all, make_due
from agent.store.tables import (
    company_links,
    contacts,
    interactions,
    links,
    locations,
    rereads,
    rulings,
    texts,
)

CHOSEN = "Somebody of your team chose this contact"
"""The evidence of a link made by hand."""
_NOBODY = "-"
"""From whom a message was taken that had no contact; no id of a contact."""


def remove(database: Database, connection: sa.Connection, hasher: Hasher, interaction_id: str, now: datetime) -> bool:
    """Takes an interaction out; its tombstone keeps later passes from logging the message again. False if unknown.

    Alone among those who record pages: one of them might be about to give it another place. What hung by it in its
    conversation is decided anew.
    """
    lock_all(connection)
    database.serialise(connection)
    if not known.all_logged(connection, [interaction_id]):
        return False
    thread = connection.execute(sa.select(interactions.c.thread_id).where(interactions.c.id == interaction_id)).scalar()
    key = removals.enter(database, connection, hasher, interaction_id, now)
    its = sa.update(locations).where(locations.c.interaction_id == interaction_id)
    connection.execute(its.values(reason="removed", **KEPT_NO_LONGER))
    connection.execute(sa.delete(interactions).where(interactions.c.id == interaction_id))
    if key is not None:
        replaced.forget_oddity(connection, key)
    if thread is not None:
        threads.queue_hanging(database, connection, {thread})
        make_due(connection, sa.select(rereads.c.mailbox_id), now)
    gone = feed.Change(kind="interaction", event="removed", entity=interaction_id, body={})
    feed.append(database, connection, [gone])
    return True


def add(
    database: Database, connection: sa.Connection, *, id: str, kind: str, contact: Contact, text: str, now: datetime
) -> None:
    """Enters a call or a note with a contact. id: a fresh one."""
    direction = "outbound" if kind == "call" else "internal"
    connection.execute(
        sa.insert(interactions).values(
            id=id,
            message_key=None,
            variant=0,
            kind=kind,
            direction=direction,
            occurred_at=now,
            date=None,
            from_address="",
            subject=None,
            message_id=None,
            thread_id=None,
            capture="full",
            rule="manual",
            attachments=[],
            flagged_as=[],
            asks=None,
            words=None,
            recorded_at=now,
        )
    )
    connection.execute(sa.insert(texts).values(interaction_id=id, text=text))
    link = _by_hand(id, contact, now, role="to", evidence="entered by hand")
    connection.execute(sa.insert(links).values(link))
    body = {"direction": direction, "thread_id": None, "contacts": [contact.id]}
    feed.append(database, connection, [feed.Change(kind="interaction", event="logged", entity=id, body=body)])


@dataclass(frozen=True, kw_only=True, slots=True)
class Linked:
    """A contact who has an interaction."""

    id: str
    name: str


def linked(connection: sa.Connection, interaction_id: str) -> Sequence[Linked]:
    """Who has this interaction, by name."""
    rows = connection.execute(
        sa.select(contacts.c.id, contacts.c.name)
        .join(links, links.c.contact_id == contacts.c.id)
        .where(links.c.interaction_id == interaction_id)
        .order_by(contacts.c.name, contacts.c.id)
    )
    return [Linked(id=row.id, name=row.name) for row in rows]


def move(
    database: Database, connection: sa.Connection, interaction_id: str, source: str | None, to: Contact, now: datetime
) -> None:
    """Gives an interaction to another contact, for good: no later pass gives it back.

    source: the contact who has it no more, None where nobody had it. The mailboxes it lies in are due at once, for what
    hung by it. Waits for commits under way, which know the contact it is taken from; who commits later sees the move.
    """
    lock_all(connection)
    one = connection.execute(
        sa.select(interactions.c.message_key, interactions.c.thread_id, interactions.c.direction).where(
            interactions.c.id == interaction_id
        )
    ).one()
    _relink(connection, interaction_id, source, to, role="from" if one.direction == "inbound" else "to")
    if one.message_key is not None:
        _rule(connection, one.message_key, source or _NOBODY, to.id, now)
    if one.thread_id is not None:
        threads.queue_hanging(database, connection, {one.thread_id})
    make_due(connection, sa.select(rereads.c.mailbox_id), now)
    make_due(connection, sa.select(locations.c.mailbox_id).where(locations.c.interaction_id == interaction_id), now)
    body = {"contacts": [who.id for who in linked(connection, interaction_id)], "from": source, "to": to.id}
    feed.append(
        database, connection, [feed.Change(kind="interaction", event="moved", entity=interaction_id, body=body)]
    )


def _relink(connection: sa.Connection, interaction_id: str, source: str | None, to: Contact, *, role: str) -> None:
    of = links.c.interaction_id == interaction_id
    old = connection.execute(sa.select(links.c.role).where(of, links.c.contact_id == source)).scalar_one_or_none()
    connection.execute(sa.delete(links).where(of, links.c.contact_id.in_([source, to.id])))
    at = dating.of(connection, interaction_id)
    connection.execute(sa.insert(links).values(_by_hand(interaction_id, to, at, role=old or role, evidence=CHOSEN)))
    others = sa.select(links.c.contact_id).where(of, links.c.rule != "manual").exists()
    firms = sa.select(company_links.c.company_id).where(company_links.c.interaction_id == interaction_id).exists()
    connection.execute(
        sa.update(interactions).where(interactions.c.id == interaction_id, ~others, ~firms).values(rule="manual")
    )


def _rule(connection: sa.Connection, message_key: bytes, source: str, to: str, now: datetime) -> None:
    """What people said before of the one it is taken from means the other now."""
    of = rulings.c.message_key == message_key
    connection.execute(sa.update(rulings).where(of, rulings.c.contact_id == source).values(contact_id=to))
    connection.execute(sa.delete(rulings).where(of, rulings.c.address == "", rulings.c.instead_of == source))
    values = {"message_key": message_key, "address": "", "instead_of": source, "contact_id": to, "made_at": now}
    connection.execute(sa.insert(rulings).values(values))


def _by_hand(interaction_id: str, contact: Contact, at: datetime, *, role: str, evidence: str) -> dict[str, object]:
    return {
        "interaction_id": interaction_id,
        "contact_id": contact.id,
        "role": role,
        "email": contact.emails[0].address if contact.emails else "",
        "rule": "manual",
        "confidence": 1.0,
        "evidence": [evidence],
        "origin": "manual",
        "occurred_at": at,
    }
