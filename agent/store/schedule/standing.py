"""How each mailbox stands, as people see it: its state, how far behind it is, and what lies where."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa

from agent.store.tables import calendars, folders, locations, mailboxes


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """How one mailbox stands. state: ok, syncing, waiting, paused, new, stopped or needs-sign-in.

    lag: since when mail may have come that is not recorded; None before the first complete pass. Counts are of
    messages that lie on the server now. stopped: folder -> why it alone is not read. calendar_error: why reminders do
    not reach the calendar. approved: False for a newcomer that nobody reads before somebody says so.
    """

    address: str
    connector: str
    state: str = "new"
    lag: timedelta | None = None
    last_success: datetime | None = None
    last_error: str | None = None
    advice: str | None = None
    folders: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    stopped: Mapping[str, str] = field(default_factory=dict)
    calendar_error: str | None = None
    approved: bool = True

    def told(self) -> dict[str, object]:
        """What JSON says of this mailbox."""
        return {
            "address": self.address,
            "connector": self.connector,
            "state": self.state,
            "lag_seconds": None if self.lag is None else round(self.lag.total_seconds()),
            "last_success": self.last_success,
            "last_error": self.last_error,
            "advice": self.advice,
            "folders": self.folders,
            "stopped_folders": [{"folder": name, "reason": why} for name, why in self.stopped.items()],
            "calendar_error": self.calendar_error,
            **{outcome: self.counts.get(outcome, 0) for outcome in OUTCOMES},
        }


_MISSING = "the server has no such folder: correct the names in `folders`"
OUTCOMES = ("logged", "skipped", "review", "quarantined", "pending")


def states(connection: sa.Connection, now: datetime) -> Iterator[State]:
    """How every configured mailbox stands, by address."""
    counts, stopped = _counts(connection), _stopped(connection)
    listed = (
        sa.select(mailboxes, _folder_count(), calendars.c.fault)
        .outerjoin(calendars, sa.and_(calendars.c.mailbox_id == mailboxes.c.id, calendars.c.left_at.is_(None)))
        .where(mailboxes.c.active)
        .order_by(mailboxes.c.address)
    )
    for row in connection.execute(listed):
        yield State(
            address=row.address,
            connector=row.connector,
            state=_state(row, now),
            lag=None if row.caught_up_at is None else now - row.caught_up_at,
            last_success=row.last_success,
            last_error=row.last_error,
            advice=row.advice
            if row.approved
            else f"`crm-agent mailboxes approve {row.written or row.address}` reads it",
            approved=row.approved,
            folders=row.folders,
            counts=counts.get(row.id, {}),
            stopped=dict.fromkeys(row.missing_folders or (), _MISSING) | stopped.get(row.id, {}),
            calendar_error=row.fault,
        )


def _state(row: "sa.Row[tuple[object, ...]]", now: datetime) -> str:
    """First that applies: what a person did, what needs a person, what goes on now, what went wrong last."""
    known = row._mapping
    if known["paused"]:
        return "paused"
    if not known["approved"]:
        return "new"
    if known["problem"]:
        return str(known["problem"])
    if known["lease_owner"] and known["lease_until"] > now:
        return "syncing"
    if known["last_error"]:
        return "waiting"
    return "ok" if known["last_success"] else "new"


def _counts(connection: sa.Connection) -> dict[int, dict[str, int]]:
    found: dict[int, dict[str, int]] = {}
    grouped = (
        sa.select(locations.c.mailbox_id, locations.c.outcome, sa.func.count().label("number"))
        .where(locations.c.gone_at.is_(None))
        .group_by(locations.c.mailbox_id, locations.c.outcome)
    )
    for row in connection.execute(grouped):
        found.setdefault(row.mailbox_id, {})[row.outcome] = row.number
    return found


def _stopped(connection: sa.Connection) -> dict[int, dict[str, str]]:
    """Mailbox -> folder -> why it is not read."""
    found: dict[int, dict[str, str]] = {}
    wanted = sa.select(folders.c.mailbox_id, folders.c.name, folders.c.stopped).where(
        folders.c.stopped.is_not(None), ~folders.c.absent
    )
    for row in connection.execute(wanted.order_by(folders.c.name)):
        found.setdefault(row.mailbox_id, {})[row.name] = row.stopped
    return found


def _folder_count() -> "sa.Label[int]":
    counted = sa.select(sa.func.count()).where(folders.c.mailbox_id == mailboxes.c.id, ~folders.c.absent)
    return counted.scalar_subquery().label("folders")
