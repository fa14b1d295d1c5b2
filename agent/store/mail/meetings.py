"""Meetings with contacts as rows: one interaction a meeting, however many of our calendars hold it.

Called by `agent.sync.meetings` under the mailbox's lease. The calendar of whoever stands first (its organiser, else
the first of ours who was invited) says when it is and whether it takes place; the others only take part.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from agent.store import feed
from agent.store.database import Database, Row
from agent.store.directory import lookup as directory
from agent.store.mail import dating, revise
from agent.store.schedule import absences
from agent.store.schedule.absences import Absence
from agent.store.tables import absences as absence_rows
from agent.store.tables import (
    company_links,
    interactions,
    links,
    meeting_cursors,
    meeting_places,
    participants,
    removals,
)
from connectors.event import CalendarCursor

_CHANGING = ("occurred_at", "ends_at", "subject", "flagged_as")


@dataclass(frozen=True, kw_only=True, slots=True)
class MeetingRows:
    """A meeting that is kept. interaction: its columns. rank: this mailbox's among those invited; 0 organises."""

    href: str
    rank: int
    interaction: dict[str, object]
    participants: Sequence[dating.Undated] = ()
    links: Sequence[dating.Undated] = ()
    company_links: Sequence[Row] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What one reading of a calendar found. read: hrefs read; what is not in `rows` of them is no meeting of ours now.

    private: those of `read` that their owner keeps to themselves. gone: hrefs that left. away: href -> absence.
    stamp: the directory's state that the decisions rest on.
    """

    rows: Sequence[MeetingRows]
    read: frozenset[str]
    private: frozenset[str]
    gone: frozenset[str]
    away: Mapping[str, Absence]
    cursor: CalendarCursor
    stamp: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """How far a calendar was read. cursor: None to read all of it. is_resting: it failed, and is left alone for now."""

    cursor: CalendarCursor | None = None
    is_resting: bool = False


def mark(connection: sa.Connection, mailbox_id: int, place: str, now: datetime) -> Mark:
    """A directory that changed makes strangers' meetings readable anew."""
    row = connection.execute(sa.select(meeting_cursors).where(_here(mailbox_id, place))).one_or_none()
    if row is None:
        return Mark()
    stands = row.cursor is not None and not directory.changed_since(connection, row.stamp)
    return Mark(
        cursor=CalendarCursor(row.cursor) if stands else None,
        is_resting=row.next_try is not None and row.next_try > now,
    )


def rest(
    database: Database, connection: sa.Connection, mailbox_id: int, place: str, sentence: str, until: datetime
) -> None:
    """Leaves a calendar that failed alone until then."""
    _move_on(database, connection, mailbox_id, place, {"fault": sentence, "next_try": until})


def to_come(connection: sa.Connection, mailbox_id: int, place: str, now: datetime) -> frozenset[str]:
    """Hrefs of meetings and absences that are not over yet."""
    meetings = (
        sa.select(meeting_places.c.href)
        .join(interactions, interactions.c.id == meeting_places.c.interaction_id)
        .where(
            meeting_places.c.mailbox_id == mailbox_id,
            meeting_places.c.place == place,
            interactions.c.occurred_at > now,
        )
    )
    away = sa.select(absence_rows.c.name).where(
        absence_rows.c.mailbox_id == mailbox_id,
        absence_rows.c.source == place,
        absence_rows.c.last_day >= now.date(),
    )
    return frozenset(connection.execute(meetings).scalars()) | frozenset(connection.execute(away).scalars())


def record(
    database: Database, connection: sa.Connection, mailbox_id: int, place: str, found: Found, now: datetime
) -> int:
    """Commits a reading with its cursor; how many meetings are new."""
    database.serialise(connection)  # two of us may log the same meeting at once
    kept = _without_removed(connection, found.rows)
    fresh = _insert(database, connection, kept)
    _move(database, connection, mailbox_id, [one for one in kept if one.interaction["id"] not in fresh])
    _seat(database, connection, mailbox_id, place, kept)
    _drop(database, connection, mailbox_id, place, found, now)
    _note_absences(connection, mailbox_id, place, found, now)
    values = {"cursor": found.cursor, "stamp": found.stamp, "fault": None, "next_try": None}
    _move_on(database, connection, mailbox_id, place, values)
    return len(fresh)


