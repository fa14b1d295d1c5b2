"""The mailbox table as people and the scheduler see it: who is read, who is due, and how each one stands.

`settle` brings it in line with the configuration; `agent.store.leases` moves one row through a pass.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import islice

import sqlalchemy as sa

from agent.store import leaving, lists
from agent.store.database import Database, Row
from agent.store.hashes import Hasher
from agent.store.leases import is_free
from agent.store.tables import calendars, cursors, folders, locations, mailboxes, rereads
from config.model import Frozen, Mailbox, Settings
from config.secrets import Secret, SecretError
from matchers.address import normalise

NEVER = datetime.fromisoformat("9999-01-01T00:00:00+00:00")
"""When a mailbox is due that waits for a person."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Due:
    """A mailbox and what back-off knows of it.

    failures: as `agent.engine.backoff` counts them. problem: needs-sign-in or stopped, if that was found before.
    resting: paused, or not approved yet.
    """

    id: int
    address: str
    failures: int = 0
    problem: str | None = None
    resting: bool = False


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


OUTCOMES = ("logged", "skipped", "review", "quarantined", "pending")


def settle(database: Database, settings: Settings, hasher: Hasher, now: datetime) -> None:
    """Brings the table in line with the configuration.

    New mailboxes are due at once. Changed settings, or a changed secret behind them, make a mailbox due again, lift
    what stopped it, and end the lease of whoever still works with the old ones. Who is no longer named is not read
    any more: lease and cursors go, reminders end and their calendar items are to go, history stays. Where newcomers
    are read, nobody waits for approval any more. While a list was never read nobody leaves: they may stand on it.
    Called where secrets can be read (`run`, `sync`).
    """
    configured = {normalise(mailbox.address).normalised: mailbox for mailbox in settings.mailboxes}
    with database.write(durable=True) as connection:
        every = sa.select(mailboxes).order_by(mailboxes.c.id).with_for_update(key_share=True)
        known = {row.address: row for row in connection.execute(every)}
        approved = settings.policy.newcomers == "read"
        fresh = sorted(address for address in configured if address not in known)
        rows = [_new_row(address, configured[address], hasher, now, approved=approved) for address in fresh]
        database.insert_new(connection, mailboxes, rows)  # a second daemon may be as quick
        for address in sorted(configured.keys() & known.keys()):
            _settle_known(connection, known[address], configured[address], hasher, now)
            if not known[address].active:
                leaving.come_back(database, connection, known[address].id, now)
        for address, row in known.items():
            if row.active and address not in configured and not settings.unresolved:
                _retire(connection, row.id)
                leaving.leave(database, connection, row.id, now)
        leaving.try_again(connection)
        lists.keep_only(connection, [one.connector for one in settings.lists])
        if approved:
            connection.execute(sa.update(mailboxes).where(~mailboxes.c.approved).values(approved=True))


def enlist(database: Database, settings: Settings, now: datetime) -> None:
    """Adds rows for configured mailboxes that have none, without reading a secret. The next `settle` completes them."""
    rows = [
        {
            "address": normalise(mailbox.address).normalised,
            "written": mailbox.address,
            "connector": mailbox.connector,
            "next_due": now,
        }
        for mailbox in settings.mailboxes
    ]
    with database.write() as connection:
        approved = settings.policy.newcomers == "read"
        database.insert_new(connection, mailboxes, [{**row, "approved": approved} for row in rows])


def ids(connection: sa.Connection) -> dict[str, int]:
    """Normalised address -> id, of the mailboxes that the configuration names."""
    rows = connection.execute(sa.select(mailboxes.c.address, mailboxes.c.id).where(mailboxes.c.active))
    return {row.address: row.id for row in rows}


def has_any(connection: sa.Connection) -> bool:
    """Whether a mailbox was ever named here, be it gone."""
    return connection.execute(sa.select(mailboxes.c.id).limit(1)).first() is not None


