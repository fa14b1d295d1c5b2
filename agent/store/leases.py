"""One worker a mailbox: taking the lease, keeping it, and writing down how the pass ended.

`agent.store.unit` fences commits with it. Called by `agent.engine`; `now` is the caller's clock, aware.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from agent.store.database import Database
from agent.store.owner import is_gone
from agent.store.tables import mailboxes
from agent.store.unit import Lease, LeaseLost

SECONDS = 60.0
"""Length of a lease, and so the longest wait until a dead worker's mailbox is taken over."""


def take(
    database: Database, mailbox_id: int, owner: str, seconds: float, now: datetime, *, force_due: bool = False
) -> Lease | None:
    """The lease of a mailbox, or None if someone else works on it, it is not due, or it is not to be read.

    force_due: whatever the schedule says (`sync`). A lease that ran out, or whose process is gone from this host, is
    taken at once; each taking raises the epoch, so whoever had it before cannot commit any more.
    """
    with database.write() as connection:
        row = connection.execute(_row_of(mailbox_id).with_for_update()).one_or_none()
        if row is None or not row.active or not row.approved or row.paused:
            return None
        if not is_free(row.lease_owner, row.lease_until, now) or not (force_due or row.next_due <= now):
            return None
        connection.execute(sa.update(mailboxes).where(mailboxes.c.id == mailbox_id).values(last_attempt=now))
        return _grant(connection, row, owner, now + timedelta(seconds=seconds))


def take_left(database: Database, mailbox_id: int, owner: str, seconds: float, now: datetime) -> Lease | None:
    """The lease of a mailbox that left the configuration, so that its calendar can be emptied.

    None if someone else does that, or if it came back. When it comes back, this lease ends.
    """
    with database.write() as connection:
        row = connection.execute(_row_of(mailbox_id).with_for_update()).one_or_none()
        if row is None or row.active or not is_free(row.lease_owner, row.lease_until, now):
            return None
        return _grant(connection, row, owner, now + timedelta(seconds=seconds))


def _grant(connection: sa.Connection, row: "sa.Row[tuple[object, ...]]", owner: str, until: datetime) -> Lease:
    epoch = int(row.lease_epoch) + 1
    held = {"lease_owner": owner, "lease_epoch": epoch, "lease_until": until}
    connection.execute(sa.update(mailboxes).where(mailboxes.c.id == row.id).values(**held))
    return Lease(mailbox_id=row.id, owner=owner, epoch=epoch)


def renew(database: Database, lease: Lease, seconds: float, now: datetime) -> bool:
    """Holds the lease for so many seconds from now. False: it went to another, or the mailbox is to rest; stop."""
    with database.write() as connection:
        held = connection.execute(
            sa.update(mailboxes)
            .where(_is_ours(lease), sa.or_(~mailboxes.c.paused, ~mailboxes.c.active))
            .values(lease_until=now + timedelta(seconds=seconds))
        )
    return bool(held.rowcount)


def release(database: Database, lease: Lease) -> None:
    """Gives the lease back; one that went to another already is left alone."""
    with database.write() as connection:
        connection.execute(sa.update(mailboxes).where(_is_ours(lease)).values(**_FREE))


def give_back(database: Database, owner: str, busy: Collection[int]) -> None:
    """Frees what `owner` holds and does not work on, `busy` being what it does work on.

    A database that went away in the middle of a commit leaves such leases: nobody knows whether it was done.
    """
    with database.write() as connection:
        connection.execute(
            sa.update(mailboxes).where(mailboxes.c.lease_owner == owner, mailboxes.c.id.not_in(busy)).values(**_FREE)
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Failed:
    """How a pass failed: one sentence and what to do. problem: stopped, needs-sign-in, or None for a passing one."""

    sentence: str
    advice: str = ""
    problem: str | None = None


def record_success(
    database: Database, lease: Lease, *, started: datetime, now: datetime, next_due: datetime, failures: int = 0
) -> None:
    """Writes a complete pass and gives the lease back. Raises LeaseLost.

    started: what the mailbox held then is recorded. failures: what back-off still remembers of earlier ones.
    """
    _finish(
        database,
        lease,
        {
            "last_success": now,
            "caught_up_at": started,
            "next_due": next_due,
            "failures": failures,
            "last_error": None,
            "advice": None,
            "problem": None,
        },
    )


def record_failure(database: Database, lease: Lease, failed: Failed, *, next_due: datetime, failures: int) -> None:
    """Writes why a pass failed and when the next one is, and gives the lease back. Raises LeaseLost."""
    _finish(
        database,
        lease,
        {
            "last_error": failed.sentence,
            "advice": failed.advice,
            "problem": failed.problem,
            "next_due": next_due,
            "failures": failures,
        },
    )


_FREE: dict[str, object] = {"lease_owner": None, "lease_until": None}


def _finish(database: Database, lease: Lease, values: dict[str, object]) -> None:
    with database.write() as connection:
        done = connection.execute(sa.update(mailboxes).where(_is_ours(lease)).values(**values, **_FREE))
    if done.rowcount != 1:
        raise LeaseLost(f"the lease of mailbox {lease.mailbox_id} went to another worker")


def is_free(owner: str | None, until: datetime | None, now: datetime) -> bool:
    """Whether a lease may be taken: nobody has it, it ran out, or the process that has it is gone from this host."""
    return owner is None or until is None or until <= now or is_gone(owner)


def _row_of(mailbox_id: int) -> "sa.Select[tuple[object, ...]]":
    return sa.select(mailboxes).where(mailboxes.c.id == mailbox_id)


def _is_ours(lease: Lease) -> sa.ColumnElement[bool]:
    return sa.and_(
        mailboxes.c.id == lease.mailbox_id,
        mailboxes.c.lease_epoch == lease.epoch,
        mailboxes.c.lease_owner == lease.owner,
    )
