"""Carries an import out: reads who is known, plans, and writes, all in one transaction. Called by `contacts`."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from agent.people.plan import Claims, Plan, keys_of, people_at, plan_import
from agent.people.rows import Refused, Row
from agent.store.database import Database
from agent.store.directory import contacts
from agent.store.directory.companies import stated_domains
from agent.store.directory.contact_writes import open_directory, waiting
from agent.store.directory.contacts import Contact
from agent.store.hashes import Hasher
from agent.store.mail import tombstones
from agent.store.persons import merging


def import_rows(
    database: Database,
    hasher: Hasher,
    rows: Iterable[Row | Refused],
    *,
    created_by: str,
    dry: bool = False,
    fills: bool = False,
) -> tuple[Plan, Counter[str]]:
    """Adds and updates what the rows say, and returns what became of each. All of it, or nothing if it fails.

    Beside it: how many messages wait to be decided anew for it, by what they are now. dry: all is given up in the end.
    fills: rows only fill in what contacts lack, and mean whoever was made of them before, whatever the name is now.
    """
    told = tuple(rows)
    with database.write() as connection:
        before = waiting(connection)
        writer = open_directory(database, connection, hasher)
        keys = keys_of(told)
        holders = contacts.holders_of(connection, keys)
        known = contacts.load(connection, holders)
        former = merging.former_names(connection, holders)
        plan = plan_import(
            told,
            known.values(),
            also_called={**former, **_as_before(told, known.values(), former)} if fills else former,
            fills=fills,
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


def _as_before(
    rows: Iterable[Row | Refused], known: Iterable[Contact], former: Mapping[str, Collection[str]]
) -> dict[str, Collection[str]]:
    """What rows call contacts that have their external ids: one that got another name here is no second person."""
    names = {item: row.name for row in rows if isinstance(row, Row) for item in row.external_ids.items()}
    return {
        one.id: (*former.get(one.id, ()), *(names[item] for item in one.external_ids.items() if item in names))
        for one in known
    }
