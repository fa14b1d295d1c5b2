"""The mailbox table as the scheduler sees it: who is read, and who is due.

`agent.store.roll` brings it in line with the configuration, `agent.store.leases` moves one row through a pass,
`agent.store.schedule.standing` tells how each one stands.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice

import sqlalchemy as sa

from agent.store.database import Database
from agent.store.leases import is_free
from agent.store.tables import mailboxes
from agent.store.unit import Lease, fenced
from matchers.address import normalise

NEVER = datetime.fromisoformat("9999-01-01T00:00:00+00:00")
"""When a mailbox is due that waits for a person."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Due:
    """A mailbox and what back-off knows of it.

    failures: as `agent.engine.backoff` counts them. problem: needs-sign-in or stopped, if that was found before.
    resting: paused, or not approved yet.
    """

    id: int
    address: str
    failures: int = 0
    problem: str | None = None
    resting: bool = False


def ids(connection: sa.Connection) -> dict[str, int]:
    """Normalised address -> id, of the mailboxes that the configuration names."""
    rows = connection.execute(sa.select(mailboxes.c.address, mailboxes.c.id).where(mailboxes.c.active))
    return {row.address: row.id for row in rows}


def has_any(connection: sa.Connection) -> bool:
    """Whether a mailbox was ever named here, be it gone."""
    return connection.execute(sa.select(mailboxes.c.id).limit(1)).first() is not None


def since(connection: sa.Connection, mailbox_id: int) -> date | None:
    """The fixed floor of a mailbox; None reads everything."""
    floor: date | None = connection.execute(
        sa.select(mailboxes.c.since).where(mailboxes.c.id == mailbox_id)
    ).scalar_one()
    return floor


def contacts_due(connection: sa.Connection, mailbox_id: int) -> datetime | None:
    """When the mailbox's address book is to be read; None: at once."""
    query = sa.select(mailboxes.c.contacts_due).where(mailboxes.c.id == mailbox_id)
    found: datetime | None = connection.execute(query).scalar_one()
    return found


def set_contacts_due(connection: sa.Connection, mailbox_id: int, due: datetime) -> None:
    """The next time."""
    connection.execute(sa.update(mailboxes).where(mailboxes.c.id == mailbox_id).values(contacts_due=due))


def note_missing(database: Database, lease: Lease, names: Sequence[str]) -> None:
    """The configured folders that the server does not have, for people to see. Writes only what differs."""
    here = mailboxes.c.id == lease.mailbox_id
    with database.read() as connection:
        known = connection.execute(sa.select(mailboxes.c.missing_folders).where(here)).scalar_one()
    if (known or []) != list(names):
        with fenced(database, lease) as connection:
            connection.execute(sa.update(mailboxes).where(here).values(missing_folders=list(names)))


def due(connection: sa.Connection, now: datetime, limit: int) -> Sequence[Due]:
    """Mailboxes to read now that nobody holds, longest waiting first."""
    waiting = (
        sa.select(mailboxes)
        .where(mailboxes.c.active, mailboxes.c.approved, ~mailboxes.c.paused, mailboxes.c.next_due <= now)
        .order_by(mailboxes.c.next_due, mailboxes.c.id)
    )
    free = (row for row in connection.execute(waiting) if is_free(row.lease_owner, row.lease_until, now))
    return [_due(row) for row in islice(free, limit)]


def one(connection: sa.Connection, mailbox_id: int) -> Due:
    """One mailbox, due or not."""
    return _due(connection.execute(sa.select(mailboxes).where(mailboxes.c.id == mailbox_id)).one())


def pause(database: Database, address: str) -> bool:
    """Lets a mailbox rest: who works on it stops at the next page. False if the configuration does not name it."""
    return _set(database, address, {"paused": True})


def resume(database: Database, address: str, now: datetime) -> bool:
    """Ends the rest of a mailbox, and lifts what stopped it. False if the configuration does not name it."""
    return _set(database, address, {"paused": False, **lifted(now)})


def approve(database: Database, address: str, now: datetime) -> bool:
    """A newcomer is read from now on. False if the configuration does not name it."""
    return _set(database, address, {"approved": True, "next_due": now})


def lift(database: Database, address: str, now: datetime) -> bool:
    """Tries a stopped mailbox anew, for instance after a sign-in; one that rests goes on resting."""
    return _set(database, address, lifted(now))


def lifted(now: datetime) -> dict[str, object]:
    """Values that end what stopped a mailbox: it is due now."""
    return {"problem": None, "failures": 0, "next_due": now}


def _set(database: Database, address: str, values: dict[str, object]) -> bool:
    named = sa.and_(mailboxes.c.address == normalise(address).normalised, mailboxes.c.active)
    with database.write() as connection:
        return bool(connection.execute(sa.update(mailboxes).where(named).values(**values)).rowcount)


def _due(row: "sa.Row[tuple[object, ...]]") -> Due:
    known = row._mapping
    return Due(
        id=known["id"],
        address=known["address"],
        failures=known["failures"],
        problem=known["problem"],
        resting=known["paused"] or not known["approved"],
    )


def lock_all(connection: sa.Connection) -> None:
    """Waits for every commit under way and holds further ones until this transaction ends.

    Rows may still be referred to (FOR NO KEY UPDATE): a commit under way for one mailbox may queue mail of another one.
    """
    connection.execute(sa.select(mailboxes.c.id).order_by(mailboxes.c.id).with_for_update(key_share=True))


def wake(database: Database, addresses: Collection[str], now: datetime) -> None:
    """There may be news in these mailboxes, by normalised address: they have the next turn. Raises StoreError."""
    with database.write() as connection:
        make_due(connection, sa.select(mailboxes.c.id).where(mailboxes.c.address.in_(addresses)), now)


def last_success(connection: sa.Connection, mailbox_id: int) -> datetime | None:
    """When the mailbox was last read to the end."""
    query = sa.select(mailboxes.c.last_success).where(mailboxes.c.id == mailbox_id)
    found: datetime | None = connection.execute(query).scalar_one()
    return found


def make_due(connection: sa.Connection, wanted: "sa.Select[tuple[int]]", now: datetime) -> None:
    """Gives these mailboxes the next turn; one in back-off keeps waiting."""
    healthy = sa.and_(mailboxes.c.last_error.is_(None), mailboxes.c.problem.is_(None), mailboxes.c.next_due > now)
    connection.execute(sa.update(mailboxes).where(mailboxes.c.id.in_(wanted), healthy).values(next_due=now))
