"""Commits under a lease: whoever slept past it cannot write.

The epoch is checked by an UPDATE of the mailbox row at the start of every transaction, so the row is locked until
the commit and a takeover waits for it; whoever comes second finds another epoch.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy as sa

from agent.store.database import Database
from agent.store.prepared import Prepared
from agent.store.tables import mailboxes

_HELD = Prepared(
    sa.update(mailboxes)
    .where(
        mailboxes.c.id == sa.bindparam("mailbox"),
        mailboxes.c.lease_epoch == sa.bindparam("epoch"),
        mailboxes.c.lease_owner == sa.bindparam("owner"),
    )
    .values(lease_epoch=mailboxes.c.lease_epoch)
)
"""Writes nothing new, and locks the row."""


class LeaseLost(Exception):
    """Another worker owns the mailbox now. Stop at once; nothing was written."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Lease:
    """The right to write for one mailbox. owner: host, boot, process and start time; epoch: rises at each takeover."""

    mailbox_id: int
    owner: str
    epoch: int


@contextmanager
def fenced(database: Database, lease: Lease, *, durable: bool = False) -> Iterator[sa.Connection]:
    """A transaction that commits only while the lease is ours. Raises LeaseLost."""
    with database.write(durable=durable) as connection:
        if _HELD.change(connection, mailbox=lease.mailbox_id, epoch=lease.epoch, owner=lease.owner) != 1:
            raise LeaseLost(f"the lease of mailbox {lease.mailbox_id} went to another worker")
        yield connection
