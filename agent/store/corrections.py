"""What people do to the history by hand: take something out for good, or note a call."""

from datetime import datetime

import sqlalchemy as sa

from agent.store import feed, known, removals, replaced
from agent.store.contacts import Contact
from agent.store.database import Database
from agent.store.hashes import Hasher
from agent.store.tables import interactions, links, locations, texts


def remove(database: Database, connection: sa.Connection, hasher: Hasher, interaction_id: str, now: datetime) -> bool:
    """Takes an interaction out; its tombstone keeps later passes from logging the message again. False if unknown.

    Alone among those who record pages: one of them might be about to give it another place.
    """
    database.serialise(connection)
    if not known.all_logged(connection, [interaction_id]):
        return False
    key = removals.enter(database, connection, hasher, interaction_id, now)
    connection.execute(
        sa.update(locations)
        .where(locations.c.interaction_id == interaction_id)
        .values(
            outcome="skipped",
            reason="removed",
            interaction_id=None,
            size=None,
            server_time=None,
            text_digest=None,
            flagged=False,
            flag_due=None,
        )
    )
    connection.execute(sa.delete(interactions).where(interactions.c.id == interaction_id))
    if key is not None:
        replaced.forget_oddity(connection, key)
    gone = feed.Change(kind="interaction", event="removed", entity=interaction_id, body={})
    feed.append(database, connection, [gone])
    return True


def add(
    database: Database, connection: sa.Connection, *, id: str, kind: str, contact: Contact, text: str, now: datetime
) -> None:
    """Enters a call or a note with a contact. id: a fresh one."""
    connection.execute(
        sa.insert(interactions).values(
            id=id,
            message_key=None,
            variant=0,
            kind=kind,
            direction="outbound" if kind == "call" else "internal",
            occurred_at=now,
            date=None,
            from_address="",
            subject=None,
            message_id=None,
            thread_id=None,
            capture="full",
            rule="manual",
            attachments=[],
            flagged_as=[],
            asks=None,
            words=None,
            recorded_at=now,
        )
    )
    connection.execute(sa.insert(texts).values(interaction_id=id, text=text))
    connection.execute(
        sa.insert(links).values(
            interaction_id=id,
            contact_id=contact.id,
            role="to",
            email=contact.emails[0].address if contact.emails else "",
            rule="manual",
            confidence=1.0,
            evidence=["entered by hand"],
            origin="manual",
        )
    )
    body = {"direction": "outbound" if kind == "call" else "internal", "contacts": [contact.id]}
    feed.append(database, connection, [feed.Change(kind="interaction", event="logged", entity=id, body=body)])
