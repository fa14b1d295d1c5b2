"""What a salesperson typed into a reminder, as a note or call in the history of its contact."""

from datetime import datetime

import sqlalchemy as sa

from agent.reminders.cycle import Standing
from agent.store import feed
from agent.store.database import Database
from agent.store.hashes import Hasher
from agent.store.tables import contact_emails, interactions, links, texts

RULE = "reminder-note"
_CALL = ("call", "phone", "spoke", "rang", "anruf", "telefon", "appel", "llamad", "chiamat")
"""How a note of a call begins."""


def record(
    database: Database, connection: sa.Connection, hasher: Hasher, one: Standing, text: str, now: datetime
) -> str | None:
    """Writes the note, or its newer text where it grew; one a reminder. None where no contact belongs to it."""
    if one.contact_id is None:
        return None
    id = hasher.hash("note", one.id).hex()
    known = connection.execute(sa.select(interactions.c.id).where(interactions.c.id == id)).first()
    if known is None:
        _insert(connection, id, one.contact_id, text, now)
    connection.execute(sa.delete(texts).where(texts.c.interaction_id == id))
    connection.execute(sa.insert(texts).values(interaction_id=id, text=text))
    body = {"id": id, "kind": kind_of(text), "contact": one.contact_id, "occurred_at": now.isoformat()}
    event = "logged" if known is None else "updated"
    feed.append(database, connection, [feed.Change(kind="interaction", event=event, entity=id, body=body)])
    return id


def kind_of(text: str) -> str:
    """`call` if the note says so at its beginning."""
    return "call" if text.strip().casefold().startswith(_CALL) else "note"


def _insert(connection: sa.Connection, id: str, contact_id: str, text: str, now: datetime) -> None:
    connection.execute(
        sa.insert(interactions).values(
            id=id,
            variant=0,
            kind=kind_of(text),
            direction="outbound",
            occurred_at=now,
            from_address="",
            capture="full",
            rule=RULE,
            attachments=[],
            flagged_as=[],
            recorded_at=now,
        )
    )
    address = connection.execute(
        sa.select(contact_emails.c.address)
        .where(contact_emails.c.contact_id == contact_id)
        .order_by(contact_emails.c.is_primary.desc(), contact_emails.c.match_key)
        .limit(1)
    ).scalar_one_or_none()
    connection.execute(
        sa.insert(links).values(
            interaction_id=id,
            contact_id=contact_id,
            role="attendee",
            email=address or "",
            rule=RULE,
            confidence=1.0,
            evidence=["typed into the reminder"],
            origin="manual",
        )
    )
