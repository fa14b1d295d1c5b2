"""One mailbox's reminders, once around: read back what the user did, derive what should stand, write the difference.

Called after each complete pass over the mailbox, under the same lease. Idempotent: cut off anywhere, the next run
finishes. A calendar that fails holds up neither the mail nor the rules; its intents wait.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from agent.reminders import identity
from agent.reminders.calendar_days import WorkDays
from agent.reminders.cycle import ADOPTED, BUNDLE, Frame, Place, Standing, Withdraw, plan, young
from agent.reminders.intents import CalendarItem, new_intents
from agent.reminders.item import note_in
from agent.reminders.publish import Desk, Published, publish, read_back
from agent.reminders.readback import NOTE_LIMIT
from agent.reminders.rules.asked import asked
from agent.reminders.rules.base import Ledger, Terms, Wanted
from agent.store.calendar import item_rows, leaving, ledger, notes, reminders, touched
from agent.store.calendar.leaving import Site
from agent.store.calendar.outset import outset
from agent.store.calendar.reminders import Stood
from agent.store.calendar.scope import Scope, Touched
from agent.store.calendar.shelf import CalendarShelf
from agent.store.calendar.touched import Seen
from agent.store.database import Database
from agent.store.hashes import Hasher
from agent.store.schedule.absences import Absence
from agent.store.unit import Lease, fenced
from agent.tending.farewell import Leaver, in_former_calendar, withdraw
from agent.tending.remembered import Remembered
from config.model import Calendar, Mailbox, Organisation
from connectors.base import CalendarSink
from connectors.errors import ConnectorError, Fatal, Retriable
from matchers.address import normalise

if TYPE_CHECKING:
    from sqlalchemy import Connection

_REST = timedelta(minutes=1)
_LONG_REST = timedelta(hours=1)
"""After a refusal: directories lock accounts that are tried more often."""
_QUARTER = 900
"""Seconds. Time alone makes reasons too, but no rule waits for minutes."""
_MARGIN = timedelta(days=14)
"""Rows older than max_age by so much cannot matter: N working days and an answer lie between."""


@dataclass(frozen=True, kw_only=True)
class Tending:
    """What belongs to one mailbox's run.

    own: match key of every address of ours -> normalised address of its mailbox (`own_addresses`). open_sink: None
    where nothing may be written outside (a dry run). hold: see `Desk`. eager: a calendar that rests is tried at once.
    memo: kept by the caller between runs, so that rules are asked again only about what changed in the history.
    """

    database: Database
    hasher: Hasher
    lease: Lease
    installation: str
    mailbox: Mailbox
    organisation: Organisation
    own: Mapping[str, str]
    open_sink: Callable[[Calendar], CalendarSink] | None
    clock: Callable[[], datetime]
    hold: Callable[[float], bool]
    eager: bool = False
    memo: dict[str, Remembered] | None = None

    @property
    def name(self) -> str:
        """The mailbox as rows name it."""
        return normalise(self.mailbox.address).normalised


@dataclass(frozen=True, kw_only=True)
class Tended:
    """What came of it. placed, withdrawn: ids of reminders. error: why the calendar could not be brought up to date."""

    placed: frozenset[str] = frozenset()
    withdrawn: frozenset[str] = frozenset()
    published: Published = field(default_factory=Published)
    error: ConnectorError | None = None


def own_addresses(mailboxes: tuple[Mailbox, ...]) -> dict[str, str]:
    """Match key of each address and alias of ours -> normalised address of the mailbox it belongs to."""
    return {
        normalise(address).match_key: normalise(mailbox.address).normalised
        for mailbox in mailboxes
        for address in (mailbox.address, *mailbox.aliases)
    }


def tend_mailbox(tending: Tending) -> Tended:
    """Raises StoreError or LeaseLost; what the calendar refuses is in the answer."""
    if tending.open_sink is None:
        return _derive(tending, has_calendar=False)
    site = _site(tending)
    _settle(tending, site)
    former = in_former_calendar(withdraw(_leaver(tending, tending.open_sink)))
    tended = (
        _in_calendar(tending, site, tending.open_sink) if site is not None else _derive(tending, has_calendar=False)
    )
    return replace(tended, error=tended.error or former)


def _settle(tending: Tending, site: Site | None) -> None:
    """Notices that the mailbox has another calendar than at its last run."""
    mailbox_id = tending.lease.mailbox_id
    with tending.database.read() as connection:
        if leaving.is_settled(connection, mailbox_id, site):
            return
    with fenced(tending.database, tending.lease, durable=True) as connection:
        leaving.settle(tending.database, connection, mailbox_id, site, tending.clock())


def _in_calendar(tending: Tending, site: Site, open_sink: Callable[[Calendar], CalendarSink]) -> Tended:
    shelf = _shelf(tending, site)
    if shelf.is_resting() and not tending.eager:
        return _derive(tending, has_calendar=True)
    try:
        sink = open_sink(site.calendar)
    except ConnectorError as error:
        return _resting(tending, shelf, error)
    try:
        return _around(tending, shelf, sink)
    finally:
        sink.close()


def _around(tending: Tending, shelf: CalendarShelf, sink: CalendarSink) -> Tended:
    desk = _desk(tending, shelf, sink)
    try:
        reading = read_back(desk)
    except ConnectorError as error:
        return _resting(tending, shelf, error)
    derived = _derive(tending, has_calendar=True)
    try:
        published = publish(desk, only_new=reading.fault is not None)
    except ConnectorError as error:
        shelf.rest(str(error), tending.clock() + _pause(error))
        return Tended(placed=derived.placed, withdrawn=derived.withdrawn, error=error)
    fault = Retriable(reading.fault) if reading.fault is not None else None
    told = fault or published.error
    return Tended(placed=derived.placed, withdrawn=derived.withdrawn, published=published, error=told)


def _resting(tending: Tending, shelf: CalendarShelf, error: ConnectorError) -> Tended:
    """The rules go on without the calendar."""
    shelf.rest(str(error), tending.clock() + _pause(error))
    derived = _derive(tending, has_calendar=True)
    return Tended(placed=derived.placed, withdrawn=derived.withdrawn, error=error)


def _derive(tending: Tending, *, has_calendar: bool) -> Tended:
    """What the rules want, what changes, and which writes that means.

    History is read from a snapshot, without holding up other writers; what stands is compared under the lease. What
    somebody took out of the history in between is no reason any more.
    """
    now = tending.clock()
    mailbox_id = tending.lease.mailbox_id
    with tending.database.read() as connection:
        start = outset(connection, mailbox_id)
        rest = f"{start.blind} {start.away}"
        before = _remembered(tending, _fingerprint(tending, rest, now, has_calendar=has_calendar))
        seen = touched.look(connection, mailbox_id, start.position)
        if before.seen == seen:
            return Tended()
        asked_now = _ask(tending, connection, before, seen, now)
    wanted, frame = asked_now.wanted, _frame(tending, now, behind=start.blind, away=start.away)
    with fenced(tending.database, tending.lease, durable=has_calendar) as connection:
        tending.database.serialise(connection)
        is_whole = before.seen is not None and touched.nothing_left(connection, seen)
        left = wanted if is_whole else _with_reasons(connection, wanted)
        then = asked_now.stood if is_whole else None
        known_before = reminders.standing(connection, mailbox_id, young(left, frame), then)
        stood = Stood(position=seen.position, reminders={one.id: one for one in known_before})
        actions = plan(left, known_before, frame)
        reminders.apply(tending.database, connection, mailbox_id, frame.zone, actions, known_before, now)
        site = _site(tending) if has_calendar else None
        if site is not None:
            items = item_rows.load_items(connection, mailbox_id, site.place)
            _note_what_was_adopted(tending, connection, known_before, items, now)
            named = {item.reminder_id for item in items}
            stands = reminders.standing(connection, mailbox_id, named, stood)
            changed = new_intents(stands, items, _uid_of(tending))
            item_rows.save_intents(tending.database, connection, mailbox_id, site.place, changed)
            reminders.confirm_bundled(tending.database, connection, mailbox_id, site.place, now)
    if tending.memo is not None:
        tending.memo[tending.name] = replace(asked_now, stood=stood)
    withdrawn = frozenset(action.id for action in actions if isinstance(action, Withdraw))
    placed = frozenset(one.id for one in actions if isinstance(one, Place) and one.wanted.rule != BUNDLE)
    return Tended(placed=placed, withdrawn=withdrawn)


def _with_reasons(connection: "Connection", wanted: Mapping[str, Wanted]) -> dict[str, Wanted]:
    gone = reminders.reasons_gone(connection, wanted.values())
    return {id: one for id, one in wanted.items() if not {one.interaction_id, one.contact_id} & gone}


def _note_what_was_adopted(
    tending: Tending, connection: "Connection", before: Sequence[Standing], items: Sequence[CalendarItem], now: datetime
) -> None:
    """A note typed into an item that nobody knew belongs to nobody until a rule says whose the item is."""
    adopted = {one.id for one in before if one.rule == ADOPTED}
    known = {one.id: one for one in reminders.standing(connection, tending.lease.mailbox_id)} if adopted else {}
    for item in items:
        one, text = known.get(item.reminder_id), note_in(item.kept.description or "")
        if item.reminder_id in adopted and one is not None and one.rule != ADOPTED and text:
            notes.record(tending.database, connection, tending.hasher, one, text[:NOTE_LIMIT], now)


def _fingerprint(tending: Tending, rest: str, now: datetime, *, has_calendar: bool) -> str:
    """The settings, every quarter of an hour the time, and the rest."""
    settings = f"{tending.mailbox!r} {tending.organisation!r} {sorted(tending.own.items())!r} {has_calendar}"
    digest = tending.hasher.hash("tend", settings).hex()
    return f"{_quarter(now)} {digest} {rest}"


def _quarter(now: datetime) -> datetime:
    """The quarter of an hour that it is."""
    seconds = int(now.timestamp())
    return datetime.fromtimestamp(seconds - seconds % _QUARTER, UTC)


def _remembered(tending: Tending, rest: str) -> Remembered:
    """What the rules said before, nothing where something else changed than the history."""
    before = tending.memo.get(tending.name) if tending.memo is not None else None
    return before if before is not None and before.rest == rest else Remembered(rest=rest)


def _ask(tending: Tending, connection: "Connection", before: Remembered, seen: Seen, now: datetime) -> Remembered:
    """What the rules that are on want, asked only about what changed where it is known what they said before."""
    scope = _scope(tending, seen, now)
    changed = touched.touched_since(connection, before.seen, seen) if before.seen is not None else None
    if changed is not None:
        again = before.with_their_threads(changed)
        meetings = (*before.meetings_with(again), *ledger.meetings_among(connection, again.meetings, scope))
        rows = ledger.read(connection, replace(scope, only=again), meetings)
        are_there = again.threads & again.reminded <= rows.threads.keys()
        if are_there:  # else conversations were joined, and have other names
            wanted = {**before.without(again, rows), **_wanted(tending, rows, now)}
            return before.then(seen, wanted, rows, again)
    rows = ledger.read(connection, scope)
    return Remembered(rest=before.rest).then(seen, _wanted(tending, rows, now), rows, Touched())


def _wanted(tending: Tending, rows: Ledger, now: datetime) -> dict[str, Wanted]:
    """By reminder id."""
    found = (rule(rows, _terms(tending, now, after)) for rule, after in asked(tending.mailbox.reminders))
    return {identity.reminder_id(tending.hasher.hash, one): one for wanted in found for one in wanted}


def _terms(tending: Tending, now: datetime, after: int) -> Terms:
    return Terms(
        mailbox=tending.name,
        zone=tending.mailbox.timezone,
        now=now,
        at=tending.mailbox.reminders.at,
        days=work_days(tending.organisation),
        after=after,
    )


def _frame(tending: Tending, now: datetime, *, behind: bool, away: Sequence[Absence]) -> Frame:
    chosen = tending.mailbox.reminders
    return Frame(
        mailbox=tending.name,
        zone=tending.mailbox.timezone,
        now=now,
        at=chosen.at,
        days=work_days(tending.organisation),
        bundle_name=lambda reason: identity.bundle_id(tending.hasher.hash, tending.name, reason),
        per_day=chosen.per_day,
        max_age=chosen.max_age,
        behind=behind,
        away=tuple((one.first, one.last) for one in away if one.last is not None),
    )


def work_days(organisation: Organisation) -> WorkDays:
    """When the firm works."""
    return WorkDays(
        working_days=frozenset(organisation.working_days),
        closed=frozenset(organisation.closed),
        country=organisation.country,
    )


def _scope(tending: Tending, seen: Seen, now: datetime) -> Scope:
    since = now - tending.mailbox.reminders.max_age - _MARGIN
    return Scope(
        mailbox_id=tending.lease.mailbox_id,
        mailbox=tending.name,
        own=tending.own,
        since=since,
        now=now,
        chosen=tending.mailbox.reminders,
        flagged=seen.due_dates(),
    )


def _site(tending: Tending) -> Site | None:
    """The mailbox's calendar; None if it has none."""
    calendar = tending.mailbox.calendar
    if calendar is None:
        return None
    return Site(
        place=tending.hasher.hash("calendar", *calendar.place).hex(),
        calendar=calendar,
        zone=tending.mailbox.timezone,
        at=tending.mailbox.reminders.at,
    )