def since(connection: sa.Connection, mailbox_id: int) -> date | None:
    """The fixed floor of a mailbox; None reads everything."""
    floor: date | None = connection.execute(
        sa.select(mailboxes.c.since).where(mailboxes.c.id == mailbox_id)
    ).scalar_one()
    return floor


def contacts_due(connection: sa.Connection, mailbox_id: int) -> datetime | None:
    """When the mailbox's address book is to be read; None: at once."""
    query = sa.select(mailboxes.c.contacts_due).where(mailboxes.c.id == mailbox_id)
    found: datetime | None = connection.execute(query).scalar_one()
    return found


def set_contacts_due(connection: sa.Connection, mailbox_id: int, due: datetime) -> None:
    """The next time."""
    connection.execute(sa.update(mailboxes).where(mailboxes.c.id == mailbox_id).values(contacts_due=due))


def due(connection: sa.Connection, now: datetime, limit: int) -> Sequence[Due]:
    """Mailboxes to read now that nobody holds, longest waiting first."""
    waiting = (
        sa.select(mailboxes)
        .where(mailboxes.c.active, mailboxes.c.approved, ~mailboxes.c.paused, mailboxes.c.next_due <= now)
        .order_by(mailboxes.c.next_due, mailboxes.c.id)
    )
    free = (row for row in connection.execute(waiting) if is_free(row.lease_owner, row.lease_until, now))
    return [_due(row) for row in islice(free, limit)]


def one(connection: sa.Connection, mailbox_id: int) -> Due:
    """One mailbox, due or not."""
    return _due(connection.execute(sa.select(mailboxes).where(mailboxes.c.id == mailbox_id)).one())


def pause(database: Database, address: str) -> bool:
    """Lets a mailbox rest: who works on it stops at the next page. False if the configuration does not name it."""
    return _set(database, address, {"paused": True})


def resume(database: Database, address: str, now: datetime) -> bool:
    """Ends the rest of a mailbox, and lifts what stopped it. False if the configuration does not name it."""
    return _set(database, address, {"paused": False, **_lifted(now)})


def approve(database: Database, address: str, now: datetime) -> bool:
    """A newcomer is read from now on. False if the configuration does not name it."""
    return _set(database, address, {"approved": True, "next_due": now})


def lift(database: Database, address: str, now: datetime) -> bool:
    """Tries a stopped mailbox anew, for instance after a sign-in; one that rests goes on resting."""
    return _set(database, address, _lifted(now))


def _lifted(now: datetime) -> dict[str, object]:
    return {"problem": None, "failures": 0, "next_due": now}


def _set(database: Database, address: str, values: dict[str, object]) -> bool:
    named = sa.and_(mailboxes.c.address == normalise(address).normalised, mailboxes.c.active)
    with database.write() as connection:
        return bool(connection.execute(sa.update(mailboxes).where(named).values(**values)).rowcount)


def _due(row: "sa.Row[tuple[object, ...]]") -> Due:
    known = row._mapping
    return Due(
        id=known["id"],
        address=known["address"],
        failures=known["failures"],
        problem=known["problem"],
        resting=known["paused"] or not known["approved"],
    )


def lock_all(connection: sa.Connection) -> None:
    """Waits for every commit under way and holds further ones until this transaction ends.

    Rows may still be referred to (FOR NO KEY UPDATE): a commit under way for one mailbox may queue mail of another one.
    """
    connection.execute(sa.select(mailboxes.c.id).order_by(mailboxes.c.id).with_for_update(key_share=True))


def wake(database: Database, addresses: Collection[str], now: datetime) -> None:
    """There may be news in these mailboxes, by normalised address: they have the next turn. Raises StoreError."""
    with database.write() as connection:
        make_due(connection, sa.select(mailboxes.c.id).where(mailboxes.c.address.in_(addresses)), now)


