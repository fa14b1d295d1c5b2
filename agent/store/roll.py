"""The mailbox table brought in line with the configuration: who joins, who changes, who leaves.

Called by `run` and `sync`, at their start and whenever the configuration or a list of mailboxes was read anew.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

import sqlalchemy as sa

from agent.store.calendar import leaving
from agent.store.database import Database, Row
from agent.store.hashes import Hasher
from agent.store.schedule import clock, lists
from agent.store.schedule.mailboxes import lifted
from agent.store.tables import cursors, folders, mailboxes, rereads
from config.model import Frozen, Mailbox, Settings
from config.secrets import Secret, SecretError
from matchers.address import normalise


def settle(database: Database, settings: Settings, hasher: Hasher, now: datetime) -> None:
    """Brings the table in line with the configuration.

    New mailboxes are due at once. Changed settings, or a changed secret behind them, make a mailbox due again, lift
    what stopped it, and end the lease of whoever still works with the old ones. Who is no longer named is not read
    any more: lease and cursors go, reminders end and their calendar items are to go, history stays. Where newcomers
    are read, nobody waits for approval any more. While a list was never read nobody leaves: they may stand on it.
    Called where secrets can be read (`run`, `sync`).
    """
    configured = {normalise(mailbox.address).normalised: mailbox for mailbox in settings.mailboxes}
    clock.set_right(database, now)
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
        **lifted(now),
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
