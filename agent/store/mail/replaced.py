"""Drafts that a program saves among sent mail without saying so: each save takes the place of the one before.

What tells them from two messages that share an id: they are our own, the earlier one lies nowhere any more, and the
later one came after it into the same folder. Then there was only ever one message. Called by `agent.sync` in the
transaction that records places which came or went.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from agent.store.bulk import chunks
from agent.store.database import Database
from agent.store.mail import revise
from agent.store.tables import interactions, locations

ODDITIES = ("shared-message-id", "same-header")
"""What is said of messages that share a key, for as long as there are several."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Saved:
    """An interaction in one folder. last: its last place here by row number; here, anywhere: whether it still lies."""

    id: str
    thread_id: str | None
    from_address: str
    last: int
    here: bool
    anywhere: bool


def drop_replaced(
    database: Database,
    connection: sa.Connection,
    folder_id: int,
    keys: Collection[bytes],
    is_ours: Callable[[str], bool],
) -> None:
    """Withdraws our own messages under these keys that a later save in the folder took the place of."""
    for chunk in chunks(keys):
        for key, saves in _saves(connection, folder_id, chunk).items():
            gone = {one.id: one.thread_id for one in superseded(saves) if is_ours(one.from_address)}
            if gone:
                revise.withdraw(database, connection, gone, "withdrawn")
                forget_oddity(connection, key)


def superseded(saves: Sequence[Saved]) -> list[Saved]:
    """Those that lie nowhere any more, where a later one from the same sender lies here. Pure."""
    return [
        one
        for one in saves
        if not one.anywhere
        and any(other.here and other.last > one.last and other.from_address == one.from_address for other in saves)
    ]


def keys_at(connection: sa.Connection, folder_id: int, validity: str, uids: Collection[str]) -> set[bytes]:
    """The message keys of what was logged under these ids."""
    found: set[bytes] = set()
    for chunk in chunks(uids):
        rows = connection.execute(
            sa.select(locations.c.message_key).where(
                locations.c.folder_id == folder_id,
                locations.c.validity == validity,
                locations.c.uid.in_(chunk),
                locations.c.interaction_id.is_not(None),
            )
        )
        found.update(rows.scalars())
    return found


def _saves(connection: sa.Connection, folder_id: int, keys: Sequence[bytes]) -> Mapping[bytes, list[Saved]]:
    """By key, the interactions that have or had a place in the folder, where there are several."""
    here = locations.c.folder_id == folder_id
    lies = locations.c.gone_at.is_(None)
    rows = connection.execute(
        sa.select(
            interactions.c.message_key,
            interactions.c.id,
            interactions.c.thread_id,
            interactions.c.from_address,
            sa.func.max(sa.case((here, locations.c.id))).label("last"),
            sa.func.max(sa.case((sa.and_(here, lies), 1), else_=0)).label("here"),
            sa.func.max(sa.case((lies, 1), else_=0)).label("anywhere"),
        )
        .join(locations, locations.c.interaction_id == interactions.c.id)
        .where(interactions.c.message_key.in_(keys))
        .group_by(interactions.c.message_key, interactions.c.id, interactions.c.thread_id, interactions.c.from_address)
    )
    found: dict[bytes, list[Saved]] = {}
    for row in rows:
        if row.last is not None:
            found.setdefault(row.message_key, []).append(
                Saved(
                    id=row.id,
                    thread_id=row.thread_id,
                    from_address=row.from_address,
                    last=row.last,
                    here=bool(row.here),
                    anywhere=bool(row.anywhere),
                )
            )
    return {key: saves for key, saves in found.items() if len(saves) > 1}


def tell_shared(connection: sa.Connection, keys: Collection[bytes]) -> None:
    """Says of every message under these keys that it shares its key, whichever of them was read first."""
    for chunk in chunks(keys):
        rows = connection.execute(
            sa.select(
                interactions.c.id, interactions.c.message_key, interactions.c.message_id, interactions.c.flagged_as
            ).where(interactions.c.message_key.in_(chunk))
        ).all()
        sharing = Counter(row.message_key for row in rows)
        for row in rows:
            if sharing[row.message_key] > 1 and not set(ODDITIES) & set(row.flagged_as):
                flagged = [*row.flagged_as, ODDITIES[0] if row.message_id else ODDITIES[1]]
                connection.execute(
                    sa.update(interactions).where(interactions.c.id == row.id).values(flagged_as=flagged)
                )


def forget_oddity(connection: sa.Connection, key: bytes) -> None:
    """A message that is alone under its key again shares it with nobody."""
    left = connection.execute(
        sa.select(interactions.c.id, interactions.c.flagged_as).where(interactions.c.message_key == key)
    ).all()
    if len(left) == 1:
        flagged = [one for one in left[0].flagged_as if one not in ODDITIES]
        connection.execute(sa.update(interactions).where(interactions.c.id == left[0].id).values(flagged_as=flagged))
