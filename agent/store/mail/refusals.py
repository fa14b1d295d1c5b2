"""Addresses of which somebody said whose they are not: neither their name nor their conversation asks so again.

Kept where suggestions are, for both say that an address may be a contact's and who said no. They go when a contact
gets the address, follow a merge, and are forgotten with either side.
"""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime

import sqlalchemy as sa

from agent.store.database import Database
from agent.store.directory.contact_writes import queue_address, queue_rereads
from agent.store.directory.lookup import REFUSALS, refused
from agent.store.schedule.mailboxes import lock_all
from agent.store.tables import contacts, suggestions
from matchers.address import normalise


def refuse(
    database: Database, connection: sa.Connection, address: str, contact_ids: Collection[str], now: datetime
) -> None:
    """The address is none of these contacts'. What rests on the opposite is decided anew, in all mailboxes."""
    key = normalise(address).match_key
    lock_all(connection)  # who records a page decided before is waited for, and what it recorded is queued
    said = {"match_key": key, "address": "", "name": "", "rule": "", "refused": True, "made_at": now}
    database.insert_new(connection, suggestions, [{**said, "contact_id": one} for one in sorted(contact_ids)])
    here = (suggestions.c.match_key == key, suggestions.c.contact_id.in_(contact_ids))
    connection.execute(sa.update(suggestions).where(*here).values(refused=True, address="", name=""))
    queue_address(connection, database, key)


def forget(database: Database, connection: sa.Connection, address: str) -> bool:
    """Takes all of that back about an address: it is asked about again. False if nobody said so."""
    key = normalise(address).match_key
    lock_all(connection)
    gone = connection.execute(sa.delete(suggestions).where(suggestions.c.match_key == key, REFUSALS)).rowcount
    if gone:
        queue_rereads(connection, database)
        queue_address(connection, database, key)
    return bool(gone)


def came_between(connection: sa.Connection, keys: Collection[str], known: Mapping[str, frozenset[str]]) -> bool:
    """Whether somebody said of these match keys whose they are not, or took it back, since the answer `known`."""
    return bool(keys) and refused(connection, keys) != {key: known[key] for key in keys if key in known}


def listed(connection: sa.Connection) -> Iterator[dict[str, object]]:
    """Every such rule, by address, with the contact's name."""
    query = (
        sa.select(suggestions, contacts.c.name.label("whose"))
        .join(contacts, contacts.c.id == suggestions.c.contact_id)
        .where(REFUSALS)
        .order_by(suggestions.c.match_key, contacts.c.name, contacts.c.id)
    )
    for row in connection.execute(query):
        told = {"id": row.contact_id, "name": row.whose}
        yield {"address": row.match_key, "rule": "not theirs", "contact": told, "made_at": row.made_at}
