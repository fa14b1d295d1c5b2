"""Lists of mailboxes as they were last taken: a directory that is down at the start then stops nobody's mail."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from agent.store.database import Database, Row
from agent.store.tables import mailbox_lists
from config.model import Member


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """What is remembered of a connector's list. members: None if no list was taken yet.

    fault, advice: why the last look changed nothing and what to do, None if it went well.
    """

    connector: str
    members: tuple[Member, ...] | None = None
    taken_at: datetime | None = None
    fault: str | None = None
    advice: str | None = None


def known(connection: sa.Connection) -> dict[str, Known]:
    """By connector."""
    rows = connection.execute(sa.select(mailbox_lists).order_by(mailbox_lists.c.connector))
    return {row.connector: _known(row) for row in rows}


def take(database: Database, connector: str, members: Sequence[Member], now: datetime) -> None:
    """This is the list from now on."""
    kept = [member.model_dump(mode="json", exclude_defaults=True) for member in members]
    _put(database, {"connector": connector, "members": kept, "taken_at": now, "fault": None, "advice": None})


def refuse(database: Database, connector: str, fault: str, advice: str) -> None:
    """The last list stays what it was."""
    _put(database, {"connector": connector, "fault": fault, "advice": advice})


def keep_only(connection: sa.Connection, connectors: Collection[str]) -> None:
    """Forgets lists that the configuration names no more."""
    connection.execute(sa.delete(mailbox_lists).where(mailbox_lists.c.connector.not_in(connectors)))


def _put(database: Database, row: Row) -> None:
    insert = database.insert(mailbox_lists).values(row)
    changed = {name: value for name, value in row.items() if name != "connector"}
    with database.write(durable=True) as connection:
        connection.execute(insert.on_conflict_do_update(index_elements=["connector"], set_=changed))


def _known(row: "sa.Row[tuple[object, ...]]") -> Known:
    values = dict(row._mapping)
    members = values.pop("members")
    return Known(members=None if members is None else tuple(map(Member.model_validate, members)), **values)
