"""Writes down who read another person's text and who was erased, and tells it again."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from agent.store.tables import audit

READ_TEXT, READ_REVIEW, EXPORTED = "read-text", "read-review", "exported"


@dataclass(frozen=True, kw_only=True, slots=True)
class Noted:
    """One row. who: the account, and for whom it read. what: read-text, read-review, exported or erased.

    entity: the id of what was read; of an erasure nothing.
    """

    at: datetime
    who: str
    what: str
    entity: str

    def told(self) -> dict[str, object]:
        """As JSON and tables show it."""
        return {"at": self.at, "who": self.who, "what": self.what, "entity": self.entity or None}


def note(connection: sa.Connection, who: str, what: str, entities: Collection[str], now: datetime) -> None:
    """One row for each of these. Commit it before anything is shown."""
    rows = [{"at": now, "who": who, "what": what, "entity": one} for one in entities]
    if rows:
        connection.execute(sa.insert(audit), rows)


def listed(connection: sa.Connection, since: datetime | None = None) -> Iterator[Noted]:
    """Everything noted, oldest first."""
    query = sa.select(audit).order_by(audit.c.id)
    if since is not None:
        query = query.where(audit.c.at >= since)
    for row in connection.execute(query):
        yield Noted(at=row.at, who=row.who, what=row.what, entity=row.entity)
