"""What waits or was said about a person who is forgotten: the review queue, reminders and their items, corrections.

Called by `agent.store.persons.erasure`, inside its transaction.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from agent.reminders import identity
from agent.reminders.cycle import BUNDLE, DISMISSED
from agent.store.bulk import chunks
from agent.store.database import Database
from agent.store.persons import merged_rows, merging
from agent.store.persons.person import Person, names
from agent.store.schedule.mailboxes import make_due
from agent.store.tables import (
    calendar_items,
    locations,
    mailboxes,
    merges,
    never_log,
    reminders,
    rereads,
    reviews,
    rulings,
    suggestions,
)
from matchers.address import normalise

if TYPE_CHECKING:
    from agent.store.directory.contact_writes import Writer

_GONE = {"intent": "delete", "wanted": None, "written": None, "kept": None, "attempts": 0, "next_try": None}
"""An item that is to leave the calendar, and of which nothing but its place is known any more."""


def forget_reviews(database: Database, connection: sa.Connection, person: Person) -> int:
    """Drops every question that names the person; the messages are decided once more from their headers."""
    found = [row for row in connection.execute(sa.select(reviews)).all() if concerns(dict(row._mapping), person)]
    ids, keys = [row.id for row in found], {row.message_key for row in found}
    for chunk in chunks(ids):
        connection.execute(sa.delete(reviews).where(reviews.c.id.in_(chunk)))
    for some in chunks(keys):
        waiting = connection.execute(
            sa.select(locations.c.id, locations.c.mailbox_id)
            .where(locations.c.message_key.in_(some), locations.c.gone_at.is_(None))
            .where(sa.or_(locations.c.outcome == "review", locations.c.interaction_id.is_not(None)))
            .order_by(locations.c.id)
        ).all()
        rows = [{"location_id": row.id, "mailbox_id": row.mailbox_id, "why": "erased"} for row in waiting]
        database.insert_new(connection, rereads, rows)
    return len(ids)


def concerns(known: Mapping[str, Any], person: Person) -> bool:
    """Whether a question names the person. known: its address, candidates, evidence and envelope."""
    own = person.contact.id if person.contact is not None else ""
    seen = known["envelope"]
    addresses = [known["address"], *seen.get("from", ()), *seen.get("to", ())]
    return (
        any(candidate["id"] == own for candidate in known["candidates"])
        or any(normalise(str(one)).match_key in person.keys for one in addresses)
        or any(names(person, str(fact)) for fact in known["evidence"])
    )


def forget_reminders(writer: "Writer", person: Person, now: datetime) -> list[str]:
    """Takes reminders about the person away; their calendar items lose their words now and leave with the outbox."""
    if person.contact is None:
        return []
    connection = writer.connection
    rows = connection.execute(sa.select(reminders).where(reminders.c.contact_id == person.contact.id)).all()
    ids = sorted(row.id for row in rows)
    for bundle in sorted({row.bundle_id for row in rows if row.bundle_id is not None}):
        _give_new_bundle(writer, bundle, now)
    for chunk in chunks(ids):
        connection.execute(sa.update(calendar_items).where(calendar_items.c.reminder_id.in_(chunk)).values(**_GONE))
        connection.execute(sa.delete(reminders).where(reminders.c.id.in_(chunk)))
    make_due(connection, sa.select(calendar_items.c.mailbox_id).where(calendar_items.c.intent == "delete"), now)
    return ids


def _give_new_bundle(writer: "Writer", bundle: str, now: datetime) -> None:
    """The others of a bundle get another one: the item that names the person in the calendar is not written over but
    withdrawn, so that what stands there is never read back as somebody's own words."""
    connection = writer.connection
    old = connection.execute(
        sa.select(reminders.c.reason, mailboxes.c.address)
        .join(mailboxes, mailboxes.c.id == reminders.c.mailbox_id)
        .where(reminders.c.id == bundle, reminders.c.rule == BUNDLE)
    ).one_or_none()
    if old is None:
        return
    fresh = _free_name(writer, old.address, old.reason)
    connection.execute(sa.update(reminders).where(reminders.c.bundle_id == bundle).values(bundle_id=fresh))
    silent = {"state": DISMISSED, "title": "", "why": "", "about": None, "changed_at": now}
    connection.execute(sa.update(reminders).where(reminders.c.id == bundle).values(**silent))
    connection.execute(sa.update(calendar_items).where(calendar_items.c.reminder_id == bundle).values(**_GONE))


def _free_name(writer: "Writer", mailbox: str, reason: str) -> str:
    """The day's next bundle that nobody used. reason: `<day>/<number>`."""
    day, _, number = reason.rpartition("/")
    count = int(number) + 1
    while True:
        name = identity.bundle_id(writer.hasher.hash, mailbox, f"{day}/{count}")
        query = sa.select(reminders.c.id).where(reminders.c.id == name)
        if writer.connection.execute(query).first() is None:
            return name
        count += 1


def forget_said(connection: sa.Connection, person: Person) -> None:
    """Corrections, suggestions and undone merges that name the person."""
    addresses = connection.execute(sa.select(rulings.c.address).where(rulings.c.address != "").distinct()).scalars()
    theirs = [one for one in addresses if normalise(one).match_key in person.keys]
    for chunk in chunks(theirs):
        connection.execute(sa.delete(rulings).where(rulings.c.address.in_(chunk)))
    for keys in chunks(person.keys):
        for table in (never_log, suggestions):
            connection.execute(sa.delete(table).where(table.c.match_key.in_(keys)))
    _forget_merges(connection, person)


def _forget_merges(connection: sa.Connection, person: Person) -> None:
    """What a merge kept for its undoing, where it is about the person: that merge cannot be undone any more.

    Where somebody only said of their address whose it is, that alone goes.
    """
    for row in connection.execute(sa.select(merges.c.id, merges.c.gone, merges.c.kept, merges.c.moved)).all():
        said = merging.told(row.gone, row.kept)
        left = merged_rows.without(row.moved, person.keys)
        if any(word in said for word in person.words):
            connection.execute(sa.delete(merges).where(merges.c.id == row.id))
        elif left != row.moved:
            connection.execute(sa.update(merges).where(merges.c.id == row.id).values(moved=left))
