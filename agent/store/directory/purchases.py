"""What customers bought, as rows, and the rhythm that is made of it whenever it changes.

Called by `agent.people.purchases` inside its transaction. A purchase has the same id whenever it is imported, so a
file may come again, or a longer one that holds it.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date

import sqlalchemy as sa

from agent.reminders.rhythm import rhythm_of
from agent.store import feed
from agent.store.bulk import chunks
from agent.store.database import Database
from agent.store.tables import companies, contact_emails, contacts, purchases, rhythms


@dataclass(frozen=True, kw_only=True, slots=True)
class Purchase:
    """amount: decimal, as written, '' where none is told. id: a keyed hash of what identifies it."""

    id: str
    contact_id: str
    bought_on: date
    amount: str = ""
    currency: str = ""
    product: str = ""
    order_id: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Holder:
    """A contact with an address. company: its name, '' for none."""

    contact_id: str
    company: str


def holders(connection: sa.Connection, keys: Collection[str]) -> dict[str, list[Holder]]:
    """Match key of an address -> who holds it."""
    found: dict[str, list[Holder]] = defaultdict(list)
    for chunk in chunks(keys):
        query = (
            sa.select(contact_emails.c.match_key, contacts.c.id, companies.c.name)
            .join(contacts, contacts.c.id == contact_emails.c.contact_id)
            .outerjoin(companies, companies.c.id == contacts.c.company_id)
            .where(contact_emails.c.match_key.in_(chunk))
            .order_by(contacts.c.id)
        )
        for row in connection.execute(query):
            found[row.match_key].append(Holder(contact_id=row.id, company=row.name or ""))
    return found


def load(connection: sa.Connection, ids: Collection[str]) -> dict[str, Purchase]:
    """Those of these ids that are known."""
    found: dict[str, Purchase] = {}
    for chunk in chunks(ids):
        rows = connection.execute(sa.select(purchases).where(purchases.c.id.in_(chunk)))
        found |= {row.id: Purchase(**row._mapping) for row in rows}
    return found


def record(
    database: Database, connection: sa.Connection, added: Sequence[Purchase], changed: Sequence[Purchase]
) -> None:
    """Writes them, renews the rhythms of whom they concern, and tells the feed."""
    before = load(connection, [one.id for one in changed])
    database.insert_new(connection, purchases, [asdict(one) for one in added])
    for one in changed:
        values = {name: value for name, value in asdict(one).items() if name != "id"}
        connection.execute(sa.update(purchases).where(purchases.c.id == one.id).values(values))
    people = {one.contact_id for one in (*added, *changed, *before.values())}
    renew_rhythms(database, connection, people)
    _tell(database, connection, people)


def renew_rhythms(database: Database, connection: sa.Connection, people: Collection[str]) -> None:
    """Makes the rhythms of these contacts anew. Call it after any change of their purchases."""
    for chunk in chunks(sorted(people)):
        connection.execute(sa.delete(rhythms).where(rhythms.c.contact_id.in_(chunk)))
        days: dict[str, list[date]] = defaultdict(list)
        query = sa.select(purchases.c.contact_id, purchases.c.bought_on).where(purchases.c.contact_id.in_(chunk))
        for row in connection.execute(query.distinct()):
            days[row.contact_id].append(row.bought_on)
        database.insert_new(connection, rhythms, [_row(one, days[one]) for one in sorted(days)])


def _row(contact_id: str, days: Sequence[date]) -> dict[str, object]:
    rhythm = rhythm_of(days)
    assert rhythm is not None  # noqa: S101 - there is at least one day; tells the type checker
    told = {"gaps": rhythm.gaps, "log_sum": rhythm.log_sum, "log_squares": rhythm.log_squares}
    return {"contact_id": contact_id, **told, "last_on": rhythm.last}


def _tell(database: Database, connection: sa.Connection, people: Collection[str]) -> None:
    counted: Mapping[str, tuple[int, date]] = {}
    for chunk in chunks(sorted(people)):
        query = (
            sa.select(purchases.c.contact_id, sa.func.count(), sa.func.max(purchases.c.bought_on))
            .where(purchases.c.contact_id.in_(chunk))
            .group_by(purchases.c.contact_id)
        )
        counted = {**counted, **{row[0]: (row[1], row[2]) for row in connection.execute(query)}}
    bodies = {one: {"purchases": count, "last_on": last.isoformat()} for one, (count, last) in counted.items()}
    told = [
        feed.Change(kind="purchases", event="imported", entity=one, body=bodies.get(one, {})) for one in sorted(people)
    ]
    feed.append(database, connection, told)
