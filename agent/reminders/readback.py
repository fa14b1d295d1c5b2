"""What the user did to an item: the difference between what we last wrote and what stands there now. Pure.

Servers rewrite what they store, so meaning is compared, not bytes: times as moments, texts without their white space.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from agent.reminders.calendar_days import instant
from agent.reminders.cycle import Standing
from agent.reminders.intents import DELETE, UPDATE, CalendarItem, Kept, event_of
from agent.reminders.item import note_in
from connectors.event import CalendarEvent, FoundEvent

FAULT_ITEMS = 5
"""So many items may leave in one pass without anybody wondering."""
FAULT_SHARE = 1 / 3
NOTE_LIMIT = 8_000
_SAME_TIME = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Deed:
    """What the user did. All empty: nothing.

    moved_to: wall time in the owner's zone. title, description: their own words, to be kept. note: new text for the
    history.
    """

    done: bool = False
    moved_to: datetime | None = None
    title: str | None = None
    description: str | None = None
    note: str | None = None

    @property
    def is_nothing(self) -> bool:
        return self == _NOTHING


_NOTHING = Deed()


@dataclass(frozen=True, kw_only=True, slots=True)
class Sighting:
    """An item of ours as it stands. as_wanted: just as it should, so an unconfirmed write has happened."""

    item: CalendarItem
    found: FoundEvent
    deed: Deed = _NOTHING
    as_wanted: bool = False


def sighting(item: CalendarItem, found: FoundEvent, *, zone: str, at: time) -> Sighting:
    """What is not as we last wrote it was done by the user, unless it is as we last meant to write it."""
    if item.wanted is not None and what_user_did(item.wanted, found, zone=zone, at=at).is_nothing:
        return Sighting(item=item, found=found, as_wanted=True)
    basis = item.written or item.wanted
    deed = what_user_did(basis, found, zone=zone, at=at) if basis is not None else Deed()
    return Sighting(item=item, found=found, deed=deed)


def wall_start(found: FoundEvent, zone: str, at: time) -> datetime:
    """Where an item stands, as wall time of the owner's zone."""
    if not isinstance(found.start, datetime):
        return datetime.combine(found.start, at)
    return _wall(instant(found.start, found.timezone or zone), zone)


def settled(seen: Sighting, one: Standing) -> CalendarItem:
    """The item after the reading. one: the reminder, moved already if the user moved it."""
    item = replace(seen.item, href=seen.found.href, etag=seen.found.etag, attempts=0)
    if seen.as_wanted:
        return replace(item, intent=DELETE if item.intent == DELETE else None, written=item.wanted)
    kept = Kept(
        title=item.kept.title if seen.deed.title is None else seen.deed.title,
        description=item.kept.description if seen.deed.description is None else seen.deed.description,
        done=seen.deed.done or item.kept.done,
    )
    stands = _as_event(seen, one)
    if kept.done:  # theirs from now on, with their mark on it
        return replace(item, intent=None, wanted=stands, written=stands, kept=kept)
    wanted = event_of(one, item.uid, kept)
    if item.intent == DELETE:
        return replace(item, wanted=wanted, written=stands, kept=kept)
    if is_same(wanted, stands):
        return replace(item, intent=None, wanted=wanted, written=wanted, kept=kept)
    return replace(item, intent=UPDATE, wanted=wanted, written=stands, kept=kept)


def is_same(one: CalendarEvent, other: CalendarEvent) -> bool:
    """Whether two items mean the same."""
    apart = abs(instant(one.start, one.timezone) - instant(other.start, other.timezone))
    texts = (one.title, other.title), (one.description, other.description)
    return apart < _SAME_TIME and all(_plain(first) == _plain(second) for first, second in texts)


def _as_event(seen: Sighting, one: Standing) -> CalendarEvent:
    """What stands there, in our words. A time that was not moved is the one we wrote."""
    basis = seen.item.written or seen.item.wanted
    unmoved = (basis.start, basis.timezone) if basis is not None else (one.due, one.zone)
    start, zone = (seen.deed.moved_to, one.zone) if seen.deed.moved_to is not None else unmoved
    return CalendarEvent(
        uid=seen.item.uid,
        reminder=seen.item.reminder_id,
        title=seen.found.title,
        description=seen.found.description,
        start=start,
        timezone=zone,
    )


def what_user_did(written: CalendarEvent, found: FoundEvent, *, zone: str, at: time) -> Deed:
    """zone: the owner's; at: the time of day that an item without one is given."""
    note = note_in(found.description)[:NOTE_LIMIT]
    title_differs = _plain(found.title) != _plain(written.title)
    return Deed(
        done=found.done,
        moved_to=_moved_to(written, found, zone, at),
        title=found.title if title_differs and not found.done else None,
        description=found.description if _plain(found.description) != _plain(written.description) else None,
        note=note if note and _plain(note) != _plain(note_in(written.description)) else None,
    )


def is_fault(known: int, gone: int) -> bool:
    """More than a few items and over a third left at once: a calendar was emptied or swapped, nobody dismissed them."""
    return gone > FAULT_ITEMS and gone > known * FAULT_SHARE


def gone_items(
    known: Mapping[str, str], found: Collection[FoundEvent], gone: Collection[str], *, complete: bool
) -> frozenset[str]:
    """Uids of ours that left. known: uid -> href. An item found at another address has moved, not left."""
    present = {item.uid for item in found}
    left = set(known) if complete else {uid for uid, href in known.items() if href in gone}
    return frozenset(left - present)


def _moved_to(written: CalendarEvent, found: FoundEvent, zone: str, at: time) -> datetime | None:
    if not isinstance(found.start, datetime):
        return _moved_to_day(written, found.start, at)
    moment = instant(found.start, found.timezone or zone)
    if abs(moment - instant(written.start, written.timezone)) < _SAME_TIME:
        return None
    return _wall(moment, zone)


def _moved_to_day(written: CalendarEvent, day: date, at: time) -> datetime | None:
    return None if day == written.start.date() else datetime.combine(day, at)


def _wall(moment: datetime, zone: str) -> datetime:
    return moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def _plain(text: str) -> str:
    return " ".join(text.split())
