"""Who is to be forgotten, and what names that person: addresses that are theirs alone, and their full name."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache

import sqlalchemy as sa

from agent.store.bulk import chunks
from agent.store.directory.contacts import Contact, load
from agent.store.hashes import Hasher
from agent.store.mail import tombstones
from agent.store.tables import contact_emails, contacts, participants
from matchers.address import normalise


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """Who is to be forgotten. contact: None for somebody who is no contact. keys: match keys that are theirs alone.

    shared: match keys that another contact holds too; they stay that contact's. words: whatever names the person in
    sentences that were kept.
    """

    contact: Contact | None
    keys: frozenset[str]
    shared: frozenset[str]
    words: tuple[str, ...]


def person_of(connection: sa.Connection, contact: Contact | None, addresses: Collection[str]) -> Person:
    """addresses: every one known of the person, in any spelling."""
    keys = {normalise(one).match_key for one in addresses} - {""}
    own = contact.id if contact is not None else ""
    others = sa.select(contact_emails.c.match_key).where(
        contact_emails.c.match_key.in_(sorted(keys)), contact_emails.c.contact_id != own
    )
    shared = frozenset(connection.execute(others).scalars())
    spelled = {form for one in addresses for form in (one, normalise(one).normalised, normalise(one).match_key)}
    name = [contact.name] if contact is not None and _is_telling(connection, contact) else []
    alone = {one for one in spelled if normalise(one).match_key not in shared}
    return Person(
        contact=contact,
        keys=frozenset(keys - shared),
        shared=shared,
        words=tuple(sorted(one.casefold() for one in {*alone, *name} if one)),
    )


def _is_telling(connection: sa.Connection, contact: Contact) -> bool:
    """Whether the name means this person alone: a full name that no other contact bears."""
    query = sa.select(contacts.c.id).where(contacts.c.name == contact.name, contacts.c.id != contact.id)
    return " " in contact.name and connection.execute(query.limit(1)).first() is None


def hashes_of(hasher: Hasher, person: Person) -> frozenset[bytes]:
    """What is remembered of the person."""
    own = tombstones.of_addresses(hasher, person.keys | {word for word in person.words if "@" in word})
    name = person.contact.name if person.contact is not None else ""
    return own | {tombstones.of_person(hasher, name, key) for key in person.shared if name}


def spellings(connection: sa.Connection, addresses: Collection[str]) -> set[str]:
    """These addresses, and every way in which mail that was kept spells them."""
    found = set(addresses)
    for chunk in chunks(tombstones.keys_of(addresses)):
        spelled = sa.select(participants.c.address).where(participants.c.match_key.in_(chunk)).distinct()
        found.update(connection.execute(spelled).scalars())
    return found


def named_by(connection: sa.Connection, hasher: Hasher, hashes: Collection[bytes]) -> Iterator[Person]:
    """Whom these hashes stand for, as far as they are here: contacts first, then whoever is named in kept mail."""
    held = sa.select(contact_emails.c.contact_id, contact_emails.c.address, contacts.c.name).join(
        contacts, contacts.c.id == contact_emails.c.contact_id
    )
    ids = {
        row.contact_id
        for row in connection.execute(held)
        if not tombstones.of_addresses(hasher, [row.address]).isdisjoint(hashes)
        or tombstones.of_person(hasher, row.name, row.address) in hashes
    }
    for contact in load(connection, ids).values():
        yield person_of(connection, contact, spellings(connection, [email.address for email in contact.emails]))
    keys = connection.execute(sa.select(participants.c.match_key).distinct()).scalars().all()
    for key in keys:
        if key and hasher.of_address(key) in hashes:
            yield person_of(connection, None, spellings(connection, [key]))


def names(person: Person, text: str) -> bool:
    """Whether a sentence names the person: an address or the full name, not as a part of a longer one."""
    folded = text.casefold()
    return any(_whole(word).search(folded) for word in person.words if word in folded)


@lru_cache(maxsize=256)
def _whole(word: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w.+-]){re.escape(word)}(?![\w-]|\.\w)")
