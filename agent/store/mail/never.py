"""Addresses whose mail somebody said is never to be kept, beside the patterns of the configuration."""

from collections.abc import Collection, Iterator
from datetime import datetime

import sqlalchemy as sa

from agent.store.bulk import chunks
from agent.store.database import Database
from agent.store.directory.contact_writes import queue_rereads
from agent.store.schedule.mailboxes import lock_all
from agent.store.tables import never_log
from matchers.address import normalise


def add(database: Database, connection: sa.Connection, address: str, now: datetime) -> None:
    """From now on; what was kept before stays."""
    key = normalise(address).match_key
    if key:
        database.insert_new(connection, never_log, [{"match_key": key, "made_at": now}])


def forget(database: Database, connection: sa.Connection, address: str) -> bool:
    """Takes the rule back; mail still to come is decided as any other. False if there was none."""
    key = normalise(address).match_key
    lock_all(connection)  # who records a page decided by the rule is waited for, and what was skipped is queued
    gone = connection.execute(sa.delete(never_log).where(never_log.c.match_key == key)).rowcount
    if gone:
        queue_rereads(connection, database)
    return bool(gone)


def among(connection: sa.Connection, keys: Collection[str]) -> tuple[str, ...]:
    """Which of these match keys have such a rule, sorted."""
    if connection.execute(sa.select(never_log.c.match_key).limit(1)).first() is None:
        return ()
    found: set[str] = set()
    for chunk in chunks(keys):
        query = sa.select(never_log.c.match_key).where(never_log.c.match_key.in_(chunk))
        found.update(connection.execute(query).scalars())
    return tuple(sorted(found))


def listed(connection: sa.Connection) -> Iterator[dict[str, object]]:
    """Every such rule, by address."""
    for row in connection.execute(sa.select(never_log).order_by(never_log.c.match_key)):
        yield {"address": row.match_key, "rule": "never kept", "contact": None, "made_at": row.made_at}
