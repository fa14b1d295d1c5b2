"""Everything that is held about one person, for whoever must hand it out: one value a thing, named by `held`.

What is derived from others' words (their texts, their evidence) is in it as far as it names the person.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from agent.store import feed
from agent.store.bulk import chunks
from agent.store.calendar import listing
from agent.store.mail import history, reviews
from agent.store.persons.erased_queues import concerns
from agent.store.persons.person import Person
from agent.store.tables import changes, links, merges, participants, purchases, rulings, signals, suggestions
from agent.store.tables import never_log as never_log_rows
from matchers.address import normalise

Told = dict[str, object]


def everything(connection: sa.Connection, person: Person) -> Iterator[Told]:
    """In order: the contact, history, purchases, what waits for a decision, reminders, corrections, the feed."""
    if person.contact is not None:
        yield {"held": "contact", **person.contact.told()}
        yield from _merges(connection, person.contact.id)
    yield from _interactions(connection, person)
    yield from _purchases(connection, person)
    yield from _signals(connection, person)
    yield from (
        {"held": "review", **item.told()} for item in reviews.open_items(connection) if concerns(item.named(), person)
    )
    yield from _reminders(connection, person)
    yield from _said(connection, person)
    yield from _feed(connection, person)


def _interactions(connection: sa.Connection, person: Person) -> Iterator[Told]:
    ids = _ids(connection, person)
    for start in range(0, len(ids), history.PAGE):
        some = ids[start : start + history.PAGE]
        seats = _seats(connection, person, some)
        for told in history.shown(connection, some):
            yield {"held": "interaction", **told, "named_as": seats.get(str(told["id"]), [])}


def _ids(connection: sa.Connection, person: Person) -> list[str]:
    found: set[str] = set()
    if person.contact is not None:
        linked = sa.select(links.c.interaction_id).where(links.c.contact_id == person.contact.id)
        found.update(connection.execute(linked).scalars())
    for chunk in chunks(person.keys):
        named = sa.select(participants.c.interaction_id).where(participants.c.match_key.in_(chunk))
        found.update(connection.execute(named).scalars())
    return sorted(found)


def _seats(connection: sa.Connection, person: Person, ids: Sequence[str]) -> dict[str, list[Told]]:
    """How each message names the person."""
    found: dict[str, list[Told]] = {}
    rows = connection.execute(
        sa.select(participants)
        .where(participants.c.interaction_id.in_(ids))
        .order_by(participants.c.interaction_id, participants.c.role, participants.c.position)
    )
    for row in rows:
        if row.match_key in person.keys | person.shared:
            seat: Told = {"role": row.role, "address": row.address, "name": row.name}
            found.setdefault(row.interaction_id, []).append(seat)
    return found


def _purchases(connection: sa.Connection, person: Person) -> Iterator[Told]:
    if person.contact is None:
        return
    query = sa.select(purchases).where(purchases.c.contact_id == person.contact.id)
    for row in connection.execute(query.order_by(purchases.c.bought_on, purchases.c.id)).mappings():
        told = {name: value for name, value in row.items() if name not in ("id", "contact_id")}
        yield {"held": "purchase", **told}


def _signals(connection: sa.Connection, person: Person) -> Iterator[Told]:
    if person.contact is None:
        return
    query = sa.select(signals).where(signals.c.contact_id == person.contact.id).order_by(signals.c.occurred_at)
    for row in connection.execute(query):
        yield {"held": "signal", "kind": row.kind, "occurred_at": row.occurred_at, "back_on": row.back_on}


def _reminders(connection: sa.Connection, person: Person) -> Iterator[Told]:
    if person.contact is None:
        return
    for one in listing.listed(connection, contact_id=person.contact.id, states=listing.EVERY_STATE):
        yield {"held": "reminder", **one.told()}


def _merges(connection: sa.Connection, contact_id: str) -> Iterator[Told]:
    for row in connection.execute(sa.select(merges).where(merges.c.kept_id == contact_id).order_by(merges.c.id)):
        yield {"held": "merge", "made_at": row.made_at, "contact": row.gone["contact"], "emails": row.gone["emails"]}


def _said(connection: sa.Connection, person: Person) -> Iterator[Told]:
    """Decisions that people made about the person's addresses, and suggestions."""
    for row in connection.execute(sa.select(rulings).order_by(rulings.c.made_at)):
        theirs = person.contact is not None and row.contact_id == person.contact.id
        if theirs or normalise(row.address).match_key in person.keys:
            decided = None if row.contact_id is None else row.contact_id
            yield {"held": "decision", "address": row.address or None, "contact": decided, "made_at": row.made_at}
    if person.contact is not None:
        own = sa.select(suggestions).where(suggestions.c.contact_id == person.contact.id)
        yield from ({"held": "suggestion", **found} for found in connection.execute(own).mappings())
    for table, name in ((suggestions, "suggestion"), (never_log_rows, "never-log")):
        for chunk in chunks(person.keys):
            for found in connection.execute(sa.select(table).where(table.c.match_key.in_(chunk))).mappings():
                yield {"held": name, **found}


def _feed(connection: sa.Connection, person: Person) -> Iterator[Told]:
    """What other systems were told of the contact."""
    if person.contact is None:
        return
    query = sa.select(changes).where(changes.c.entity == person.contact.id).order_by(changes.c.seq)
    yield from map(_entry, connection.execute(query))


def _entry(row: "sa.Row[Any]") -> Told:
    change = feed.Change(kind=row.kind, event=row.event, entity=row.entity, body=row.body)
    token = feed.Entry(seq=row.seq, at=row.at, change=change).token
    return {"held": "feed", "token": token, "at": row.at, "event": row.event, "body": row.body}
