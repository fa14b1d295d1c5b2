"""What changed since the reminder rules were asked last: after a page of new mail they are asked about that alone.

Called by `agent.tending.tend`. The change feed tells: whatever it cannot tell exactly means that all is asked anew.
"""

from collections.abc import Collection

import sqlalchemy as sa

from agent.store.bulk import chunks
from agent.store.ledger import Touched
from agent.store.tables import changes, interactions, links

MOST = 2_000
"""More changes than that are not sorted out one by one."""
_KEPT = ("logged", "updated", "moved")
"""What happens to an interaction that is there afterwards."""


def position(connection: sa.Connection) -> int:
    """The number of the feed's last row, 0 for none."""
    return int(connection.execute(sa.select(sa.func.coalesce(sa.func.max(changes.c.seq), 0))).scalar_one())


def touched_since(connection: sa.Connection, position: int) -> Touched | None:
    """The threads and contacts that changed after that row; None where all may have changed."""
    columns = changes.c.kind, changes.c.event, changes.c.entity
    query = sa.select(*columns).where(changes.c.seq > position, changes.c.kind != "reminder").limit(MOST + 1)
    rows = connection.execute(query).all()
    if len(rows) > MOST or any(not _is_clear(row.kind, row.event) for row in rows):
        return None
    of = {kind: {row.entity for row in rows if row.kind == kind} for kind in ("interaction", "purchases")}
    threads, people = _concerned(connection, of["interaction"])
    return Touched(threads=frozenset(threads), contacts=frozenset(people | of["purchases"]))


def _is_clear(kind: str, event: str) -> bool:
    return kind == "purchases" or (kind == "interaction" and event in _KEPT)


def _concerned(connection: sa.Connection, ids: Collection[str]) -> tuple[set[str], set[str]]:
    """(threads, contacts) of these interactions."""
    threads: set[str] = set()
    people: set[str] = set()
    for chunk in chunks(sorted(ids)):
        of = sa.select(interactions.c.thread_id).where(interactions.c.id.in_(chunk))
        threads.update(filter(None, connection.execute(of).scalars()))
        who = sa.select(links.c.contact_id).where(links.c.interaction_id.in_(chunk))
        people.update(connection.execute(who.distinct()).scalars())
    return threads, people
