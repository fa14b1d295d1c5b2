"""Carries an import out: reads who is known, plans, and writes, all in one transaction. Called by `contacts`."""

from collections import Counter
from collections.abc import Iterable

from agent.people.plan import Claims, Plan, keys_of, people_at, plan_import
from agent.people.rows import Refused, Row
from agent.store import contacts, merging, tombstones
from agent.store.companies import stated_domains
from agent.store.contact_writes import open_directory, waiting
from agent.store.database import Database
from agent.store.hashes import Hasher


def import_rows(
    database: Database, hasher: Hasher, rows: Iterable[Row | Refused], *, created_by: str, dry: bool = False
) -> tuple[Plan, Counter[str]]:
    """Adds and updates what the rows say, and returns what became of each. All of it, or nothing if it fails.

    Beside it: how many messages wait to be decided anew for it, by what they are now. dry: all is given up in the end.
    """
    told = tuple(rows)
    with database.write() as connection:
        before = waiting(connection)
        writer = open_directory(database, connection, hasher)
        keys = keys_of(told)
        holders = contacts.holders_of(connection, keys)
        plan = plan_import(
            told,
            contacts.load(connection, holders).values(),
            also_called=merging.former_names(connection, holders),
            erased_keys=tombstones.erased_keys(connection, hasher, keys),
            erased_people=tombstones.erased_people(connection, hasher, people_at(told)),
            claims=Claims(stated=stated_domains(connection)),
        )
        writer.add(plan.add, created_by=created_by)
        writer.update(plan.update)
        queued = waiting(connection) - before
        if dry:
            database.give_up(connection)
    return plan, queued