def last_success(connection: sa.Connection, mailbox_id: int) -> datetime | None:
    """When the mailbox was last read to the end."""
    query = sa.select(mailboxes.c.last_success).where(mailboxes.c.id == mailbox_id)
    found: datetime | None = connection.execute(query).scalar_one()
    return found


def make_due(connection: sa.Connection, wanted: "sa.Select[tuple[int]]", now: datetime) -> None:
    """Gives these mailboxes the next turn; one in back-off keeps waiting."""
    healthy = sa.and_(mailboxes.c.last_error.is_(None), mailboxes.c.problem.is_(None), mailboxes.c.next_due > now)
    connection.execute(sa.update(mailboxes).where(mailboxes.c.id.in_(wanted), healthy).values(next_due=now))


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
            stopped=stopped.get(row.id, {}),
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


def _new_row(address: str, mailbox: Mailbox, hasher: Hasher, now: datetime, *, approved: bool) -> Row:
    return {
        "address": address,
        "written": mailbox.address,
        "connector": mailbox.connector,
        "approved": approved,
        "since": _floor(mailbox.since, now),
        "settings_digest": _digest(mailbox, hasher),
        "next_due": now,
    }


def _settle_known(
    connection: sa.Connection, row: "sa.Row[tuple[object, ...]]", mailbox: Mailbox, hasher: Hasher, now: datetime
) -> None:
    known, digest = row._mapping, _digest(mailbox, hasher)
    if known["active"] and known["settings_digest"] == digest:
        return
    values: dict[str, object] = {
        "active": True,
        "written": mailbox.address,
        "connector": mailbox.connector,
        "settings_digest": digest,
        **_lifted(now),
        **(_fenced_off() if known["active"] else _NEXT_EPOCH),
    }
    if _span_part(known["settings_digest"]) != _span_part(digest):  # a span once fixed stays fixed
        values["since"] = _floor(mailbox.since, now)
    connection.execute(sa.update(mailboxes).where(mailboxes.c.id == known["id"]).values(**values))


def _retire(connection: sa.Connection, mailbox_id: int) -> None:
    own = sa.select(folders.c.id).where(folders.c.mailbox_id == mailbox_id)
    connection.execute(sa.delete(cursors).where(cursors.c.folder_id.in_(own)))
    connection.execute(sa.delete(rereads).where(rereads.c.mailbox_id == mailbox_id))
    connection.execute(sa.update(folders).where(folders.c.mailbox_id == mailbox_id).values(mark=None))
    connection.execute(sa.update(mailboxes).where(mailboxes.c.id == mailbox_id).values(active=False, **_NEXT_EPOCH))


_NEXT_EPOCH: dict[str, object] = {"lease_epoch": mailboxes.c.lease_epoch + 1}
"""Fences off whoever has the lease. Nobody else gets it before it ends: a calendar write of theirs may be under way."""


def _fenced_off() -> dict[str, object]:
    """Values that take the lease from whoever has it: no commit of theirs passes any more."""
    return {"lease_owner": None, "lease_until": None, **_NEXT_EPOCH}


def _floor(configured: date | timedelta | None, now: datetime) -> date | None:
    return (now - configured).date() if isinstance(configured, timedelta) else configured


def _digest(mailbox: Mailbox, hasher: Hasher) -> str:
    """Changes with the settings and with the secrets they name; a keyed hash, so no secret can be guessed from it."""
    settings = mailbox.model_dump_json()
    secrets = [_content(secret) for secret in _secrets(mailbox)]
    return f"{hasher.hash('settings', settings, *secrets).hex()} {mailbox.since}"


def _span_part(digest: str) -> str:
    return digest.partition(" ")[2]


def _secrets(value: object) -> Iterator[Secret]:
    if isinstance(value, Secret):
        yield value
    elif isinstance(value, Frozen):
        for _, part in value:
            yield from _secrets(part)


def _content(secret: Secret) -> str:
    try:
        return secret.read()
    except SecretError:
        return ""
