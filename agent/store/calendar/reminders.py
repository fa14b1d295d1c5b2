"""Reminders as rows: what stands, what a cycle changes, and what a person does to one.

Called by `agent.tending.tend` inside a transaction under the mailbox's lease, and by the command line without one.
Every change of a reminder is a row of the change feed.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from agent.reminders.cycle import (
    ACTIVE,
    BUNDLE,
    IN_CALENDAR,
    NOT_NEEDED,
    PENDING,
    SNOOZED,
    SUGGESTED,
    Action,
    Place,
    Standing,
    Suggest,
    Withdraw,
)
from agent.reminders.rules.base import Wanted
from agent.store import feed
from agent.store.bulk import among, chunks, values_of
from agent.store.calendar import listing
from agent.store.calendar.listing import wall_time
from agent.store.database import Database
from agent.store.prepared import VALUES, Prepared
from agent.store.tables import calendar_items, changes, contacts, interactions, reminders


@dataclass(frozen=True, kw_only=True, slots=True)
class Stood:
    """What a mailbox's reminders were, by id. position: the feed told nothing of them up to there that is not in it."""

    position: int
    reminders: Mapping[str, Standing]


def standing(
    connection: sa.Connection, mailbox_id: int, named: Collection[str] | None = None, before: Stood | None = None
) -> list[Standing]:
    """The reminders of a mailbox, the finished ones too: what was dismissed must not come back.

    named: of those that are over, only these, and bundles: a mailbox finishes a thousand a year. before: how they stood
    once, where no contact was merged or erased since; only what changed is read then, whoever changed it.
    """
    if named is None:
        return list(_by_id(_ALL.rows(connection, mailbox=mailbox_id)).values())
    if before is None:
        known = _by_id(_OPEN.rows(connection, mailbox=mailbox_id))
    else:
        known = {id: one for id, one in before.reminders.items() if one.rule != BUNDLE}
        known |= _by_id(_LATE.rows(connection, mailbox=mailbox_id, position=before.position))
    known |= _by_id(_AMONG.among(connection, sorted({*named} - known.keys()), mailbox=mailbox_id))
    return [known[id] for id in sorted(known)]


def _by_id(rows: Iterable[tuple[Any, ...]]) -> dict[str, Standing]:
    return {row[0]: _standing(*row) for row in sorted(rows)}


def reasons_gone(connection: sa.Connection, wanted: Iterable[Wanted]) -> frozenset[str | None]:
    """Ids of interactions and contacts that these reminders are about and that are no longer there."""
    found: set[str] = set()
    asked = [(one.interaction_id, one.contact_id) for one in wanted]
    for table, ids in zip((interactions, contacts), zip(*asked, strict=True), strict=bool(asked)):
        named = {one for one in ids if one is not None}
        found |= named - {one for (one,) in among(connection, values_of(table.c.id), named)}
    return frozenset(found)


def apply(
    database: Database,
    connection: sa.Connection,
    mailbox_id: int,
    zone: str,
    actions: Sequence[Action],
    before: Sequence[Standing],
    now: datetime,
) -> None:
    """Carries out what a cycle decided about what stood before. New ones are pending until their item is confirmed."""
    withdrawn = [action.id for action in actions if isinstance(action, Withdraw)]
    placed = [action for action in actions if not isinstance(action, Withdraw)]
    known = {one.id: one.state for one in before}
    fresh = [_row(mailbox_id, zone, action, now) for action in placed if action.id not in known]
    database.insert_new(connection, reminders, fresh)
    _WITHDRAWN.change_among(connection, withdrawn, now=now)
    changed = [action for action in placed if action.id in known]
    _set_each(connection, [{"of": one.id, **_again(zone, one, known[one.id])} for one in changed], now)
    told = [(action.id, "updated" if action.id in known else "added") for action in placed]
    publish_changes(database, connection, [*((one, "withdrawn") for one in withdrawn), *told])


