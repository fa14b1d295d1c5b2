"""Folders of a mailbox and how far each lane was read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa

from agent.store.mail import places
from agent.store.tables import cursors, folders, gaps, locations
from connectors.message import Cursor, Folder

FORWARD = "forward"
HISTORY = "history"


@dataclass(frozen=True, kw_only=True, slots=True)
class FolderState:
    """A folder's row with both cursors. history_since: the floor its history was last read to, if it was."""

    id: int
    key: str
    name: str
    role: str | None
    validity: str | None
    renumberings: int
    breaks: int
    mark: str | None
    stopped: str | None
    retry_at: datetime | None
    flags_read_at: datetime | None
    compared_at: datetime | None
    forward: Cursor | None
    history: Cursor | None
    history_since: date | None
    history_done: bool

    @property
    def folder(self) -> Folder:
        """The word the connector understands."""
        return Folder(key=self.key, name=self.name, role=self.role, fragile=self.breaks > 0)


def load(connection: sa.Connection, mailbox_id: int) -> dict[str, FolderState]:
    """Every folder of the mailbox that is not absent, by key."""
    rows = connection.execute(_STATES, {"of": mailbox_id})
    return {row.key: FolderState(**row._mapping) for row in rows}


def settle(connection: sa.Connection, mailbox_id: int, listed: Sequence[Folder]) -> None:
    """Makes rows for folders seen the first time and brings names up to date. Folders not listed keep theirs."""
    rows = connection.execute(
        sa.select(folders.c.key, folders.c.id, folders.c.name, folders.c.role, folders.c.absent).where(
            folders.c.mailbox_id == mailbox_id
        )
    )
    known = {row.key: row for row in rows}
    new = [_row(mailbox_id, folder) for folder in listed if folder.key not in known]
    if new:
        connection.execute(sa.insert(folders), new)
    for folder in listed:
        row = known.get(folder.key)
        if row is not None and (row.name, row.role, row.absent) != (folder.name, folder.role, False):
            connection.execute(
                sa.update(folders)
                .where(folders.c.id == row.id)
                .values(name=folder.name, role=folder.role, absent=False)
            )


def save_cursor(
    connection: sa.Connection,
    folder_id: int,
    lane: str,
    cursor: Cursor,
    *,
    since: date | None = None,
    done: bool = False,
) -> None:
    """Moves a lane's cursor; belongs into the transaction of the rows it stands for."""
    values = {"cursor": cursor, "since": since, "done": done}
    key = (cursors.c.folder_id == folder_id, cursors.c.lane == lane)
    if connection.execute(sa.update(cursors).where(*key).values(values)).rowcount == 0:
        connection.execute(sa.insert(cursors).values(folder_id=folder_id, lane=lane, **values))


def finish_history(connection: sa.Connection, folder_id: int, since: date | None) -> None:
    """All of the history lane was read, down to this floor."""
    connection.execute(
        sa.update(cursors)
        .where(cursors.c.folder_id == folder_id, cursors.c.lane == HISTORY)
        .values(since=since, done=True)
    )


def update(connection: sa.Connection, folder_id: int, **values: object) -> None:
    """Sets columns of one folder."""
    connection.execute(sa.update(folders).where(folders.c.id == folder_id).values(values))


def renumber(connection: sa.Connection, state: FolderState, validity: str, now: datetime) -> None:
    """Every place known in this folder under another validity is void; what was logged stays."""
    void = locations.c.folder_id == state.id, locations.c.validity != validity
    connection.execute(sa.update(locations).where(*void, locations.c.gone_at.is_(None)).values(gone_at=now))
    places.forget_rereads(connection, sa.and_(*void))
    connection.execute(sa.delete(gaps).where(gaps.c.folder_id == state.id, gaps.c.validity != validity))
    known_before = state.validity is not None
    update(
        connection,
        state.id,
        validity=validity,
        renumberings=state.renumberings + 1 if known_before else 0,
        before_start=0,
        mark=None,
    )


def add_before_start(connection: sa.Connection, folder_id: int, count: int) -> None:
    """Counts mail older than the floor; it gets no rows."""
    if count:
        connection.execute(
            sa.update(folders).where(folders.c.id == folder_id).values(before_start=folders.c.before_start + count)
        )


_COLUMNS = (
    "id",
    "key",
    "name",
    "role",
    "validity",
    "renumberings",
    "breaks",
    "mark",
    "stopped",
    "retry_at",
    "flags_read_at",
    "compared_at",
)


def _states() -> "sa.Select[tuple[object, ...]]":
    forward, history = cursors.alias("f"), cursors.alias("h")
    return (
        sa.select(
            *(folders.c[name] for name in _COLUMNS),
            forward.c.cursor.label("forward"),
            history.c.cursor.label("history"),
            history.c.since.label("history_since"),
            sa.func.coalesce(history.c.done, sa.false()).label("history_done"),
        )
        .outerjoin(forward, sa.and_(forward.c.folder_id == folders.c.id, forward.c.lane == FORWARD))
        .outerjoin(history, sa.and_(history.c.folder_id == folders.c.id, history.c.lane == HISTORY))
        .where(folders.c.mailbox_id == sa.bindparam("of"), folders.c.absent == sa.false())
    )


_STATES = _states()
"""Built once: it is asked several times a folder and pass, and building it takes longer than running it."""


def _row(mailbox_id: int, folder: Folder) -> dict[str, object]:
    return {"mailbox_id": mailbox_id, "key": folder.key, "name": folder.name, "role": folder.role, "absent": False,
            "renumberings": 0, "breaks": 0, "before_start": 0}  # fmt: skip
