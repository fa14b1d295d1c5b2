"""What a salesperson typed into a reminder, as a note or call in the history of its contact."""

from datetime import datetime

import sqlalchemy as sa

from agent.reminders.cycle import Standing
from agent.store.database import Database
from agent.store.directory import contacts
from agent.store.hashes import Hasher
from agent.store.mail import corrections
from agent.store.tables import texts

_CALL = ("call", "phone", "spoke", "rang", "anruf", "telefon", "appel", "llamad", "chiamat")
"""How a note of a call begins."""


def record(
    database: Database, connection: sa.Connection, hasher: Hasher, one: Standing, text: str, now: datetime
) -> str | None:
    """Writes the note, or its newer text where it grew; one a reminder. None where no contact belongs to it."""
    contact = contacts.show(connection, one.contact_id) if one.contact_id is not None else None
    if contact is None:
        return None
    id = hasher.hash("note", one.id).hex()
    rewritten = connection.execute(sa.update(texts).where(texts.c.interaction_id == id).values(text=text)).rowcount
    if not rewritten:
        corrections.add(database, connection, id=id, kind=kind_of(text), contact=contact, text=text, now=now)
    return id


def kind_of(text: str) -> str:
    """`call` if the note says so at its beginning."""
    return "call" if text.strip().casefold().startswith(_CALL) else "note"