def _shelf(tending: Tending, site: Site) -> CalendarShelf:
    return CalendarShelf(
        database=tending.database,
        hasher=tending.hasher,
        lease=tending.lease,
        place=site.place,
        zone=site.zone,
        at=site.at,
        clock=tending.clock,
    )


def _leaver(tending: Tending, open_sink: Callable[[Calendar], CalendarSink]) -> Leaver:
    return Leaver(
        database=tending.database,
        hasher=tending.hasher,
        lease=tending.lease,
        installation=tending.installation,
        open_sink=open_sink,
        clock=tending.clock,
        hold=tending.hold,
        eager=tending.eager,
    )


def _desk(tending: Tending, shelf: CalendarShelf, sink: CalendarSink) -> Desk:
    return Desk(
        sink=sink,
        shelf=shelf,
        zone=tending.mailbox.timezone,
        at=tending.mailbox.reminders.at,
        installation=tending.installation,
        clock=tending.clock,
        hold=tending.hold,
        eager=tending.eager,
    )


def _uid_of(tending: Tending) -> Callable[[str], str]:
    return lambda reminder: identity.uid(reminder, tending.installation)


def _pause(error: ConnectorError) -> timedelta:
    if isinstance(error, Fatal):
        return _LONG_REST
    asked = error.after if isinstance(error, Retriable) else None
    return max(_REST, timedelta(seconds=asked or 0.0))
