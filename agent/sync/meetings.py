"""Meetings with contacts out of the salesperson's own calendar: read, decided by the same matchers as mail, recorded.

Called by `agent.after_mail` once a mailbox was read, under its lease. Nothing in the calendar is changed. A meeting is
about whoever is invited; private ones are never looked into, and a title is kept as the capture level allows.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from agent.store.database import Database
from agent.store.directory import lookup as directory
from agent.store.hashes import Hasher
from agent.store.mail import meetings, never, tombstones
from agent.store.mail.meetings import Found, MeetingRows
from agent.store.schedule.absences import Absence
from agent.store.unit import Lease, fenced
from agent.sync import rows
from agent.sync.deciding import with_rules
from agent.sync.rows import interaction_id
from config.model import Mailbox
from connectors.base import MeetingSource
from connectors.errors import ConnectorError, Fatal, Retriable
from connectors.meeting import Appointments, Meeting, Window
from connectors.message import Address, Envelope
from matchers.address import normalise
from matchers.chain import match_page, read_heading, wanted
from matchers.match import Log
from matchers.policy import MatchPolicy, Own

BACK, AHEAD = timedelta(days=60), timedelta(days=31)
"""What of a calendar is looked at: what reminders may still ask about, and the meetings of the coming month."""
_REST, _LONG_REST = timedelta(minutes=1), timedelta(hours=1)
_RETRIES = 8
"""How often appointments are decided again because contacts changed meanwhile."""


@dataclass(frozen=True, kw_only=True)
class Diary:
    """One mailbox's own calendar. place: its digest. open_source: None where the connector cannot tell appointments."""

    database: Database
    hasher: Hasher
    lease: Lease
    mailbox: Mailbox
    own: Own
    policy: MatchPolicy
    place: str
    open_source: Callable[[], MeetingSource | None]
    clock: Callable[[], datetime]
    eager: bool = False


def read_meetings(diary: Diary) -> tuple[int, ConnectorError | None]:
    """(how many are new, why it could not be read). Raises StoreError or LeaseLost."""
    now, mailbox_id = diary.clock(), diary.lease.mailbox_id
    with diary.database.read() as connection:
        mark = meetings.mark(connection, mailbox_id, diary.place, now)
        to_come = meetings.to_come(connection, mailbox_id, diary.place, now)
    if mark.is_resting and not diary.eager:
        return 0, None
    try:
        told = _ask(diary, mark, to_come, now)
    except ConnectorError as error:
        with fenced(diary.database, diary.lease) as connection:
            until = now + _pause(error)
            meetings.rest(diary.database, connection, mailbox_id, diary.place, str(error), until)
        return 0, error
    if told is None or (told.cursor == mark.cursor and not told.found and not told.gone):
        return 0, None
    return _record(diary, told, now)


def _record(diary: Diary, told: Appointments, now: datetime) -> tuple[int, ConnectorError | None]:
    """Decides again where contacts came, went or were erased meanwhile."""
    for _ in range(_RETRIES):
        found = _decided(diary, told, now)
        with fenced(diary.database, diary.lease) as connection:
            if not directory.changed_since(connection, found.stamp):
                fresh = meetings.record(diary.database, connection, diary.lease.mailbox_id, diary.place, found, now)
                return fresh, None
    return 0, Retriable(
        "contacts are being changed faster than they can be asked for", advice="it is tried again by itself"
    )


def _ask(diary: Diary, mark: meetings.Mark, to_come: frozenset[str], now: datetime) -> Appointments | None:
    source = diary.open_source()
    if source is None:
        return None
    try:
        window = Window(start=_start(diary, now), end=now + AHEAD, zone=diary.mailbox.timezone)
        return source.meetings(mark.cursor, window, sorted(to_come))
    finally:
        source.close()


def _start(diary: Diary, now: datetime) -> datetime:
    """Not before the floor that the mailbox is read down to."""
    floor = diary.policy.since
    if floor is None:
        return now - BACK
    return max(now - BACK, datetime(floor.year, floor.month, floor.day, tzinfo=now.tzinfo))


def _pause(error: ConnectorError) -> timedelta:
    if isinstance(error, Fatal):
        return _LONG_REST
    asked = error.after if isinstance(error, Retriable) else None
    return max(_REST, timedelta(seconds=asked or 0.0))


