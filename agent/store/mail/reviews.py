"""The review queue: matches that somebody must decide, and what was decided."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from agent.store import feed
from agent.store.database import Database
from agent.store.directory.contacts import Contact
from agent.store.mail import dating, revise, threads
from agent.store.mail.corrections import CHOSEN
from agent.store.schedule.mailboxes import lock_all, make_due
from agent.store.tables import interactions, links, locations, mailboxes, rereads, reviews, rulings
from matchers.address import normalise


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """One doubtful participant of one message. interaction_id: set where the message is logged already."""

    id: str
    mailbox: str
    message_key: bytes
    interaction_id: str | None
    address: str
    role: str
    rule: str
    candidates: tuple[Mapping[str, object], ...]
    evidence: tuple[str, ...]
    envelope: Mapping[str, object]
    created_at: datetime

    def named(self) -> Mapping[str, object]:
        """Whatever in it may name somebody."""
        return {
            "address": self.address,
            "candidates": self.candidates,
            "evidence": self.evidence,
            "envelope": self.envelope,
        }

    def told(self) -> dict[str, object]:
        """As JSON and tables show it."""
        return {
            "id": self.id,
            "mailbox": self.mailbox,
            "address": self.address,
            "role": self.role,
            "rule": self.rule,
            "candidates": list(self.candidates),
            "evidence": list(self.evidence),
            **{name: self.envelope.get(name) for name in ("from", "to", "subject", "date", "message_id")},
            "interaction_id": self.interaction_id,
            "created_at": self.created_at,
        }


def open_items(connection: sa.Connection) -> Iterator[Item]:
    """Everything that waits for a decision, oldest first."""
    for row in connection.execute(
        _items().where(reviews.c.state == "open").order_by(reviews.c.created_at, reviews.c.id)
    ):
        yield _item(row)


def find(connection: sa.Connection, item_id: str) -> Item | None:
    """One open item, by its id or an unmistakable beginning of it."""
    rows = connection.execute(
        _items().where(reviews.c.state == "open", reviews.c.id.startswith(item_id, autoescape=True)).limit(2)
    ).all()
    return _item(rows[0]) if len(rows) == 1 else None


def accept(database: Database, connection: sa.Connection, item: Item, contact: Contact, now: datetime) -> None:
    """This contact is meant, wherever the message lies. A logged message gets its link now, others at their re-read.

    Its conversation concerns the contact from now on: what hangs by that is decided anew.
    """
    _rule(database, connection, item, contact.id, now, state="accepted")
    if item.interaction_id is not None:
        link = _link(item, contact)
        dating.date(connection, [link])
        database.insert_new(connection, links, [link])
        having = sorted(revise.holders(connection, [item.interaction_id])[item.interaction_id])
        change = feed.Change(kind="interaction", event="updated", entity=item.interaction_id, body={"contacts": having})
        _look_at_conversation(database, connection, item.interaction_id, now)
        feed.append(database, connection, [change])


def _look_at_conversation(database: Database, connection: sa.Connection, interaction_id: str, now: datetime) -> None:
    of = sa.select(interactions.c.thread_id).where(interactions.c.id == interaction_id)
    thread = connection.execute(of).scalar_one_or_none()
    if thread is not None:
        threads.queue_hanging(database, connection, {thread})
        make_due(connection, sa.select(rereads.c.mailbox_id), now)


def reject(database: Database, connection: sa.Connection, item: Item, now: datetime) -> None:
    """Nobody known is meant: the message is not asked about again for this participant."""
    _rule(database, connection, item, None, now, state="rejected")


def count_about(connection: sa.Connection, item: Item) -> int:
    """Open items of the same mailbox about the same address as this one."""
    query = sa.select(reviews.c.address).where(reviews.c.state == "open", reviews.c.id != item.id)
    here = query.join(mailboxes, mailboxes.c.id == reviews.c.mailbox_id).where(mailboxes.c.written == item.mailbox)
    key = normalise(item.address).match_key
    return sum(normalise(address).match_key == key for address in connection.execute(here).scalars())


def any_left(connection: sa.Connection, mailbox_id: int) -> bool:
    """Whether somebody is asked about a message that this mailbox does not hold any more."""
    return connection.execute(sa.select(reviews.c.id).where(*_left(mailbox_id)).limit(1)).first() is not None


def close_left(connection: sa.Connection, mailbox_id: int) -> None:
    """Asks nobody about messages that left the mailbox: nothing could be logged. Doubts on logged mail stay."""
    connection.execute(sa.delete(reviews).where(*_left(mailbox_id)))


def _left(mailbox_id: int) -> tuple[sa.ColumnElement[bool], ...]:
    held = (
        sa.select(locations.c.id)
        .where(
            locations.c.mailbox_id == mailbox_id,
            locations.c.message_key == reviews.c.message_key,
            locations.c.outcome.in_(("review", "pending", "quarantined")),
            locations.c.gone_at.is_(None),
        )
        .exists()
    )
    return reviews.c.mailbox_id == mailbox_id, reviews.c.state == "open", reviews.c.interaction_id.is_(None), ~held


def _rule(
    database: Database, connection: sa.Connection, item: Item, contact_id: str | None, now: datetime, *, state: str
) -> None:
    """Waits for commits under way: what they left in doubt is queued here, and who commits later sees the ruling.

    So is what was logged of another message under the same Message-ID: both have one question.
    """
    lock_all(connection)
    key = {"message_key": item.message_key, "address": item.address}
    connection.execute(
        sa.delete(rulings).where(
            rulings.c.message_key == item.message_key, rulings.c.address == item.address, rulings.c.instead_of == ""
        )
    )
    connection.execute(sa.insert(rulings).values(**key, contact_id=contact_id, made_at=now))
    connection.execute(
        sa.update(reviews)
        .where(reviews.c.message_key == item.message_key, reviews.c.address == item.address)
        .values(state=state)
    )
    waiting = connection.execute(
        sa.select(locations.c.id, locations.c.mailbox_id).where(
            locations.c.message_key == item.message_key,
            sa.or_(locations.c.outcome == "review", locations.c.interaction_id != item.interaction_id),
            locations.c.gone_at.is_(None),
        )
    ).all()
    rows = [{"location_id": row.id, "mailbox_id": row.mailbox_id, "why": "review"} for row in waiting]
    database.insert_new(connection, rereads, rows)
    connection.execute(
        sa.update(mailboxes).where(mailboxes.c.id.in_({row.mailbox_id for row in waiting})).values(next_due=now)
    )


def _link(item: Item, contact: Contact) -> dict[str, object]:
    return {
        "interaction_id": item.interaction_id,
        "contact_id": contact.id,
        "role": item.role,
        "email": contact.emails[0].address if contact.emails else "",
        "rule": "manual",
        "confidence": 1.0,
        "evidence": [CHOSEN],
        "origin": "manual",
    }


def _items() -> sa.Select[tuple[object, ...]]:
    return sa.select(reviews, mailboxes.c.written.label("mailbox")).join(
        mailboxes, mailboxes.c.id == reviews.c.mailbox_id
    )


def _item(row: "sa.Row[tuple[object, ...]]") -> Item:
    known = row._mapping
    return Item(
        id=known["id"],
        mailbox=known["mailbox"],
        message_key=known["message_key"],
        interaction_id=known["interaction_id"],
        address=known["address"],
        role=known["role"],
        rule=known["rule"],
        candidates=tuple(known["candidates"]),
        evidence=tuple(known["evidence"]),
        envelope=known["envelope"],
        created_at=known["created_at"],
    )