def set_state(database: Database, connection: sa.Connection, ids: Collection[str], state: str, now: datetime) -> None:
    """Closes or reopens reminders; a bundle's members go with it."""
    everybody = sorted({*ids, *_members(connection, ids)})
    _set_all(connection, everybody, {"state": state}, now)
    publish_changes(database, connection, [(one, state) for one in everybody])


def move(database: Database, connection: sa.Connection, id: str, due: datetime, state: str, now: datetime) -> None:
    """Lets a reminder, and what is bundled in it, stand at another wall time of its zone."""
    everybody = sorted({id, *_members(connection, [id])})
    _set_all(connection, everybody, {"due": due.isoformat(), "state": state}, now)
    publish_changes(database, connection, [(one, state) for one in everybody])


def snooze(database: Database, connection: sa.Connection, id: str, due: datetime, now: datetime) -> None:
    """Lets one reminder stand at a time its owner chose, with an item of its own."""
    _set_all(connection, [id], {"bundle_id": None}, now)
    move(database, connection, id, due, SNOOZED, now)


def confirm(database: Database, connection: sa.Connection, id: str, now: datetime) -> None:
    """Its item stands in the calendar: what was pending, members of a bundle too, is in the calendar."""
    waiting = connection.execute(
        sa.select(reminders.c.id).where(
            sa.or_(reminders.c.id == id, reminders.c.bundle_id == id), reminders.c.state == PENDING
        )
    )
    ids = sorted(waiting.scalars())
    _set_all(connection, ids, {"state": IN_CALENDAR}, now)
    publish_changes(database, connection, [(one, IN_CALENDAR) for one in ids])


def confirm_bundled(database: Database, connection: sa.Connection, mailbox_id: int, place: str, now: datetime) -> None:
    """Who joined a bundle whose item says so already, because somebody of the same title left it, stands there too."""
    written = sa.select(calendar_items.c.reminder_id).where(
        calendar_items.c.mailbox_id == mailbox_id,
        calendar_items.c.place == place,
        calendar_items.c.intent.is_(None),
    )
    waiting = sa.select(reminders.c.bundle_id).where(
        reminders.c.mailbox_id == mailbox_id, reminders.c.state == PENDING, reminders.c.bundle_id.in_(written)
    )
    for bundle in sorted(connection.execute(waiting.distinct()).scalars()):
        confirm(database, connection, bundle, now)


def insert(
    database: Database,
    connection: sa.Connection,
    mailbox_id: int,
    one: Standing,
    now: datetime,
    *,
    interaction_id: str | None = None,
    thread_id: str | None = None,
) -> None:
    """A reminder that no rule made: one added by hand, or adopted from the calendar."""
    connection.execute(
        sa.insert(reminders).values(
            id=one.id,
            mailbox_id=mailbox_id,
            rule=one.rule,
            contact_id=one.contact_id,
            interaction_id=interaction_id,
            thread_id=thread_id,
            reason=one.reason,
            title=one.title,
            why=one.why,
            about=one.about,
            planned=one.planned.isoformat(),
            due=one.due.isoformat(),
            timezone=one.zone,
            state=one.state,
            created_at=now,
            changed_at=now,
        )
    )
    publish_changes(database, connection, [(one.id, "added")])


