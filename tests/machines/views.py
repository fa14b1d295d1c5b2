"""What a database says, in words that two databases about the same mail must share."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from agent.store.database import Database
from agent.store.tables import (
    changes,
    company_links,
    contacts,
    folders,
    interactions,
    links,
    locations,
    mailboxes,
    reviews,
    rulings,
    texts,
)
from tests.machines.world import Where

_RULINGS = sa.select(rulings.c.message_key, rulings.c.address)


@dataclass(frozen=True, kw_only=True)
class Kept:
    """An interaction. places: where it lies now. people: (contact, rule, role) of each link; firms: (name, rule)."""

    id: str
    key: bytes
    variant: int
    thread: str
    facts: tuple[object, ...]
    people: frozenset[tuple[str, str, str]]
    firms: frozenset[tuple[str, str]]
    places: frozenset[Where]
    ever: int
    """Places it ever had."""


@dataclass(frozen=True, kw_only=True)
class Doubt:
    """An open item of the review queue."""

    mailbox: str
    key: bytes
    address: str
    interaction: str | None
    candidates: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class View:
    """Everything the machine looks at. outcomes: of live places, `logged` or `skipped: reason`."""

    outcomes: Mapping[Where, str]
    keys: Mapping[Where, bytes]
    validity: Mapping[tuple[str, str], str]
    kept: Mapping[str, Kept]
    doubts: tuple[Doubt, ...]
    reviewed: frozenset[tuple[str, bytes]]
    """(mailbox, key) of every place in review."""
    ruled: frozenset[tuple[bytes, str]]
    """(key, address) of every doubt that somebody decided."""
    feed: Mapping[str, tuple[str, ...]]
    """interaction -> its events in order."""
    threads: Mapping[str, str]
    """interaction -> its thread, for whoever knows the feed alone."""

    def at(self, where: Where) -> Kept | None:
        """The interaction that lies there."""
        return next((kept for kept in self.kept.values() if where in kept.places), None)


def view(database: Database) -> View:
    """Reads everything in one snapshot."""
    with database.read() as connection:
        outcomes, keys, where = _locations(connection)
        return View(
            outcomes=outcomes,
            keys=keys,
            validity=_validity(connection),
            kept=_kept(connection, where),
            doubts=_doubts(connection),
            reviewed=_reviewed(connection),
            ruled=frozenset(tuple(row) for row in connection.execute(_RULINGS)),
            feed=_feed(connection),
            threads=_threads_told(connection),
        )


def _locations(
    connection: sa.Connection,
) -> tuple[dict[Where, str], dict[Where, bytes], dict[str, list[Where | None]]]:
    rows = connection.execute(
        sa.select(locations, mailboxes.c.address, folders.c.key.label("folder"))
        .join(mailboxes, mailboxes.c.id == locations.c.mailbox_id)
        .join(folders, folders.c.id == locations.c.folder_id)
    )
    outcomes: dict[Where, str] = {}
    keys: dict[Where, bytes] = {}
    where: dict[str, list[Where | None]] = defaultdict(list)
    for row in rows:
        spot = (row.address, row.folder, row.uid)
        if row.interaction_id is not None:
            where[row.interaction_id].append(None if row.gone_at else spot)
        if row.gone_at is None:
            assert spot not in outcomes, f"{spot} has two live rows"
            outcomes[spot] = f"{row.outcome}: {row.reason}" if row.reason else row.outcome
            keys[spot] = row.message_key
    return outcomes, keys, where


def _validity(connection: sa.Connection) -> dict[tuple[str, str], str]:
    rows = connection.execute(
        sa.select(mailboxes.c.address, folders.c.key, folders.c.validity).join(
            mailboxes, mailboxes.c.id == folders.c.mailbox_id
        )
    )
    return {(row.address, row.key): row.validity for row in rows}


def _kept(connection: sa.Connection, where: Mapping[str, list[Where | None]]) -> dict[str, Kept]:
    people = _people(connection)
    firms: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for link in connection.execute(sa.select(company_links)):
        firms[link.interaction_id].add((link.company_id, link.rule))
    rows = connection.execute(
        sa.select(interactions, texts.c.interaction_id.is_not(None).label("has_text")).outerjoin(
            texts, texts.c.interaction_id == interactions.c.id
        )
    )
    return {
        row.id: Kept(
            id=row.id,
            key=row.message_key,
            variant=row.variant,
            thread=row.thread_id,
            facts=(row.from_address, row.date, row.occurred_at, row.direction, row.rule, row.capture, row.has_text),
            people=frozenset(people[row.id]),
            firms=frozenset(firms[row.id]),
            places=frozenset(spot for spot in where.get(row.id, ()) if spot is not None),
            ever=len(where.get(row.id, ())),
        )
        for row in rows
    }


def _people(connection: sa.Connection) -> dict[str, set[tuple[str, str, str]]]:
    found: dict[str, set[tuple[str, str, str]]] = defaultdict(set)
    rows = connection.execute(sa.select(links, contacts.c.name).join(contacts, contacts.c.id == links.c.contact_id))
    for link in rows:
        found[link.interaction_id].add((link.name, link.rule, link.role))
    return found


def _doubts(connection: sa.Connection) -> tuple[Doubt, ...]:
    rows = connection.execute(
        sa.select(reviews, mailboxes.c.address.label("mailbox"))
        .join(mailboxes, mailboxes.c.id == reviews.c.mailbox_id)
        .where(reviews.c.state == "open")
    )
    return tuple(
        Doubt(
            mailbox=row.mailbox,
            key=row.message_key,
            address=row.address,
            interaction=row.interaction_id,
            candidates=frozenset(str(one["name"]) for one in row.candidates),
        )
        for row in rows
    )


def _reviewed(connection: sa.Connection) -> frozenset[tuple[str, bytes]]:
    rows = connection.execute(
        sa.select(mailboxes.c.address, locations.c.message_key)
        .join(mailboxes, mailboxes.c.id == locations.c.mailbox_id)
        .where(locations.c.outcome == "review", locations.c.gone_at.is_(None))
    )
    return frozenset((row.address, row.message_key) for row in rows)


def _feed(connection: sa.Connection) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    rows = connection.execute(
        sa.select(changes.c.entity, changes.c.event).where(changes.c.kind == "interaction").order_by(changes.c.seq)
    )
    for row in rows:
        found[row.entity] = (*found.get(row.entity, ()), row.event)
    return found


def _threads_told(connection: sa.Connection) -> dict[str, str]:
    found: dict[str, str] = {}
    rows = connection.execute(
        sa.select(changes).where(changes.c.event.in_(["logged", "merged"])).order_by(changes.c.seq)
    )
    for row in rows:
        if row.kind == "interaction":
            found[row.entity] = row.body["thread_id"]
        elif row.kind == "thread":
            found = {id: row.body["into"] if thread == row.entity else thread for id, thread in found.items()}
    return found
