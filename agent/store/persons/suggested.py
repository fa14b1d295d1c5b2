"""Suggestions: people we write to who are no contacts, and addresses that may be another one of a contact's.

Kept only where the admin allows it, until somebody accepts or refuses them. What was refused leaves its key alone, so
that it is not suggested again. Nothing is matched by a suggestion.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from agent.store.bulk import chunks
from agent.store.database import Database
from agent.store.directory.contacts import Contact, load
from agent.store.hashes import Hasher
from agent.store.mail import tombstones
from agent.store.tables import contacts, suggestions
from matchers.address import normalise

NOBODY = ""
"""Whose address it is where no contact is suggested."""

_WHY = {
    "thread": "it took part in a conversation with the contact",
    "name": "it bears the contact's full name at the company's domain",
    NOBODY: "you wrote to it",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Suggested:
    """One address. name: as a mail showed it, '' if none did. contact_id: whose it may be; rule: for what reason."""

    match_key: str
    address: str
    name: str
    contact_id: str = NOBODY
    rule: str = ""


def note(
    database: Database, connection: sa.Connection, hasher: Hasher, found: Sequence[Suggested], now: datetime
) -> None:
    """Adds those that are not there yet; nobody who was erased meanwhile: an erasure under way is waited for."""
    database.serialise(connection)
    erased = tombstones.erased_keys(connection, hasher, {one.match_key for one in found})
    rows = [row_of(one, now) for one in found if one.match_key not in erased]
    database.insert_new(connection, suggestions, rows)


def row_of(one: Suggested, now: datetime) -> dict[str, object]:
    """The columns of a suggestion that nobody has answered."""
    return {
        "match_key": one.match_key,
        "contact_id": one.contact_id,
        "address": one.address,
        "name": one.name,
        "rule": one.rule,
        "refused": False,
        "made_at": now,
    }


def listed(connection: sa.Connection) -> Iterator[dict[str, object]]:
    """All that wait for an answer, the latest first."""
    query = _open().order_by(suggestions.c.made_at.desc(), suggestions.c.match_key, suggestions.c.contact_id)
    rows = connection.execute(query).all()
    known = load(connection, {row.contact_id for row in rows} - {NOBODY})
    for row in rows:
        meant = known.get(row.contact_id)
        yield {
            "address": row.address,
            "name": row.name or None,
            "contact": _told(meant) if meant is not None else None,
            "why": _WHY.get(row.rule, row.rule),
            "made_at": row.made_at,
        }


def about(connection: sa.Connection, address: str) -> Sequence[Suggested]:
    """What is suggested about an address."""
    query = _open().where(suggestions.c.match_key == normalise(address).match_key).order_by(suggestions.c.contact_id)
    return [
        Suggested(match_key=row.match_key, address=row.address, name=row.name, contact_id=row.contact_id, rule=row.rule)
        for row in connection.execute(query)
    ]


def refuse(connection: sa.Connection, address: str) -> bool:
    """Whether something was suggested about it. It is not again, and nothing but its key stays."""
    here = sa.and_(suggestions.c.match_key == normalise(address).match_key, ~suggestions.c.refused)
    change = sa.update(suggestions).where(here).values(refused=True, address="", name="")
    return connection.execute(change).rowcount > 0


def forget_contact(connection: sa.Connection, contact_id: str) -> None:
    """Nothing is suggested of a contact who is no more."""
    connection.execute(sa.delete(suggestions).where(suggestions.c.contact_id == contact_id))


Followed = tuple[str, bool, bool | None]
"""(match key, whether it was refused as the one's, whether as the other's, None where nothing was said of that)."""


def follow(connection: sa.Connection, gone: str, kept: str) -> list[Followed]:
    """What was suggested, or refused, of one contact is so of the one that it became a part of. Returns what was."""
    theirs, ours = _refused_by_key(connection, gone), _refused_by_key(connection, kept)
    for chunk in chunks(sorted(theirs.keys() & ours.keys())):
        connection.execute(sa.delete(suggestions).where(_of(gone), suggestions.c.match_key.in_(chunk)))
    for chunk in chunks([key for key in sorted(theirs) if theirs[key] and ours.get(key) is False]):
        query = sa.update(suggestions).where(_of(kept), suggestions.c.match_key.in_(chunk))
        connection.execute(query.values(refused=True, address="", name=""))
    connection.execute(sa.update(suggestions).where(_of(gone)).values(contact_id=kept))
    return [(key, theirs[key], ours.get(key)) for key in sorted(theirs)]


def part(connection: sa.Connection, followed: Sequence[Followed], kept: str, gone: str, now: datetime) -> None:
    """Undoes `follow` where the contacts are two again and the answer is still there.

    One that waited for both waits for `kept` alone: the next mail of that kind suggests it once more.
    """
    stand = _refused_by_key(connection, kept)
    for key, theirs, ours in followed:
        of_key = (_of(kept), suggestions.c.match_key == key)
        if key in stand and ours is None:
            connection.execute(sa.update(suggestions).where(*of_key).values(contact_id=gone))
        elif key in stand and theirs:
            refusal = row_of(Suggested(match_key=key, address="", name="", contact_id=gone), now)
            connection.execute(sa.insert(suggestions).values({**refusal, "refused": True}))
            if not ours:  # what was suggested went with the refusal
                connection.execute(sa.delete(suggestions).where(*of_key))


def _refused_by_key(connection: sa.Connection, contact_id: str) -> dict[str, bool]:
    query = sa.select(suggestions.c.match_key, suggestions.c.refused).where(_of(contact_id))
    return {row.match_key: row.refused for row in connection.execute(query)}


def _of(contact_id: str) -> sa.ColumnElement[bool]:
    return suggestions.c.contact_id == contact_id


def _open() -> "sa.Select[tuple[object, ...]]":
    """Without what was refused, and what is of a contact who is not there."""
    there = sa.or_(
        suggestions.c.contact_id == NOBODY,
        sa.select(contacts.c.id).where(contacts.c.id == suggestions.c.contact_id).exists(),
    )
    return sa.select(suggestions).where(~suggestions.c.refused, there)


def _told(contact: Contact) -> dict[str, object]:
    address = contact.emails[0].address if contact.emails else None
    return {"id": contact.id, "name": contact.name, "email": address}