def _decided(diary: Diary, told: Appointments, now: datetime) -> Found:
    """What is kept of the appointments read, with the rows it becomes."""
    attended = [(one.href, each) for one in told.found for each in one.meetings if _takes_part(each, diary.own)]
    headings = [read_heading(_envelope(str(n), each, diary.mailbox)) for n, (_, each) in enumerate(attended)]
    want = wanted(headings)
    with diary.database.read() as connection:
        stamp = directory.stamp(connection)
        answers = directory.answer(connection, want)
        policy = with_rules(diary.policy, never.among(connection, want.keys))
        erased = tombstones.erased_keys(connection, diary.hasher, want.keys)
    decisions = match_page(
        headings,
        own=diary.own,
        policy=policy,
        answers=answers,
        threads={},
        tombstones={},
        erased_keys=erased,
    )
    pairs = zip(attended, decisions, strict=True)
    kept = [_rows(diary, href, one, log, now, erased) for (href, one), log in pairs if isinstance(log, Log)]
    return Found(
        rows=kept,
        read=frozenset(one.href for one in told.found),
        private=frozenset(one.href for one in told.found if one.private),
        gone=frozenset(told.gone),
        away={one.href: Absence(first=one.away[0], last=one.away[1]) for one in told.found if one.away is not None},
        cursor=told.cursor,
        stamp=stamp,
    )


def _takes_part(one: Meeting, own: Own) -> bool:
    """Whether the owner is in it, and did not decline. Who invites without naming an organiser is the owner."""
    if one.organiser is None:
        return True
    declined = {normalise(address).match_key for address in one.declined}
    mine = {normalise(person.address).match_key for person in _everybody(one)} & own.addresses
    return bool(mine - declined)


def _everybody(one: Meeting) -> Sequence[Address]:
    return (*((one.organiser,) if one.organiser is not None else ()), *one.attendees)


def _envelope(name: str, one: Meeting, mailbox: Mailbox) -> Envelope:
    """A meeting as the matchers see mail: from its organiser to those invited."""
    return Envelope(
        id=name,
        server_time=one.start,
        date=one.start,
        subject=one.title,
        from_=(one.organiser or Address(address=mailbox.address),),
        to=one.attendees,
    )


def _without(one: Meeting, erased: frozenset[str]) -> Meeting:
    """The meeting as it is told, without people who were erased."""
    if not erased:
        return one
    left = [person for person in _everybody(one) if normalise(person.address).match_key not in erased]
    return replace(
        one,
        organiser=one.organiser if one.organiser in left else None,
        attendees=tuple(person for person in one.attendees if person in left),
    )


def _rows(diary: Diary, href: str, one: Meeting, log: Log, now: datetime, erased: frozenset[str]) -> MeetingRows:
    named = _without(one, erased)
    key = diary.hasher.hash("meeting", one.uid, one.recurrence)
    id = interaction_id(diary.hasher, key, 0, None)
    return MeetingRows(
        href=href,
        rank=_rank(one, diary.own),
        interaction={
            **_as_interaction(named, log, now, capture=diary.mailbox.capture),
            "id": id,
            "message_key": key,
        },
        participants=list(_participants(id, named)),
        links=[{**row, "role": "attendee"} for row in rows.links(id, log)],
        company_links=list(rows.company_links(id, log)),
    )


def _as_interaction(one: Meeting, log: Log, now: datetime, *, capture: str) -> dict[str, object]:
    """What a meeting has of an interaction's columns. one: without the erased."""
    return {
        "variant": 0,
        "kind": "meeting",
        "direction": log.direction.value,
        "occurred_at": one.start,
        "date": None,
        "from_address": normalise(one.organiser.address).normalised if one.organiser is not None else "",
        "subject": one.title if capture != "metadata" else None,
        "message_id": None,
        "thread_id": None,
        "capture": capture,
        "rule": log.rule,
        "attachments": [],
        "flagged_as": ["cancelled"] if one.cancelled else [],
        "ends_at": one.end,
        "cancelled_at": now if one.cancelled else None,
        "recorded_at": now,
    }


def _rank(one: Meeting, own: Own) -> int:
    """0 for whoever organises it, else the place among those invited."""
    if one.organiser is None:
        return 0
    keys = [normalise(person.address).match_key for person in _everybody(one)]
    return next(at for at, key in enumerate(keys) if key in own.addresses)


def _participants(id: str, one: Meeting) -> Iterator[dict[str, object]]:
    seats = (("organiser", (one.organiser,) if one.organiser is not None else ()), ("attendee", one.attendees))
    for role, people in seats:
        for position, person in enumerate({each.address: each for each in people}.values()):
            yield {
                "interaction_id": id,
                "role": role,
                "address": person.address,
                "name": person.name,
                "position": position,
                "match_key": normalise(person.address).match_key,
            }
