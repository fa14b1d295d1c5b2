"""Who was erased, as keyed hashes alone: asked before every rule of matching and by imports.

An address is remembered in its normalised form and as its provider's mailbox, so that neither a dot nor a plus tag
brings the person back, whatever is known of providers later. Where an address is somebody else's too it stays theirs;
then name and address together are remembered, which an import asks.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import TypeVar

import sqlalchemy as sa

from agent.store.bulk import chunks
from agent.store.database import Database
from agent.store.directory.companies import folded
from agent.store.hashes import Hasher
from agent.store.tables import tombstones
from matchers.address import normalise

ERASED = "erased"
"""The kind of all of them."""

Named = TypeVar("Named", str, tuple[str, str])


def of_addresses(hasher: Hasher, addresses: Iterable[str]) -> frozenset[bytes]:
    """The hashes that stand for these addresses."""
    forms = {form for one in map(normalise, addresses) for form in (one.match_key, one.normalised) if form}
    return frozenset(map(hasher.of_address, forms))


def keys_of(addresses: Iterable[str]) -> frozenset[str]:
    """Their match keys, without those of what is no mailbox."""
    return frozenset(normalise(one).match_key for one in addresses) - {""}


def of_person(hasher: Hasher, name: str, address: str) -> bytes:
    """The hash that stands for a person at an address that is not theirs alone."""
    return hasher.hash("person", folded(name), normalise(address).match_key)


def enter(database: Database, connection: sa.Connection, hashes: Collection[bytes], now: datetime) -> None:
    """Remembers them, for good."""
    rows = [{"hash": one, "kind": ERASED, "made_at": now} for one in sorted(hashes)]
    database.insert_new(connection, tombstones, rows)


def known(connection: sa.Connection, hashes: Collection[bytes]) -> frozenset[bytes]:
    """Which of these are remembered."""
    found: set[bytes] = set()
    for chunk in chunks(hashes):
        query = sa.select(tombstones.c.hash).where(tombstones.c.hash.in_(chunk), tombstones.c.kind == ERASED)
        found.update(connection.execute(query).scalars())
    return frozenset(found)


def erased_keys(connection: sa.Connection, hasher: Hasher, keys: Collection[str]) -> frozenset[str]:
    """Which of these match keys belong to somebody who was erased."""
    if not keys or not any_erased(connection):
        return frozenset()
    return _hit(connection, {key: frozenset({hasher.of_address(key)}) for key in keys})


def erased_people(
    connection: sa.Connection, hasher: Hasher, people: Collection[tuple[str, str]]
) -> frozenset[tuple[str, str]]:
    """Which of these (name folded, match key) were erased from an address that others have too."""
    if not people or not any_erased(connection):
        return frozenset()
    forms = {one: frozenset({of_person(hasher, *one)}) for one in people}
    return _hit(connection, forms)


def any_erased(connection: sa.Connection) -> bool:
    """Whether anybody was erased at all."""
    query = sa.select(tombstones.c.hash).where(tombstones.c.kind == ERASED).limit(1)
    return connection.execute(query).first() is not None


def _hit(connection: sa.Connection, forms: Mapping[Named, Collection[bytes]]) -> frozenset[Named]:
    remembered = known(connection, [one for hashes in forms.values() for one in hashes])
    return frozenset(named for named, hashes in forms.items() if not remembered.isdisjoint(hashes))