def _without_removed(connection: sa.Connection, rows: Sequence[MeetingRows]) -> list[MeetingRows]:
    """What somebody took out of the history stays out."""
    ids = [str(one.interaction["id"]) for one in rows]
    out = set(connection.execute(sa.select(removals.c.id).where(removals.c.id.in_(ids))).scalars())
    return [one for one in rows if one.interaction["id"] not in out]


def _insert(database: Database, connection: sa.Connection, kept: Sequence[MeetingRows]) -> frozenset[object]:
    """Ids of those that nobody had logged. Participants and links that came to be known later are added."""
    if not kept:
        return frozenset()
    rows = {str(one.interaction["id"]): one.interaction for one in kept}
    fresh = database.insert_and_tell(connection, interactions, [rows[id] for id in sorted(rows)], "id")
    by_hand = _given_by_hand(connection, list(rows))
    free = [one for one in kept if one.interaction["id"] not in by_hand]
    named, linked = [row for one in kept for row in one.participants], [row for one in free for row in one.links]
    dating.date(connection, [*named, *linked], [rows[id] for id in sorted(rows) if id in fresh])
    database.insert_new(connection, participants, named)
    database.insert_new(connection, links, linked)
    database.insert_new(connection, company_links, [row for one in free for row in one.company_links])
    told = {str(one.interaction["id"]): _body(one) for one in kept if one.interaction["id"] in fresh}
    changes = [feed.Change(kind="interaction", event="logged", entity=id, body=body) for id, body in told.items()]
    feed.append(database, connection, changes)
    return fresh


def _given_by_hand(connection: sa.Connection, ids: Collection[str]) -> frozenset[str]:
    """Those of these that somebody gave to another contact: no reading gives them back."""
    query = sa.select(links.c.interaction_id).where(links.c.interaction_id.in_(ids), links.c.origin == "manual")
    return frozenset(connection.execute(query).scalars())


def _body(one: MeetingRows) -> dict[str, object]:
    who = [row["contact_id"] for row in one.links]
    return {"direction": one.interaction["direction"], "thread_id": None, "contacts": who}


def _move(database: Database, connection: sa.Connection, mailbox_id: int, known: Sequence[MeetingRows]) -> None:
    """What the calendar that counts says anew about meetings that are logged already."""
    ids = [str(one.interaction["id"]) for one in known]
    stand = {row.id: row for row in connection.execute(sa.select(interactions).where(interactions.c.id.in_(ids)))}
    first = _first_ranks(connection, mailbox_id, ids)
    moved: list[str] = []
    for one in known:
        row, new = stand[str(one.interaction["id"])], one.interaction
        if one.rank > first.get(row.id, one.rank) or not _differs(row, new):
            continue
        values = {name: new[name] for name in _CHANGING if name != "subject" or new[name] is not None}
        values["cancelled_at"] = (row.cancelled_at or new["cancelled_at"]) if new["cancelled_at"] else None
        connection.execute(sa.update(interactions).where(interactions.c.id == row.id).values(values))
        moved.append(row.id)
    dating.follow(connection, moved)
    feed.append(database, connection, [_updated(id) for id in moved])


def _differs(row: sa.Row[Any], new: Mapping[str, object]) -> bool:
    if (row.cancelled_at is None) != (new["cancelled_at"] is None):
        return True
    return any(getattr(row, name) != new[name] for name in _CHANGING if name != "subject" or new[name] is not None)


def _updated(id: str) -> feed.Change:
    return feed.Change(kind="interaction", event="updated", entity=id, body={})


