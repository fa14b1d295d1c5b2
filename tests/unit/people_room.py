"""What tests about people's rights begin with: mail that was kept, and a search for what is left of somebody."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa

from agent.store.database import Database
from agent.store.hashes import Hasher
from agent.store.tables import interactions, links, locations, metadata, participants, texts
from matchers.address import normalise
from tests.unit.store_room import NOW, add_place


def add_mail(
    database: Database,
    hasher: Hasher,
    mailbox_id: int,
    name: str,
    people: Mapping[str, str],
    linked: Mapping[str, str],
    *,
    at: datetime = NOW,
    text: str = "",
    origin: str = "automatic",
) -> str:
    """A kept message. people: address -> role. linked: contact id -> its address there. Returns its id."""
    key = hasher.of_id(name)
    row = {
        "id": name,
        "message_key": key,
        "kind": "email",
        "direction": "inbound",
        "occurred_at": at,
        "from_address": next((normalise(a).normalised for a, role in people.items() if role == "from"), ""),
        "subject": f"about {name}",
        "message_id": f"{name}@mail.example",
        "thread_id": f"t-{name}",
        "capture": "full",
        "rule": "address",
        "attachments": [{"name": f"{name}.pdf", "type": "application/pdf", "size": 1}],
        "flagged_as": [],
        "recorded_at": at,
    }
    place = add_place(database, mailbox_id, name, "logged")
    with database.write() as connection:
        connection.execute(sa.insert(interactions).values(row))
        connection.execute(sa.insert(texts).values(interaction_id=name, text=text or f"text of {name}"))
        connection.execute(
            sa.update(locations).where(locations.c.id == place).values(interaction_id=name, message_key=key)
        )
        for number, (address, role) in enumerate(people.items()):
            seat = {"interaction_id": name, "role": role, "address": address, "name": "", "position": number}
            seat["occurred_at"] = at
            connection.execute(sa.insert(participants).values(**seat, match_key=normalise(address).match_key))
        for contact, address in linked.items():
            link = {"interaction_id": name, "contact_id": contact, "role": people.get(address, "to"), "email": address}
            fact = {"rule": "address", "confidence": 1.0, "evidence": [f"it names {address}"], "origin": origin}
            connection.execute(sa.insert(links).values(**link, **fact, occurred_at=at))
    return name


def everything(database: Database) -> str:
    """Whatever any row of any table says, folded."""
    with database.read() as connection:
        rows = [tuple(row) for table in metadata.sorted_tables for row in connection.execute(sa.select(table))]
    return repr(rows).casefold()


def links_of(database: Database, contact_id: str) -> list[tuple[str, str, str]]:
    """(interaction, address, origin) of a contact's links, sorted."""
    with database.read() as connection:
        wanted = sa.select(links.c.interaction_id, links.c.email, links.c.origin).where(
            links.c.contact_id == contact_id
        )
        return sorted(tuple(row) for row in connection.execute(wanted))  # three texts


def ids(database: Database) -> Sequence[str]:
    """Every kept interaction, sorted."""
    with database.read() as connection:
        return connection.execute(sa.select(interactions.c.id).order_by(interactions.c.id)).scalars().all()
