"""People we write to who are no contacts: kept only where the admin allows it, until somebody adds or refuses them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from agent.store import tombstones
from agent.store.database import Database
from agent.store.hashes import Hasher
from agent.store.tables import suggestions


@dataclass(frozen=True, kw_only=True, slots=True)
class Suggested:
    """One stranger. name: as a mail showed it, '' if none did."""

    match_key: str
    address: str
    name: str


def note(
    database: Database, connection: sa.Connection, hasher: Hasher, found: Sequence[Suggested], now: datetime
) -> None:
    """Adds those that are not there yet; nobody who was erased meanwhile."""
    erased = tombstones.erased_keys(connection, hasher, {one.match_key for one in found})
    rows = [
        {"match_key": one.match_key, "address": one.address, "name": one.name, "made_at": now}
        for one in found
        if one.match_key not in erased
    ]
    database.insert_new(connection, suggestions, rows)


def listed(connection: sa.Connection) -> Iterator[dict[str, object]]:
    """All of them, the latest first."""
    query = sa.select(suggestions).order_by(suggestions.c.made_at.desc(), suggestions.c.match_key)
    for row in connection.execute(query):
        yield {"address": row.address, "name": row.name or None, "made_at": row.made_at}
