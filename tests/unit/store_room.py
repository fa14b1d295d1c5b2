"""What tests of the store's shelves begin with: a mailbox, a folder, places of messages, contacts."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from agent.store.database import Database
from agent.store.directory.contact_writes import Draft, open_directory
from agent.store.directory.contacts import Email
from agent.store.hashes import Hasher
from agent.store.tables import folders, locations, mailboxes, rereads
from config.model import ImapAccess, Mailbox, Reminders, Settings
from config.secrets import Secret

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def configured(
    address: str = "anna@ourfirm.example",
    *,
    since: date | timedelta | None = None,
    host: str = "imap.ourfirm.example",
    secret: Secret | None = None,
) -> Mailbox:
    """A mailbox as the configuration names it."""
    return Mailbox(
        address=address,
        connector="hosted-mail",
        access=ImapAccess(host=host, username="anna", password=secret or Secret(env="NO_SUCH_VARIABLE")),
        timezone="Europe/Berlin",
        capture="full",
        since=since,
        reminders=Reminders(),
    )


def settings(*read: Mailbox) -> Settings:
    """A configuration with these mailboxes."""
    return Settings(mailboxes=read)


def add_mailbox(database: Database, address: str = "anna@ourfirm.example", **values: object) -> int:
    """A row of the schedule; due long ago unless told otherwise."""
    row = {"address": address, "connector": "hosted-mail", "next_due": NOW - timedelta(days=1), **values}
    with database.write() as connection:
        return _key(connection.execute(sa.insert(mailboxes), row))


def add_place(
    database: Database,
    mailbox_id: int,
    uid: str,
    outcome: str,
    *,
    reason: str | None = None,
    gone_at: datetime | None = None,
) -> int:
    """A message that lies in this mailbox, decided as told."""
    with database.write() as connection:
        folder = connection.execute(sa.select(folders.c.id).where(folders.c.mailbox_id == mailbox_id)).scalar()
        if folder is None:
            new = {"mailbox_id": mailbox_id, "key": "INBOX", "name": "INBOX"}
            folder = _key(connection.execute(sa.insert(folders), new))
        row = {
            "mailbox_id": mailbox_id,
            "folder_id": folder,
            "validity": "1",
            "uid": uid,
            "outcome": outcome,
            "reason": reason,
            "decided_at": NOW,
            "gone_at": gone_at,
        }
        return _key(connection.execute(sa.insert(locations), row))


def queued(database: Database) -> Sequence[int]:
    """The places waiting for a re-read, sorted."""
    with database.read() as connection:
        return connection.execute(sa.select(rereads.c.location_id).order_by(rereads.c.location_id)).scalars().all()


def draft(name: str, *addresses: str, company: str = "", company_domain: str = "", **columns: Any) -> Draft:
    """A contact with these addresses, the first one primary."""
    emails = tuple(Email(address=address, primary=not index) for index, address in enumerate(addresses))
    return Draft(name=name, emails=emails, company=company, company_domain=company_domain, **columns)


def add_contacts(database: Database, hasher: Hasher, *drafts: Draft) -> Sequence[str]:
    """Adds them in one transaction and returns their ids."""
    with database.write() as connection:
        return open_directory(database, connection, hasher).add(drafts, created_by="add")


def _key(result: "sa.CursorResult[tuple[object, ...]]") -> int:
    inserted = result.inserted_primary_key
    assert inserted is not None
    return int(inserted[0])
