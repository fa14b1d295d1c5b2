"""What somebody took out of the history, remembered so that no later pass logs it again.

A removal stands for one interaction, not for its message key: two messages may share a Message-ID, and only one of
them was taken out. What is kept to tell it from others is what tells variants apart (From and Date, size, text), as
keyed hashes, and in which mailboxes it was seen. Places may be forgotten or numbered anew; a removal stays.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from agent.store import bulk
from agent.store.database import Database, Row
from agent.store.hashes import Hasher
from agent.store.tables import interactions, locations, removals, removed_sightings, rereads

UNKNOWN = b""
"""Stands for a size or a text that nobody looked at."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RemovedSighting:
    """How a removed message looked in a mailbox. size, text_digest: keyed hashes, None if unknown."""

    mailbox_id: int
    size: bytes | None
    text_digest: bytes | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Removal:
    """An interaction that was taken out. id, variant: what it was; header: keyed hash of its From and Date."""

    id: str
    message_key: bytes
    variant: int
    header: bytes
    sightings: tuple[RemovedSighting, ...]


def enter(
    database: Database, connection: sa.Connection, hasher: Hasher, interaction_id: str, now: datetime
) -> bytes | None:
    """Remembers an interaction that is about to go. Its message key; None for a call or a note."""
    row = connection.execute(sa.select(interactions).where(interactions.c.id == interaction_id)).one()
    if row.message_key is None:
        return None
    stone = {"id": row.id, "message_key": row.message_key, "variant": row.variant, "made_at": now}
    header = hasher.of_header(row.message_key, row.from_address, row.date)
    database.insert_new(connection, removals, [stone | {"header": header}])
    seen = connection.execute(
        sa.select(locations.c.mailbox_id, locations.c.size, locations.c.text_digest)
        .where(locations.c.interaction_id == interaction_id)
        .distinct()
    )
    note(database, connection, [sighting(hasher, row.id, one.mailbox_id, one.size, one.text_digest) for one in seen])
    return bytes(row.message_key)


def sighting(hasher: Hasher, removal_id: str, mailbox_id: int, size: int | None, digest: bytes | None) -> Row:
    """The row of a sighting."""
    return {
        "removal_id": removal_id,
        "mailbox_id": mailbox_id,
        "size": UNKNOWN if size is None else hasher.of_size(removal_id, size),
        "text_digest": digest or UNKNOWN,
    }


def note(database: Database, connection: sa.Connection, sightings: Iterable[Row]) -> None:
    """Remembers where removed messages were seen again."""
    rows = sorted(sightings, key=lambda row: (str(row["removal_id"]), str(row["mailbox_id"])))
    database.insert_new(connection, removed_sightings, rows)


def under(connection: sa.Connection, keys: Collection[bytes]) -> dict[bytes, tuple[Removal, ...]]:
    """message key -> what was removed under it, by variant."""
    if connection.execute(sa.select(removals.c.id).limit(1)).first() is None:
        return {}
    rows = [
        row
        for chunk in bulk.chunks(keys)
        for row in connection.execute(
            sa.select(removals).where(removals.c.message_key.in_(chunk)).order_by(removals.c.variant)
        )
    ]
    seen = _sightings(connection, [row.id for row in rows])
    found: dict[bytes, tuple[Removal, ...]] = {}
    for row in rows:
        one = Removal(
            id=row.id,
            message_key=row.message_key,
            variant=row.variant,
            header=row.header,
            sightings=tuple(seen.get(row.id, ())),
        )
        found[row.message_key] = (*found.get(row.message_key, ()), one)
    return found


def _sightings(connection: sa.Connection, ids: Sequence[str]) -> dict[str, list[RemovedSighting]]:
    found: dict[str, list[RemovedSighting]] = {}
    for chunk in bulk.chunks(ids):
        for row in connection.execute(sa.select(removed_sightings).where(removed_sightings.c.removal_id.in_(chunk))):
            one = RemovedSighting(mailbox_id=row.mailbox_id, size=row.size or None, text_digest=row.text_digest or None)
            found.setdefault(row.removal_id, []).append(one)
    return found


def came_between(connection: sa.Connection, ids: Collection[str]) -> bool:
    """Whether one of these interactions, about to be logged, was taken out meanwhile."""
    return any(True for _ in bulk.among(connection, bulk.values_of(removals.c.id), ids))


@dataclass(frozen=True, kw_only=True, slots=True)
class Mistaken:
    """Another message of this mailbox passed for a removed one until its own text was seen here: `text_digest`."""

    removal_id: str
    message_key: bytes
    mailbox_id: int
    text_digest: bytes


def reconsider(database: Database, connection: sa.Connection, found: Sequence[Mistaken]) -> None:
    """Has what passed for a removed message in a mailbox decided anew: the message itself lies beside it."""
    for one in found:
        connection.execute(
            sa.delete(removed_sightings).where(
                removed_sightings.c.removal_id == one.removal_id,
                removed_sightings.c.mailbox_id == one.mailbox_id,
                removed_sightings.c.text_digest.not_in((one.text_digest, UNKNOWN)),
            )
        )
        passed = connection.execute(
            sa.select(locations.c.id).where(
                locations.c.mailbox_id == one.mailbox_id,
                locations.c.message_key == one.message_key,
                locations.c.reason == "removed",
                locations.c.gone_at.is_(None),
            )
        ).scalars()
        rows = [{"location_id": place, "mailbox_id": one.mailbox_id, "why": "removed"} for place in sorted(passed)]
        database.insert_new(connection, rereads, rows)