def publish_changes(
    database: Database,
    connection: sa.Connection,
    changed: Sequence[tuple[str, str]],
    earlier_ids: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Tells the feed. changed: (reminder id, what happened). earlier_ids: by which others knew it until now.

    Bundles are our own affair.
    """
    if not changed:
        return
    told = {one.id: one.told() for one in listing.among(connection, [one for one, _ in changed])}
    told |= {one: {**told[one], "was": earlier} for one, earlier in earlier_ids.items() if one in told}
    batch = [
        feed.Change(kind="reminder", event=event, entity=one, body=told[one]) for one, event in changed if one in told
    ]
    feed.append(database, connection, batch)


def _row(mailbox_id: int, zone: str, action: Place | Suggest, now: datetime) -> dict[str, object]:
    fixed = {"id": action.id, "mailbox_id": mailbox_id, "created_at": now, "changed_at": now}
    return {**fixed, "state": _first_state(action), **_values(zone, action)}


def _first_state(action: Place | Suggest) -> str:
    return PENDING if isinstance(action, Place) else SUGGESTED


def _values(zone: str, action: Place | Suggest) -> dict[str, object]:
    wanted = action.wanted
    return {
        "rule": wanted.rule,
        "contact_id": wanted.contact_id,
        "thread_id": wanted.thread_id,
        "interaction_id": wanted.interaction_id,
        "reason": wanted.reason,
        "title": wanted.title,
        "why": wanted.why,
        "about": wanted.about,
        "planned": wanted.due.isoformat(),
        "due": action.due.isoformat(),
        "timezone": zone,
        "bundle_id": action.bundle_id if isinstance(action, Place) else None,
    }


def _set_all(connection: sa.Connection, ids: Collection[str], values: Mapping[str, object], now: datetime) -> None:
    for chunk in chunks(ids):
        connection.execute(sa.update(reminders).where(reminders.c.id.in_(chunk)).values(**values, changed_at=now))


def _set_each(connection: sa.Connection, rows: Sequence[Mapping[str, object]], now: datetime) -> None:
    """of: the reminder. All rows name the same columns."""
    if rows:
        query = sa.update(reminders).where(reminders.c.id == sa.bindparam("of"))
        connection.execute(query, [{**row, "changed_at": now} for row in rows])


def _again(zone: str, action: Place | Suggest, state: str) -> dict[str, object]:
    """The columns of one that was there before."""
    return {**_values(zone, action), "state": state if state in ACTIVE else _first_state(action)}


def _members(connection: sa.Connection, ids: Collection[str]) -> list[str]:
    query = sa.select(reminders.c.id).where(
        reminders.c.bundle_id.in_(sorted(ids)), reminders.c.state.in_(sorted(ACTIVE))
    )
    return list(connection.execute(query).scalars())


def as_standing(row: sa.Row[Any]) -> Standing:
    """The value of a row of all columns."""
    return _standing(*(getattr(row, name) for name in _COLUMNS))


def _standing(
    id: str, rule: str, state: str, planned: str, due: str, zone: str, title: str, why: str, about: str | None,
    reason: str, contact_id: str | None, bundle_id: str | None,
) -> Standing:  # fmt: skip
    """Of `_COLUMNS`."""
    return Standing(
        id=id,
        rule=rule,
        state=state,
        planned=wall_time(planned),
        due=wall_time(due),
        zone=zone,
        title=title,
        why=why,
        about=about,
        reason=reason,
        contact_id=contact_id,
        bundle_id=bundle_id,
    )


_COLUMNS = (
    *("id", "rule", "state", "planned", "due", "timezone"),
    *("title", "why", "about", "reason", "contact_id", "bundle_id"),
)
_OF_MAILBOX = sa.select(*(reminders.c[name] for name in _COLUMNS)).where(
    reminders.c.mailbox_id == sa.bindparam("mailbox")
)
_ALL = Prepared(_OF_MAILBOX)
_OPEN = Prepared(
    _OF_MAILBOX.where(
        sa.or_(*(reminders.c.state == state for state in [*sorted(ACTIVE), SUGGESTED]), reminders.c.rule == BUNDLE)
    )
)
_WITHDRAWN = Prepared(
    sa.update(reminders)
    .where(reminders.c.id.in_(VALUES))
    .values(state=NOT_NEEDED, bundle_id=sa.null(), changed_at=sa.bindparam("now"))
)
_LATE = Prepared(
    _OF_MAILBOX.where(
        sa.or_(
            reminders.c.rule == BUNDLE,
            reminders.c.id.in_(
                sa.select(changes.c.entity).where(
                    changes.c.kind == "reminder", changes.c.seq > sa.bindparam("position", type_=sa.BigInteger)
                )
            ),
        )
    )
)
"""The feed tells of all but bundles."""
_AMONG = Prepared(_OF_MAILBOX.where(reminders.c.id.in_(VALUES)))