def _first_ranks(connection: sa.Connection, mailbox_id: int, ids: Collection[str]) -> dict[str, int]:
    """The lowest rank that another mailbox of ours has in each."""
    query = (
        sa.select(meeting_places.c.interaction_id, sa.func.min(meeting_places.c.rank))
        .where(meeting_places.c.interaction_id.in_(ids), meeting_places.c.mailbox_id != mailbox_id)
        .group_by(meeting_places.c.interaction_id)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def _seat(
    database: Database, connection: sa.Connection, mailbox_id: int, place: str, kept: Sequence[MeetingRows]
) -> None:
    rows = {
        (one.href, str(one.interaction["id"])): {
            "mailbox_id": mailbox_id,
            "place": place,
            "href": one.href,
            "interaction_id": one.interaction["id"],
            "rank": one.rank,
        }
        for one in kept
    }
    database.insert_new(connection, meeting_places, [rows[key] for key in sorted(rows)])


def _drop(
    database: Database, connection: sa.Connection, mailbox_id: int, place: str, found: Found, now: datetime
) -> None:
    """Meetings to come that this calendar holds no more, and every one that its owner made private.

    What was held stays in the history, whatever becomes of the appointment.
    """
    stays = {(one.href, str(one.interaction["id"])) for one in found.rows}
    query = (
        sa.select(meeting_places.c.href, interactions.c.id, interactions.c.occurred_at)
        .join(interactions, interactions.c.id == meeting_places.c.interaction_id)
        .where(
            meeting_places.c.mailbox_id == mailbox_id,
            meeting_places.c.place == place,
            meeting_places.c.href.in_(sorted(found.read | found.gone)),
        )
    )
    rows = [row for row in connection.execute(query) if (row.href, row.id) not in stays]
    private = [row.id for row in rows if row.href in found.private]
    left = [row.id for row in rows if row.href not in found.private and row.occurred_at > now]
    of = sa.and_(meeting_places.c.mailbox_id == mailbox_id, meeting_places.c.place == place)
    out = {*private, *left}
    for row in rows:  # of one that stands there anew, the old place alone
        here = sa.and_(meeting_places.c.href == row.href, meeting_places.c.interaction_id == row.id)
        if row.id in out:
            connection.execute(sa.delete(meeting_places).where(of, here))
    revise.withdraw(database, connection, dict.fromkeys(_unheld(connection, private)), "withdrawn")
    _cancel(database, connection, _unheld(connection, left), now)


def _unheld(connection: sa.Connection, ids: Collection[str]) -> list[str]:
    """Those of these that stand in none of our calendars."""
    held = sa.select(meeting_places.c.interaction_id).where(meeting_places.c.interaction_id.in_(ids))
    return sorted(set(ids) - set(connection.execute(held).scalars()))


def _cancel(database: Database, connection: sa.Connection, ids: Sequence[str], now: datetime) -> None:
    for id in ids:
        values = {"cancelled_at": now, "flagged_as": ["cancelled"]}
        connection.execute(sa.update(interactions).where(interactions.c.id == id).values(values))
    feed.append(database, connection, [_updated(id) for id in ids])


def _note_absences(connection: sa.Connection, mailbox_id: int, place: str, found: Found, now: datetime) -> None:
    """Absences of other appointments stay as they are; those that are over go."""
    query = sa.select(absence_rows).where(absence_rows.c.mailbox_id == mailbox_id, absence_rows.c.source == place)
    before = {row.name: Absence(first=row.first_day, last=row.last_day) for row in connection.execute(query)}
    stay = {name: one for name, one in before.items() if name not in found.read | found.gone}
    after = {name: one for name, one in {**stay, **found.away}.items() if not _is_over(one, now.date())}
    if after != before:
        absences.replace(connection, mailbox_id, place, after)


def _is_over(one: Absence, today: date) -> bool:
    return one.last is not None and (today - one.last).days > 1


def _move_on(
    database: Database, connection: sa.Connection, mailbox_id: int, place: str, values: Mapping[str, object]
) -> None:
    database.insert_new(connection, meeting_cursors, [{"mailbox_id": mailbox_id, "place": place, "stamp": 0}])
    connection.execute(sa.update(meeting_cursors).where(_here(mailbox_id, place)).values(**values))


def _here(mailbox_id: int, place: str) -> sa.ColumnElement[bool]:
    return sa.and_(meeting_cursors.c.mailbox_id == mailbox_id, meeting_cursors.c.place == place)
