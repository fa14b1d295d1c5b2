"""Carries an import out: reads who is known, plans, and writes, all in one transaction. Called by `contacts`."""

from collections.abc import Iterable

from agent.people.plan import Claims, Plan, keys_of, plan_import
from agent.people.rows import Refused, Row
from agent.store import contacts
from agent.store.companies import stated_domains
from agent.store.contact_writes import open_directory
from agent.store.database import Database
from agent.store.directory import chunks
from agent.store.hashes import Hasher
from agent.store.known import known_erased


def import_rows(database: Database, hasher: Hasher, rows: Iterable[Row | Refused], *, created_by: str) -> Plan:
    """Adds and updates what the rows say, and returns what became of each. All of it, or nothing if it fails."""
    told = tuple(rows)
    with database.write() as connection:
        writer = open_directory(database, connection, hasher)
        keys = keys_of(told)
        hashes = {hasher.of_address(key): key for key in keys}
        plan = plan_import(
            told,
            contacts.load(connection, contacts.holders_of(connection, keys)).values(),
            erased_keys={hashes[one] for some in chunks(hashes) for one in known_erased(connection, some)},
            claims=Claims(stated=stated_domains(connection)),
        )
        writer.add(plan.add, created_by=created_by)
        writer.update(plan.update)
    return plan
