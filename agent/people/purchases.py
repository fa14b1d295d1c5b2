"""Carries an import of purchases out: reads who is known, decides, and writes, all in one transaction.

Called by `agent.cli.purchases`. A buyer is a contact that is there already: nobody is made, and nobody is guessed.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum

from agent.people.plan import fold_name
from agent.people.purchases_csv import Sale
from agent.people.rows import Refused
from agent.store.database import Database
from agent.store.directory import purchases
from agent.store.directory.purchases import Holder, Purchase
from agent.store.hashes import Hasher
from matchers.address import normalise


class Outcome(StrEnum):
    """What became of a row."""

    ADDED = "added"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """One row of the report."""

    line: int
    outcome: Outcome
    text: str = ""


def import_purchases(
    database: Database, hasher: Hasher, rows: Iterable[Sale | Refused], *, today: date
) -> Sequence[Result]:
    """Adds what is new, corrects what an order says anew, and tells what became of each row. All of it, or nothing."""
    told = tuple(rows)
    keys = {_key(row): row.email for row in told if isinstance(row, Sale)}
    with database.write() as connection:
        people = purchases.holders(connection, keys)
        meant = _identified([_buyer(row, people, today) for row in told], hasher)
        known = purchases.load(connection, [one.id for one in meant if isinstance(one, Purchase)])
        outcomes = [_outcome(one, known) for one in meant]
        fresh = {one.id: one for one in _with(Outcome.ADDED, meant, outcomes)}
        changed = {one.id: one for one in _with(Outcome.UPDATED, meant, outcomes)}
        purchases.record(database, connection, list(fresh.values()), list(changed.values()))
    return [
        Result(line=row.line, outcome=outcome, text=one.why if isinstance(one, Refused) else "")
        for row, one, outcome in zip(told, meant, outcomes, strict=True)
    ]


def _key(row: Sale) -> str:
    return normalise(row.email).match_key


def _buyer(row: Sale | Refused, people: Mapping[str, Sequence[Holder]], today: date) -> "_Meant | Refused":
    """The row with the one contact it means."""
    if isinstance(row, Refused):
        return row
    if row.day > today + timedelta(days=1):
        return Refused(line=row.line, why=f"{row.day} is still to come: purchases are past")
    found = people.get(_key(row), ())
    if len(found) > 1 and row.company:
        found = [one for one in found if fold_name(one.company) == fold_name(row.company)]
    if len(found) == 1:
        return _Meant(row=row, contact_id=found[0].contact_id)
    why = "several contacts have this address" if found else "no contact has this address"
    what = "write the company of the one who is meant" if found else "import the contact first"
    return Refused(line=row.line, why=f"{why}: {what}")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Meant:
    row: Sale
    contact_id: str


def _identified(meant: Sequence[_Meant | Refused], hasher: Hasher) -> list[Purchase | Refused]:
    """Equal rows of one file are that many purchases; those with an order's number are that order's lines."""
    seen: Counter[tuple[str, ...]] = Counter()
    found: list[Purchase | Refused] = []
    for one in meant:
        if isinstance(one, Refused):
            found.append(one)
            continue
        parts = _identity(one)
        seen[parts] += not one.row.order_id
        found.append(_purchase(one, hasher.hash("purchase", *parts, str(seen[parts])).hex()))
    return found


def _identity(one: _Meant) -> tuple[str, ...]:
    row = one.row
    if row.order_id:
        return one.contact_id, "order", row.order_id, row.product
    return one.contact_id, row.day.isoformat(), row.amount, row.currency, row.product


def _purchase(one: _Meant, id: str) -> Purchase:
    row = one.row
    return Purchase(
        id=id,
        contact_id=one.contact_id,
        bought_on=row.day,
        amount=row.amount,
        currency=row.currency,
        product=row.product,
        order_id=row.order_id,
    )


def _outcome(one: Purchase | Refused, known: dict[str, Purchase]) -> Outcome:
    """Notes it among the known: the same order twice in one file is one, and its last line counts."""
    if isinstance(one, Refused):
        return Outcome.REFUSED
    before, known[one.id] = known.get(one.id), one
    if before is None:
        return Outcome.ADDED
    return Outcome.UNCHANGED if before == one else Outcome.UPDATED


def _with(outcome: Outcome, meant: Sequence[Purchase | Refused], outcomes: Sequence[Outcome]) -> Iterable[Purchase]:
    pairs = zip(meant, outcomes, strict=True)
    return (replace(one) for one, had in pairs if had is outcome and isinstance(one, Purchase))
