"""The change feed: what another system needs to follow, in commit order, replayable.

Writers call `append` last in their transaction. A token names one row by number and time, so a follower that comes
back with a token this database never gave (a backup was restored) is told so instead of missing changes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from agent.store.database import Database
from agent.store.tables import changes

SIGNAL = "signal"
"""The kind of rows that the agent leaves for itself: who followed the feed would find nothing of theirs in them."""
THREAD = "thread"
"""The kind of rows about conversations, which have no row of their own: `merged` is all that happens to them."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class UnknownToken(Exception):
    """This feed never gave that token: the follower must start from the beginning."""

    def __init__(self, token: str) -> None:
        super().__init__(f"the feed does not know the token {token!r}: follow it from the beginning, without --after")


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """What happened to one thing. kind: contact, interaction, reminder, thread …; event: added, updated, logged …

    entity: its id. body: what JSON can say of it now (empty where it is gone).
    """

    kind: str
    event: str
    entity: str
    body: Mapping[str, object]


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One row of the feed. seq rises in commit order and is never given twice; it may leave gaps."""

    seq: int
    at: datetime
    change: Change

    @property
    def token(self) -> str:
        """What a follower hands back to go on after this row."""
        return f"{self.seq}-{(self.at - _EPOCH) // timedelta(microseconds=1):x}"


def append(database: Database, connection: sa.Connection, batch: Sequence[Change]) -> None:
    """Adds changes. Call it last in the transaction: on PostgreSQL it holds the feed's lock until the commit.

    Numbers are given under that lock, so whoever reads up to a number has seen everything below it.
    """
    if not batch:
        return
    database.serialise(connection)
    now = datetime.now(UTC)
    rows = [{"at": now, "kind": c.kind, "event": c.event, "entity": c.entity, "body": dict(c.body)} for c in batch]
    database.insert_new(connection, changes, rows)


def read(connection: sa.Connection, after: int, limit: int) -> Sequence[Entry]:
    """The next `limit` rows after number `after` (0: from the beginning), oldest first."""
    here = (changes.c.seq > after, changes.c.kind != SIGNAL)
    rows = connection.execute(sa.select(changes).where(*here).order_by(changes.c.seq).limit(limit))
    return [
        Entry(seq=row.seq, at=row.at, change=Change(kind=row.kind, event=row.event, entity=row.entity, body=row.body))
        for row in rows
    ]


def position(connection: sa.Connection, token: str) -> int:
    """The number to read after. Raises UnknownToken for one that this database did not give."""
    number, _, stamp = token.partition("-")
    try:
        seq, at = int(number), _EPOCH + timedelta(microseconds=int(stamp, 16))
    except (ValueError, OverflowError) as error:
        raise UnknownToken(token) from error
    if not 0 < seq < 2**63 or _given_at(connection, seq) != at:
        raise UnknownToken(token)
    return seq


def _given_at(connection: sa.Connection, seq: int) -> datetime | None:
    return connection.execute(sa.select(changes.c.at).where(changes.c.seq == seq)).scalar_one_or_none()
