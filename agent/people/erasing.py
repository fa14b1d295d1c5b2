"""Forgets people, and keeps them forgotten after a backup was restored.

Who was erased is remembered twice: in the database, and in a list beside the key of the hashes, which is backed up
apart from it. The list is written first. So an erasure that is killed anywhere is finished by the next command, and a
database from yesterday learns whom it must forget as soon as it is opened. The list holds keyed hashes and days alone.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from agent.people.erased_list import note, noted
from agent.store.database import Database
from agent.store.directory.contact_writes import open_directory
from agent.store.directory.contacts import Contact
from agent.store.hashes import Hasher
from agent.store.mail import tombstones
from agent.store.persons import erasure
from agent.store.persons.person import hashes_of, named_by, person_of, spellings

RESTORED = "the list of the erased"
"""Whom the audit table names where a restored database is brought up to date."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Forgetting:
    """What an erasure works with. second: the list beside the key, None where the key lies in no file."""

    database: Database
    hasher: Hasher
    second: Path | None
    now: datetime
    who: str


def erase_contact(forgetting: Forgetting, contact: Contact) -> erasure.Erased:
    """Forgets a contact with all addresses that are theirs alone."""
    return _erase(forgetting, contact, [email.address for email in contact.emails])


def erase_address(forgetting: Forgetting, address: str) -> erasure.Erased:
    """Forgets somebody who is no contact but was named in mail that was kept."""
    return _erase(forgetting, None, [address])


def _erase(forgetting: Forgetting, contact: Contact | None, addresses: Collection[str]) -> erasure.Erased:
    with forgetting.database.read() as connection:
        person = person_of(connection, contact, spellings(connection, addresses))
    hashes = hashes_of(forgetting.hasher, person)
    if forgetting.second is not None:
        note(forgetting.second, hashes, forgetting.now)
    with forgetting.database.write(durable=True) as connection:
        writer = open_directory(forgetting.database, connection, forgetting.hasher)
        return erasure.erase(writer, person, hashes, forgetting.now, forgetting.who)


def catch_up(forgetting: Forgetting) -> int:
    """Erases whom the list names and this database does not know as erased. How many hashes it learned."""
    if forgetting.second is None:
        return 0
    listed = noted(forgetting.second)
    with forgetting.database.read() as connection:
        news = listed - tombstones.known(connection, listed) if listed else frozenset()
    if not news:
        return 0
    with forgetting.database.write(durable=True) as connection:
        writer = open_directory(forgetting.database, connection, forgetting.hasher)
        for person in named_by(connection, forgetting.hasher, news):
            hashes = news & hashes_of(forgetting.hasher, person)
            erasure.erase(writer, person, hashes, forgetting.now, forgetting.who)
        tombstones.enter(forgetting.database, connection, news, forgetting.now)
    return len(news)
