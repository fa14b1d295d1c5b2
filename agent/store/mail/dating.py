"""When an interaction was, in the rows of its participants and links as well.

So what a mailbox or a contact had of late is one range of an index, however long the history is. Whoever writes such a
row, or moves an interaction in time, does it by way of this room.
"""

from collections.abc import Collection, Mapping
from datetime import datetime

import sqlalchemy as sa

from agent.store.bulk import chunks
from agent.store.tables import interactions, links, participants

Undated = dict[str, object]
"""A row of participants or links that does not say yet when its interaction was."""


def date(connection: sa.Connection, rows: Collection[Undated], fresh: Collection[Mapping[str, object]] = ()) -> None:
    """Writes into each row when its interaction was, which is there. fresh: interactions that were inserted just now.

    Others keep the time that they have, whatever the page says.
    """
    known: dict[object, object] = {row["id"]: row["occurred_at"] for row in fresh}
    missing = {str(row["interaction_id"]) for row in rows} - known.keys()
    for chunk in chunks(sorted(missing)):
        query = sa.select(interactions.c.id, interactions.c.occurred_at).where(interactions.c.id.in_(chunk))
        known.update((row.id, row.occurred_at) for row in connection.execute(query))
    for row in rows:
        row["occurred_at"] = known[row["interaction_id"]]


def follow(connection: sa.Connection, ids: Collection[str]) -> None:
    """Dates the rows of interactions that were moved in time."""
    for table in (participants, links):
        its = sa.select(interactions.c.occurred_at).where(interactions.c.id == table.c.interaction_id)
        for chunk in chunks(sorted(ids)):
            of = table.c.interaction_id.in_(chunk)
            connection.execute(sa.update(table).where(of).values(occurred_at=its.scalar_subquery()))


def of(connection: sa.Connection, interaction_id: str) -> datetime:
    """When an interaction was that is there."""
    query = sa.select(interactions.c.occurred_at).where(interactions.c.id == interaction_id)
    found: datetime = connection.execute(query).scalar_one()
    return found
