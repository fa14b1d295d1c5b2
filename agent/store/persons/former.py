"""Where a message lay before, when it is decided otherwise where it lies now.

A place that is gone keeps its interaction: mail that was deleted stays in the history. But mail that was moved, or
whose folder was renumbered, lies on in the same mailbox, and what is decided there counts: if somebody marks it
private, the place it left must not hold on to its text. Called by `agent.sync` in the transaction that records places
which came, went or moved on.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from agent.store import bulk
from agent.store.database import Database
from agent.store.mail import revise
from agent.store.mail.places import KEPT_NO_LONGER
from agent.store.tables import interactions, locations, removals

_UNDECIDED = ("logged", "pending", "quarantined")
"""Outcomes of a live place that take nothing back, or not yet."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Lain:
    """A place in one mailbox. gone: the message left it."""

    id: int
    interaction_id: str | None
    outcome: str
    reason: str | None
    gone: bool


def follow(database: Database, connection: sa.Connection, mailbox_id: int, keys: Collection[bytes]) -> None:
    """Takes former places along where all live ones of the mailbox are decided otherwise."""
    for key, places in _places(connection, mailbox_id, keys).items():
        live, former = overruled(places)
        if live is not None and _is_alone(connection, key):
            _take_along(connection, live, former)
            revise.drop_orphans(database, connection, {place.interaction_id for place in former}, "withdrawn")


def overruled(places: Sequence[Lain]) -> tuple[Lain | None, Sequence[Lain]]:
    """The live place that speaks for the message now, and those it left. Pure.

    None where a live place is logged or not decided yet, or where the message only came back as a draft.
    """
    former = [place for place in places if place.gone and place.interaction_id is not None]
    live = [place for place in places if not place.gone]
    if not former or any(place.outcome in _UNDECIDED for place in live):
        return None, former
    return next((place for place in live if place.reason != "draft"), None), former


def _places(connection: sa.Connection, mailbox_id: int, keys: Collection[bytes]) -> Mapping[bytes, list[Lain]]:
    columns = (locations.c[name] for name in ("id", "interaction_id", "outcome", "reason"))
    query = sa.select(locations.c.message_key, *columns, locations.c.gone_at.is_not(None).label("gone"))
    found: dict[bytes, list[Lain]] = defaultdict(list)
    for chunk in bulk.chunks(keys):
        here = query.where(locations.c.mailbox_id == mailbox_id, locations.c.message_key.in_(chunk))
        for row in connection.execute(here.order_by(locations.c.id)):
            values = dict(row._mapping)
            found[values.pop("message_key")].append(Lain(**values))
    return found


def _is_alone(connection: sa.Connection, key: bytes) -> bool:
    """Whether only one message has this key: of several nobody can say which one a place without a text is."""
    logged = sa.select(sa.func.count()).where(interactions.c.message_key == key)
    taken_out = sa.select(sa.func.count()).where(removals.c.message_key == key)
    return connection.execute(logged).scalar_one() + connection.execute(taken_out).scalar_one() == 1


def _take_along(connection: sa.Connection, live: Lain, former: Sequence[Lain]) -> None:
    theirs = sa.update(locations).where(locations.c.id.in_([place.id for place in former]))
    connection.execute(theirs.values({**KEPT_NO_LONGER, "outcome": live.outcome, "reason": live.reason}))
