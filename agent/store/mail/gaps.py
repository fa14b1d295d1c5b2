"""Messages that a server listed but did not hand out, and those given up (quarantine)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from agent.store.database import Database
from agent.store.mail import places
from agent.store.tables import folders, gaps, locations, mailboxes


@dataclass(frozen=True, kw_only=True, slots=True)
class Gap:
    """One message still owed. attempts: failures so far; location_id: its place."""

    id: int
    folder_id: int
    validity: str
    uid: str
    attempts: int
    reason: str
    location_id: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """One more failure of a message. given_up: no further try by itself."""

    uid: str
    reason: str
    attempts: int
    next_try: datetime
    given_up: bool


def attempts(connection: sa.Connection, folder_id: int, validity: str, uids: Collection[str]) -> dict[str, int]:
    """How often each of these failed so far."""
    rows = connection.execute(
        sa.select(gaps.c.uid, gaps.c.attempts).where(
            gaps.c.folder_id == folder_id, gaps.c.validity == validity, gaps.c.uid.in_(uids)
        )
    )
    return {row.uid: row.attempts for row in rows}


def record_failures(
    database: Database,
    connection: sa.Connection,
    mailbox_id: int,
    folder_id: int,
    validity: str,
    failures: Sequence[Failure],
    now: datetime,
) -> None:
    """Enters or counts failures; a given-up one is quarantined."""
    key = {"mailbox_id": mailbox_id, "folder_id": folder_id, "validity": validity}
    for failure in failures:
        values = {
            "attempts": failure.attempts,
            "reason": failure.reason[:200],
            "next_try": failure.next_try,
            "quarantined": failure.given_up,
        }
        row = key | values | {"uid": failure.uid, "first_at": now}
        database.insert_new(connection, gaps, [row])
        connection.execute(sa.update(gaps).where(*_at(gaps, folder_id, validity, [failure.uid])).values(values))
        if failure.given_up:
            connection.execute(
                sa.update(locations)
                .where(*_at(locations, folder_id, validity, [failure.uid]), locations.c.outcome == "pending")
                .values(outcome="quarantined")
            )


def settle(connection: sa.Connection, folder_id: int, validity: str, uids: Collection[str]) -> None:
    """These came through, or are gone: nothing is owed any more."""
    if uids:
        connection.execute(sa.delete(gaps).where(*_at(gaps, folder_id, validity, uids)))


def due(connection: sa.Connection, mailbox_id: int, now: datetime, limit: int) -> list[Gap]:
    """What should be asked for again now."""
    rows = connection.execute(
        sa.select(gaps, locations.c.id.label("location_id"))
        .outerjoin(
            locations,
            sa.and_(
                locations.c.folder_id == gaps.c.folder_id,
                locations.c.validity == gaps.c.validity,
                locations.c.uid == gaps.c.uid,
            ),
        )
        .where(gaps.c.mailbox_id == mailbox_id, gaps.c.quarantined == sa.false(), gaps.c.next_try <= now)
        .order_by(gaps.c.id)
        .limit(limit)
    )
    return [
        Gap(
            id=row.id,
            folder_id=row.folder_id,
            validity=row.validity,
            uid=row.uid,
            attempts=row.attempts,
            reason=row.reason,
            location_id=row.location_id,
        )
        for row in rows
    ]


def quarantined(connection: sa.Connection) -> Sequence[sa.RowMapping]:
    """id, mailbox, folder, uid, reason, attempts, first_at of everything given up."""
    return (
        connection.execute(
            sa.select(
                gaps.c.id,
                mailboxes.c.written.label("mailbox"),
                folders.c.name.label("folder"),
                gaps.c.uid,
                gaps.c.reason,
                gaps.c.attempts,
                gaps.c.first_at,
            )
            .join(mailboxes, mailboxes.c.id == gaps.c.mailbox_id)
            .join(folders, folders.c.id == gaps.c.folder_id)
            .where(gaps.c.quarantined == sa.true())
            .order_by(gaps.c.id)
        )
        .mappings()
        .all()
    )


def retry(connection: sa.Connection, now: datetime, gap_id: int | None) -> int:
    """Gives one (or every) quarantined message five new tries; returns how many there are."""
    chosen = sa.true() if gap_id is None else gaps.c.id == gap_id
    found = connection.execute(
        sa.select(gaps.c.folder_id, gaps.c.validity, gaps.c.uid).where(gaps.c.quarantined == sa.true(), chosen)
    ).all()
    connection.execute(
        sa.update(gaps)
        .where(gaps.c.quarantined == sa.true(), chosen)
        .values(quarantined=False, attempts=0, next_try=now)
    )
    for folder_id, validity, uid in found:
        connection.execute(
            sa.update(locations)
            .where(*_at(locations, folder_id, validity, [uid]), locations.c.outcome == "quarantined")
            .values(outcome="pending")
        )
    return len(found)


def forget_place(
    connection: sa.Connection, folder_id: int, validity: str, uids: Collection[str], now: datetime
) -> None:
    """These left the folder: the places are history, and nothing of them is owed."""
    if not uids:
        return
    here = _at(locations, folder_id, validity, uids)
    connection.execute(sa.update(locations).where(*here, locations.c.gone_at.is_(None)).values(gone_at=now))
    places.forget_rereads(connection, sa.and_(*here))
    settle(connection, folder_id, validity, uids)


def _at(table: sa.Table, folder_id: int, validity: str, uids: Collection[str]) -> tuple[sa.ColumnElement[bool], ...]:
    return table.c.folder_id == folder_id, table.c.validity == validity, table.c.uid.in_(uids)
