"""What the user did to an item: the difference between what we last wrote and what stands there now. Pure.

Servers rewrite what they store, so meaning is compared, not bytes: times as moments, texts without their white space.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from agent.reminders.calendar_days import instant
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
