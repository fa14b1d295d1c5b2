"""Secret links to a person's reminders: made, ended, and followed.

Only a keyed hash of a link is kept: whoever reads the database cannot follow one, and a look-up by hash tells by no
time it takes how much of a guess was right.
"""

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from agent.reminders.cycle import ACTIVE, Standing
from agent.store.calendar.reminders import as_standing
from agent.store.hashes import Hasher
from agent.store.tables import feed_links, mailboxes, reminders

TOKEN_BYTES = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class Subscribed:
    """One reminder that has an item of its own, and when it changed last (aware)."""

    reminder: Standing
    changed_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Subscription:
    """What a link leads to. address: of the mailbox, as the configuration writes it."""

    address: str
    reminders: tuple[Subscribed, ...]


def make(connection: sa.Connection, hasher: Hasher, mailbox_id: int, now: datetime) -> str:
    """A fresh link of a mailbox: its secret part. The one before leads nowhere from now on."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    revoke(connection, mailbox_id)
    row = {"mailbox_id": mailbox_id, "token": _hash(hasher, token), "made_at": now}
    connection.execute(sa.insert(feed_links), row)
    return token


def revoke(connection: sa.Connection, mailbox_id: int) -> bool:
    """Ends the link of a mailbox; whether there was one."""
    return bool(connection.execute(sa.delete(feed_links).where(feed_links.c.mailbox_id == mailbox_id)).rowcount)


def count(connection: sa.Connection) -> int:
    """Links that lead somewhere."""
    led = sa.select(sa.func.count()).select_from(feed_links.join(mailboxes)).where(mailboxes.c.active)
    return int(connection.execute(led).scalar_one())


def follow(connection: sa.Connection, hasher: Hasher, token: str) -> Subscription | None:
    """What a link leads to; None for one that leads nowhere, or to a mailbox that left the configuration."""
    wanted = _hash(hasher, token)
    query = (
        sa.select(feed_links.c.mailbox_id, feed_links.c.token, mailboxes.c.written)
        .join(mailboxes, mailboxes.c.id == feed_links.c.mailbox_id)
        .where(feed_links.c.token == wanted, mailboxes.c.active)
    )
    row = connection.execute(query).one_or_none()
    if row is None or not hmac.compare_digest(row.token, wanted):
        return None
    standing = (
        sa.select(reminders)
        .where(
            reminders.c.mailbox_id == row.mailbox_id,
            reminders.c.state.in_(sorted(ACTIVE)),
            reminders.c.bundle_id.is_(None),
        )
        .order_by(reminders.c.id)
    )
    rows = connection.execute(standing)
    found = tuple(Subscribed(reminder=as_standing(one), changed_at=one.changed_at) for one in rows)
    return Subscription(address=row.written, reminders=found)


def _hash(hasher: Hasher, token: str) -> bytes:
    return hasher.hash("feed-link", token)
