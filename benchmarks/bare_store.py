"""What a store costs that keeps a message and three participants, and nothing else: SQLAlchemy Core with lists.

No links, places, decisions, threads or feed; no foreign key, and one index beside the keys.
"""

import time
from collections.abc import Mapping, Sequence
from contextlib import closing

import sqlalchemy as sa

from agent.store.database import Database

_METADATA = sa.MetaData()
_MESSAGES = sa.Table(
    "messages",
    _METADATA,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("message_key", sa.LargeBinary, unique=True),
    sa.Column("occurred_at", sa.BigInteger, index=True),
    sa.Column("subject", sa.String),
    sa.Column("direction", sa.String),
)
_PARTICIPANTS = sa.Table(
    "participants",
    _METADATA,
    sa.Column("message_id", sa.String, primary_key=True),
    sa.Column("role", sa.String, primary_key=True),
    sa.Column("address", sa.String, primary_key=True),
    sa.Column("name", sa.String),
)
_ROLES = ("from", "to", "cc")


def rate(url: str, count: int, page: int) -> float:
    """Messages a second, a transaction a page."""
    with closing(Database(url)) as database:
        with database.write() as connection:
            _METADATA.create_all(connection)
        seconds = 0.0
        for first in range(0, count, page):
            rows = [_message(number) for number in range(first, first + page)]
            started = time.perf_counter()
            _write(database, rows)
            seconds += time.perf_counter() - started
        return count / seconds


def _write(database: Database, rows: Sequence[Mapping[str, object]]) -> None:
    people = [
        {"message_id": row["id"], "role": role, "address": f"p{number}@{role}.example", "name": "Katrin Lang"}
        for number, row in enumerate(rows)
        for role in _ROLES
    ]
    with database.write() as connection:
        connection.execute(sa.insert(_MESSAGES), rows)
        connection.execute(sa.insert(_PARTICIPANTS), people)


def _message(number: int) -> Mapping[str, object]:
    key = (number * 0x9E3779B97F4A7C15 % 2**64).to_bytes(8) * 2  # scattered like hashes, the same in every run
    return {
        "id": key.hex(),
        "message_key": key,
        "occurred_at": 1_790_000_000_000_000 - number,
        "subject": f"Offer {number}",
        "direction": "inbound",
    }
