"""Places as they are looked up one by one: by id in a folder, to be flagged, queued or compared."""

from collections.abc import Collection, Sequence, Set
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa

from agent.store.bulk import chunks
from agent.store.database import Database
from agent.store.tables import gaps, locations, rereads
from connectors.idset import compact

KEPT_NO_LONGER = {
    "outcome": "skipped",
    "interaction_id": None,
    "size": None,
    "server_time": None,
    "text_digest": None,
    "flagged": False,
    "flag_due": None,
}
"""Columns of a place of what was kept and is not any more; its reason comes with them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """One location's id, where it lies and what was decided about it."""

    id: int
    folder_id: int
    validity: str
    uid: str
    outcome: str
    reason: str | None


_COLUMNS = tuple(locations.c[name] for name in Place.__dataclass_fields__)


def at(connection: sa.Connection, folder_id: int, validity: str, uids: Collection[str]) -> dict[str, Place]:
    """The live places under these ids, by id."""
    rows = connection.execute(
        sa.select(*_COLUMNS).where(
            locations.c.folder_id == folder_id,
            locations.c.validity == validity,
            locations.c.uid.in_(uids),
            locations.c.gone_at.is_(None),
        )
    )
    return {row.uid: Place(**row._mapping) for row in rows}


def live_uids(connection: sa.Connection, folder_id: int, validity: str) -> Set[str]:
    """Every id with a row that is not gone."""
    rows = connection.execute(
        sa.select(locations.c.uid).where(
            locations.c.folder_id == folder_id, locations.c.validity == validity, locations.c.gone_at.is_(None)
        )
    )
    return compact(rows.scalars())


def set_flag(connection: sa.Connection, location_id: int, flagged: bool, due: date | None) -> None:
    """The salesperson's follow-up flag, as it stands now."""
    connection.execute(sa.update(locations).where(locations.c.id == location_id).values(flagged=flagged, flag_due=due))


def queue(database: Database, connection: sa.Connection, mailbox_id: int, ids: Sequence[int], why: str) -> None:
    """Queues places for a re-read of their headers."""
    rows = [{"location_id": one, "mailbox_id": mailbox_id, "why": why} for one in sorted(set(ids))]
    database.insert_new(connection, rereads, rows)


def forget_rereads(connection: sa.Connection, left: "sa.ColumnElement[bool]") -> None:
    """Nothing is owed of places that were left, but of what was logged: that is decided anew where it is met next.

    left: which places.
    """
    gone = sa.select(locations.c.id).where(left, locations.c.interaction_id.is_(None))
    connection.execute(sa.delete(rereads).where(rereads.c.location_id.in_(gone)))


def queued(connection: sa.Connection, mailbox_id: int, limit: int, passed: Collection[int] = ()) -> list[Place]:
    """Places whose headers should be read again, newest first, without those already passed over.

    What the server keeps back is not among them: it is asked for as often as a gap is, and then decided anew.
    """
    rows = connection.execute(
        sa.select(*_COLUMNS)
        .join(rereads, rereads.c.location_id == locations.c.id)
        .where(rereads.c.mailbox_id == mailbox_id, locations.c.gone_at.is_(None), ~_owed())
        .where(rereads.c.location_id.not_in(passed))
        .order_by(locations.c.folder_id, locations.c.id.desc())
        .limit(limit)
    )
    return [Place(**row._mapping) for row in rows]


def queued_at(connection: sa.Connection, folder_id: int, validity: str, uids: Collection[str]) -> list[Place]:
    """Those of these ids whose headers should be read again, newest first."""
    found: list[Place] = []
    for chunk in chunks(uids):
        rows = connection.execute(
            sa.select(*_COLUMNS)
            .join(rereads, rereads.c.location_id == locations.c.id)
            .where(
                locations.c.folder_id == folder_id,
                locations.c.validity == validity,
                locations.c.uid.in_(chunk),
                locations.c.gone_at.is_(None),
            )
            .order_by(locations.c.id.desc())
        )
        found += [Place(**row._mapping) for row in rows]
    return found


def how_many_queued(connection: sa.Connection, mailbox_id: int) -> int:
    """How much of the mailbox is to be decided anew."""
    query = (
        sa.select(sa.func.count())
        .join_from(rereads, locations, locations.c.id == rereads.c.location_id)
        .where(rereads.c.mailbox_id == mailbox_id, locations.c.gone_at.is_(None))
    )
    return int(connection.execute(query).scalar_one())


def waiting(connection: sa.Connection) -> dict[int, frozenset[int]]:
    """Mailbox id -> places queued that the server does not keep back: what another mailbox's mail put there."""
    rows = connection.execute(
        sa.select(rereads.c.mailbox_id, rereads.c.location_id)
        .join(locations, locations.c.id == rereads.c.location_id)
        .where(locations.c.gone_at.is_(None), ~_owed())
    )
    found: dict[int, set[int]] = {}
    for row in rows:
        found.setdefault(row.mailbox_id, set()).add(row.location_id)
    return {mailbox: frozenset(ids) for mailbox, ids in found.items()}


def _owed() -> "sa.ColumnElement[bool]":
    """Whether the server keeps back what lies at a place."""
    return (
        sa.select(gaps.c.id)
        .where(
            gaps.c.folder_id == locations.c.folder_id,
            gaps.c.validity == locations.c.validity,
            gaps.c.uid == locations.c.uid,
        )
        .exists()
    )
