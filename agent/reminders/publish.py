"""Carries intents out in a calendar, and reads back what the user did there: the only part that talks to a server.

Called by `agent.tending.tend`. The store is a shelf that this file asks; what to write was decided and committed
before. A write that was lost on the way may have happened: nothing is created without a look, and what is found under
our uid is taken for ours.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Protocol

from agent.reminders.identity import is_of
from agent.reminders.intents import CREATE, DELETE, UPDATE, CalendarItem
from agent.reminders.readback import Sighting, gone_items, is_fault, sighting
from connectors.base import CalendarSink
from connectors.errors import Conflict, ConnectorError, Fatal, Retriable, Skippable
from connectors.event import CalendarCursor, CalendarEvent, FoundEvent

DELETIONS = 20
"""Items removed in one run at most: a mistake of ours empties no calendar at once."""
WRITE_SECONDS = 90.0
"""The longest that one write and the look after it may take; the lease must last longer."""
_FIRST_RETRY = timedelta(minutes=1)
_LONGEST_RETRY = timedelta(hours=6)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """What one reading of a calendar found, to be committed together with its cursor.

    seen: items we know, as they stand. strangers: items with our mark that no row knows. gone: uids that left.
    fault: why nothing that is gone counts, and the cursor stays where it was.
    """

    seen: tuple[Sighting, ...] = ()
    strangers: tuple[FoundEvent, ...] = ()
    gone: frozenset[str] = frozenset()
    cursor: CalendarCursor | None = None
    fault: str | None = None


class Shelf(Protocol):
    """What publishing asks of the store. Every method is one transaction under the mailbox's lease."""

    def cursor(self) -> CalendarCursor | None:
        """How far the calendar was read."""

    def items(self) -> Sequence[CalendarItem]:
        """All items of this mailbox's calendar."""

    def record(self, reading: Reading) -> None:
        """Commits what a reading found."""

    def item(self, uid: str) -> CalendarItem | None:
        """One item as it is known now."""

    def confirm(self, item: CalendarItem, found: FoundEvent) -> None:
        """The calendar holds what was intended."""

    def removed(self, item: CalendarItem) -> None:
        """The calendar holds it no longer, as intended."""

    def failed(self, item: CalendarItem, sentence: str, next_try: datetime) -> None:
        """The write did not happen, or nobody knows whether it did."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Desk:
    """One mailbox's calendar and what belongs to working on it.

    zone, at: the owner's. hold: makes the lease last for so many seconds; False if the process is to end, raises
    LeaseLost. installation: ends our uids. eager: an item that failed is tried at once.
    """

    sink: CalendarSink
    shelf: Shelf
    zone: str
    at: time
    installation: str
    clock: Callable[[], datetime]
    hold: Callable[[float], bool]
    deletions: int = DELETIONS
    eager: bool = False


@dataclass(kw_only=True, slots=True)
class Published:
    """Counts of one run. left: intents that wait for the next run. error: the last one that made an intent fail."""

    created: int = 0
    updated: int = 0
    deleted: int = 0
    failed: int = 0
    left: int = 0
    error: ConnectorError | None = None


def read_back(desk: Desk) -> Reading:
    """Reads what happened in the calendar and commits it. Raises ConnectorError."""
    items = desk.shelf.items()
    changes = desk.sink.changes(desk.shelf.cursor())
    known = {item.uid: item for item in items}
    placed = {item.uid: item.href for item in items if item.href is not None and _is_placed(item)}
    unlisted = _unlisted(items, changes.found)
    left = gone_items(placed, changes.found, changes.gone, complete=changes.complete) - unlisted
    missing = unlisted if is_fault(len(placed), len(left)) else left | unlisted
    looked_for = _look_for(desk, missing)
    found_now = (*changes.found, *looked_for)
    gone = (left | unlisted) - {found.uid for found in looked_for}
    ours = [found for found in found_now if is_of(found.uid, desk.installation)]
    fault = _fault(len(placed), len(gone))
    reading = Reading(
        seen=tuple(_sighting(desk, known[found.uid], found) for found in ours if found.uid in known),
        strangers=tuple(found for found in ours if found.uid not in known),
        gone=frozenset() if fault else gone,
        cursor=None if fault else changes.cursor,
        fault=fault,
    )
    desk.shelf.record(reading)
    return reading


def _look_for(desk: Desk, missing: Collection[str]) -> list[FoundEvent]:
    """What a list left out is looked for before it counts as gone: lists end early, and some never name new items."""
    asked = [desk.sink.find(uid) for uid in sorted(missing)]
    return [found for found in asked if found is not None]


def _unlisted(items: Sequence[CalendarItem], found_now: Sequence[FoundEvent]) -> frozenset[str]:
    """Items that we created after the last reading and that are not among the changes."""
    present = {found.uid for found in found_now}
    return frozenset(item.uid for item in items if _is_placed(item) and item.unread and item.uid not in present)


def _is_placed(item: CalendarItem) -> bool:
    return item.href is not None and item.intent != DELETE


def publish(desk: Desk, *, only_new: bool = False) -> Published:
    """Carries out every intent that is due. A server that does not answer ends the run; the rest is left for the next.

    only_new: nothing that stands is touched (the calendar looks broken). Raises Fatal if nothing can work before
    somebody changes the configuration.
    """
    done = Published()
    kinds = (CREATE,) if only_new else (CREATE, UPDATE, DELETE)
    waiting = [item for item in desk.shelf.items() if item.intent in kinds]
    due = [item for item in waiting if desk.eager or item.next_try is None or item.next_try <= desk.clock()]
    done.left = len(waiting) - len(due)
    for number, item in enumerate(due):
        if not desk.hold(WRITE_SECONDS):
            done.left += len(due) - number
            break
        if item.intent == DELETE and done.deleted >= desk.deletions:
            done.left += 1
        elif not _attempt(desk, item, done):
            done.left += len(due) - number - 1
            break
    return done


def _attempt(desk: Desk, item: CalendarItem, done: Published) -> bool:
    """Carries one intent out; False if the server should be left alone for now."""
    try:
        _carry_out(desk, item)
    except (Retriable, Skippable, Conflict) as error:
        done.failed += 1
        done.error = error
        desk.shelf.failed(item, str(error), desk.clock() + _wait(item, error))
        return not isinstance(error, Retriable)
    except Fatal as error:
        desk.shelf.failed(item, str(error), desk.clock() + _FIRST_RETRY)
        raise
    _count(item, done)
    return True


def _count(item: CalendarItem, done: Published) -> None:
    if item.intent == CREATE:
        done.created += 1
    elif item.intent == DELETE:
        done.deleted += 1
    else:
        done.updated += 1


def _carry_out(desk: Desk, item: CalendarItem) -> None:
    if item.intent == DELETE:
        _remove(desk, item)
    elif item.href is None and item.wanted is not None:
        _create(desk, item, item.wanted)
    elif item.wanted is not None:
        _update(desk, item, item.wanted)


def _create(desk: Desk, item: CalendarItem, event: CalendarEvent) -> None:
    """Looks first: the item may stand there from before a crash, or from before a backup was restored."""
    try:
        found = desk.sink.find(item.uid) or desk.sink.create(event)
    except Conflict:
        standing = desk.sink.find(item.uid)
        if standing is None:  # the user made the item their own, or it is hidden from us: leave it to them
            _let_go(desk, item)
            return
        found = standing
    desk.shelf.record(Reading(seen=(_sighting(desk, item, found),)))


def _update(desk: Desk, item: CalendarItem, event: CalendarEvent) -> None:
    """If the user was quicker, what they did is taken in first, and what is still wanted is written then."""
    try:
        desk.shelf.confirm(item, desk.sink.update(event, _standing(item)))
        return
    except Conflict:
        fresh = _look_again(desk, item)
    if fresh is not None and fresh.intent is not None and fresh.wanted is not None:
        desk.shelf.confirm(fresh, desk.sink.update(fresh.wanted, _standing(fresh)))


def _remove(desk: Desk, item: CalendarItem) -> None:
    """What the user typed into it meanwhile is read before it goes."""
    if item.href is None:
        found = desk.sink.find(item.uid)
        if found is not None:
            desk.sink.delete(found)
        desk.shelf.removed(item)
        return
    try:
        desk.sink.delete(_standing(item))
    except Conflict:
        fresh = _look_again(desk, item)
        if fresh is None or fresh.intent != DELETE:
            return
        desk.sink.delete(_standing(fresh))
    desk.shelf.removed(item)


def _look_again(desk: Desk, item: CalendarItem) -> CalendarItem | None:
    """Takes in what stands there now; the item as it is known afterwards, None if it left the calendar."""
    found = desk.sink.find(item.uid)
    if found is None:
        _let_go(desk, item)
        return None
    desk.shelf.record(Reading(seen=(_sighting(desk, item, found),)))
    return desk.shelf.item(item.uid)


def _let_go(desk: Desk, item: CalendarItem) -> None:
    desk.shelf.record(Reading(gone=frozenset({item.uid})))


def _sighting(desk: Desk, item: CalendarItem, found: FoundEvent) -> Sighting:
    return sighting(item, found, zone=desk.zone, at=desk.at)


def _standing(item: CalendarItem) -> FoundEvent:
    """The version we know, as the calendar wants it named."""
    event = item.written or item.wanted
    start = event.start if event is not None else datetime.min
    return FoundEvent(
        uid=item.uid,
        reminder=item.reminder_id,
        title=event.title if event is not None else "",
        description="",
        start=start,
        timezone=event.timezone if event is not None else "",
        etag=item.etag or "",
        href=item.href or "",
    )


def _wait(item: CalendarItem, error: ConnectorError) -> timedelta:
    """Doubles with each failure, unless the server asks for more."""
    own = min(_FIRST_RETRY * float(2 ** min(item.attempts, 10)), _LONGEST_RETRY)
    asked = timedelta(seconds=error.after) if isinstance(error, Retriable) and error.after else timedelta()
    return max(own, asked)


def _fault(known: int, gone: int) -> str | None:
    if not is_fault(known, gone):
        return None
    return (
        f"{gone} of {known} reminders left the calendar at once, so none was dismissed: if you meant it, dismiss them "
        "with `crm-agent reminders dismiss`; if not, restore the calendar"
    )
