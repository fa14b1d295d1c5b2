"""What is known of a page's messages before anything is decided: one read for the whole page."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from agent.store import bulk
from agent.store.mail import removals
from agent.store.mail.removals import Removal
from agent.store.prepared import VALUES, Prepared
from agent.store.tables import contact_emails, contacts, interactions, locations, rereads, rulings
from matchers.contact import Holder

_LOGGED = sa.select(interactions.c.message_key).where(
    interactions.c.message_key.in_(sa.bindparam("values", expanding=True))
)
_LISTED = Prepared(
    sa.select(
        locations.c.uid, locations.c.id, locations.c.outcome, locations.c.reason, locations.c.gone_at.is_not(None)
    ).where(
        locations.c.folder_id == sa.bindparam("folder"),
        locations.c.validity == sa.bindparam("validity"),
        locations.c.uid.in_(VALUES),
    )
)
"""Built once: every page asks these, and most find nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Listed:
    """A message that has a row in its folder. outcome: of a skip with its reason, as `skipped:bulk`.

    gone: it had left; where ids outlive a move, mail comes back under the old one.
    """

    id: int
    outcome: str
    gone: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownInteraction:
    """A logged message that shares a key with one of the page. date: its Date header's instant; capture: its level."""

    id: str
    message_key: bytes
    variant: int
    from_address: str
    date: datetime | None
    thread_id: str | None
    capture: str


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownPlace:
    """A place of a logged message. gone: it no longer lies there. owed: it was to be decided anew from there."""

    id: int
    mailbox_id: int
    folder_id: int
    validity: str
    uid: str
    message_key: bytes
    interaction_id: str
    size: int | None
    text_digest: bytes | None
    gone: bool
    owed: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """All by message key. rulings: of doubtful addresses. moved: from whom it was taken -> who has it."""

    interactions: Mapping[bytes, tuple[KnownInteraction, ...]] = field(default_factory=dict)
    places: Mapping[bytes, tuple[KnownPlace, ...]] = field(default_factory=dict)
    removed: Mapping[bytes, tuple[Removal, ...]] = field(default_factory=dict)
    rulings: Mapping[bytes, Mapping[str, Holder | None]] = field(default_factory=dict)
    moved: Mapping[bytes, Mapping[str, Holder]] = field(default_factory=dict)


def known_uids(connection: sa.Connection, folder_id: int, validity: str, uids: Collection[str]) -> dict[str, Listed]:
    """By uid, those of these that have a row."""
    rows = _LISTED.among(connection, uids, folder=folder_id, validity=validity)
    return {uid: Listed(id=id, outcome=told(outcome, reason), gone=gone) for uid, id, outcome, reason, gone in rows}


def told(outcome: object, reason: object) -> str:
    """An outcome as it is counted."""
    return f"skipped:{reason}" if outcome == "skipped" else str(outcome)


def known_keys(connection: sa.Connection, keys: Collection[bytes]) -> Known:
    """Interactions, places, removals and rulings under these message keys."""
    if not keys:
        return Known()
    logged = [key for (key,) in bulk.among(connection, _LOGGED, keys)]
    found = _interactions(connection, logged) if logged else {}
    said, moved = _rulings(connection, keys)
    return Known(
        interactions=found,
        places=_places(connection, found.keys()) if found else {},
        removed=removals.under(connection, keys),
        rulings=said,
        moved=moved,
    )


def all_logged(connection: sa.Connection, ids: Collection[str]) -> bool:
    """Whether each of these interactions is still there."""
    wanted = set(ids)
    there = (
        connection.execute(sa.select(sa.func.count()).where(interactions.c.id.in_(chunk))).scalar_one()
        for chunk in bulk.chunks(wanted)
    )
    return sum(there) == len(wanted)


def said_anew(connection: sa.Connection, before: Known, keys: Collection[bytes]) -> bool:
    """Whether people said something else of these messages since `before` was read: whom they mean, or whose they are.

    Ask it in the fenced transaction: who says something waits for commits under way first (`mailboxes.lock_all`).
    """
    return _rulings(connection, {*keys, *before.rulings, *before.moved}) != (before.rulings, before.moved)


def _interactions(connection: sa.Connection, keys: Collection[bytes]) -> dict[bytes, tuple[KnownInteraction, ...]]:
    columns = (interactions.c[name] for name in KnownInteraction.__dataclass_fields__)
    found: dict[bytes, tuple[KnownInteraction, ...]] = {}
    for row in connection.execute(
        sa.select(*columns).where(interactions.c.message_key.in_(keys)).order_by(interactions.c.variant)
    ):
        found[row.message_key] = (*found.get(row.message_key, ()), KnownInteraction(**row._mapping))
    return found


def _places(connection: sa.Connection, keys: Collection[bytes]) -> dict[bytes, tuple[KnownPlace, ...]]:
    names = [name for name in KnownPlace.__dataclass_fields__ if name not in ("gone", "owed")]
    rows = connection.execute(
        sa.select(*(locations.c[name] for name in names), locations.c.gone_at.is_not(None).label("gone"))
        .add_columns(rereads.c.location_id.is_not(None).label("owed"))
        .outerjoin(rereads, rereads.c.location_id == locations.c.id)
        .where(locations.c.message_key.in_(keys), locations.c.interaction_id.is_not(None))
        .order_by(locations.c.id)
    )
    found: dict[bytes, tuple[KnownPlace, ...]] = {}
    for row in rows:
        found[row.message_key] = (*found.get(row.message_key, ()), KnownPlace(**row._mapping))
    return found


def _rulings(
    connection: sa.Connection, keys: Collection[bytes]
) -> tuple[dict[bytes, dict[str, Holder | None]], dict[bytes, dict[str, Holder]]]:
    """Per message: whom people chose for a doubtful address (None: nobody), and to whom they moved it from whom."""
    if connection.execute(sa.select(rulings.c.message_key).limit(1)).first() is None:
        return {}, {}
    primary = sa.select(contact_emails).where(contact_emails.c.is_primary).subquery()
    rows = connection.execute(
        sa.select(rulings, contacts.c.name, contacts.c.company_id, primary.c.address.label("email"))
        .outerjoin(contacts, contacts.c.id == rulings.c.contact_id)
        .outerjoin(primary, primary.c.contact_id == rulings.c.contact_id)
        .where(rulings.c.message_key.in_(keys))
    )
    said: dict[bytes, dict[str, Holder | None]] = {}
    moved: dict[bytes, dict[str, Holder]] = {}
    for row in rows:
        holder = row.contact_id and Holder(
            contact_id=row.contact_id, name=row.name, email=row.email or "", company_id=row.company_id
        )
        if row.instead_of:
            moved.setdefault(row.message_key, {})[row.instead_of] = holder
        else:
            said.setdefault(row.message_key, {})[row.address] = holder
    return said, moved
