"""What goes with time: interactions after `retention_days`, hashes of skipped mail after `explain_days`.

Called by `agent.upkeep`. Each small step is one transaction that may be the last: the next goes on from what it finds.
Places stay and are counted: what a place stood for goes, not that there was one.
"""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from agent.store import feed
from agent.store.database import Database
from agent.store.mail.places import KEPT_NO_LONGER
from agent.store.tables import (
    calendar_items,
    interactions,
    locations,
    message_refs,
    reminders,
    reviews,
    signals,
    suggestions,
)

INTERACTIONS = 500
"""Interactions of one step: a transaction of some hundredths of a second."""
PLACES = 5000
"""Places looked through in one step."""

TOO_OLD = "before-start"
"""The reason of a place whose message is older than anything is kept."""

_OVER = ("done", "dismissed", "not-needed")


def drop_old(database: Database, before: datetime, now: datetime) -> int:
    """Interactions that are older, their texts and links. How many went; fewer than a step: none is left.

    Older: they happened before, and no mailbox received them since: an old mail that was handed in is as old as that.
    """
    received = sa.select(locations.c.id).where(
        locations.c.interaction_id == interactions.c.id, locations.c.server_time >= before
    )
    with database.write() as connection:
        database.serialise(connection)  # nobody may be about to give one of them another place
        ids = connection.execute(
            sa.select(interactions.c.id)
            .where(interactions.c.occurred_at < before, ~received.exists())
            .order_by(interactions.c.occurred_at, interactions.c.id)
            .limit(INTERACTIONS)
        )
        gone = ids.scalars().all()
        if gone:
            _take_out(connection, gone, now)
            changes = [feed.Change(kind="interaction", event="expired", entity=one, body={}) for one in gone]
            feed.append(database, connection, changes)
    return len(gone)


def _take_out(connection: sa.Connection, gone: Sequence[str], now: datetime) -> None:
    places = sa.update(locations).where(locations.c.interaction_id.in_(gone))
    connection.execute(places.values(reason=TOO_OLD, decided_at=now, **KEPT_NO_LONGER))
    connection.execute(sa.delete(interactions).where(interactions.c.id.in_(gone)))


def drop_waiting(database: Database, before: datetime, now: datetime) -> None:
    """Questions, signals, suggestions, and reminders that are over, all older. Refusals stay: they are rules."""
    with database.write() as connection:
        old = sa.select(reviews.c.message_key).where(reviews.c.created_at < before, reviews.c.interaction_id.is_(None))
        connection.execute(
            sa.update(locations)
            .where(locations.c.message_key.in_(old), locations.c.outcome == "review", locations.c.decided_at < before)
            .values(reason=TOO_OLD, decided_at=now, **KEPT_NO_LONGER)
        )
        connection.execute(sa.delete(reviews).where(reviews.c.created_at < before))
        connection.execute(sa.delete(signals).where(signals.c.occurred_at < before))
        connection.execute(sa.delete(suggestions).where(suggestions.c.made_at < before, ~suggestions.c.refused))
        stands = sa.select(calendar_items.c.uid).where(calendar_items.c.reminder_id == reminders.c.id)
        over = (reminders.c.state.in_(_OVER), reminders.c.changed_at < before, ~stands.exists())
        connection.execute(sa.delete(reminders).where(*over))


def forget_hashes(database: Database, before: datetime, after: int) -> int | None:
    """Hashes of mail that was skipped before then, of the next places behind number `after`.

    The number of the last place looked at, None at the end.
    """
    with database.write() as connection:
        ids = connection.execute(
            sa.select(locations.c.id).where(locations.c.id > after).order_by(locations.c.id).limit(PLACES)
        )
        looked_at = ids.scalars().all()
        if not looked_at:
            return None
        these = (locations.c.id > after, locations.c.id <= looked_at[-1])
        old = (locations.c.outcome == "skipped", locations.c.decided_at < before, locations.c.message_key.is_not(None))
        keys = connection.execute(sa.select(locations.c.message_key).where(*these, *old).distinct()).scalars().all()
        if keys:
            connection.execute(sa.update(locations).where(*these, *old).values(message_key=None))
            _forget_refs(connection, keys)
    return int(looked_at[-1])


def _forget_refs(connection: sa.Connection, keys: Sequence[bytes]) -> None:
    """What skipped mail refers to, where no other place of it still needs that."""
    held = sa.select(locations.c.id).where(locations.c.message_key == message_refs.c.message_key)
    connection.execute(sa.delete(message_refs).where(message_refs.c.message_key.in_(keys), ~held.exists()))
