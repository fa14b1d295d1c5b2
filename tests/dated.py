"""Whether participants and links say of each interaction when it was, as it says itself."""

import sqlalchemy as sa

from agent.store.database import Database
from agent.store.tables import interactions, links, participants


def misdated(database: Database) -> list[str]:
    """What does not, by table and interaction."""
    found: list[str] = []
    with database.read() as connection:
        for table in (participants, links):
            query = sa.select(table.c.interaction_id).join(interactions)
            rows = connection.execute(query.where(table.c.occurred_at != interactions.c.occurred_at))
            found += [f"{table.name} of {one}" for one in rows.scalars()]
    return found
