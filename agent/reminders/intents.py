"""Which calendar items have to be written, changed or removed: a pure difference of reminders and items.

An intent is committed before the write it stands for, and stays until the write is confirmed; so after a crash it is
carried out again, under the same uid.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from agent.reminders.cycle import ACTIVE, Standing
from agent.reminders.item import Words, event_for
from connectors.event import CalendarEvent

CREATE, UPDATE, DELETE = "create", "update", "delete"


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """What the user made of an item and keeps, whatever a rule says later. done: they ticked it off there."""

    title: str | None = None
    description: str | None = None
    done: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class CalendarItem:
    """An item as the store knows it.

    intent: create, update, delete, or None once confirmed. wanted: as it should stand; written: as we last wrote it,
    None before the first time. attempts: writes in a row that failed; next_try: not before then. unread: created
    after the last reading, so the calendar's own list of changes may never name it if it leaves.
    """

    uid: str
    reminder_id: str
    intent: str | None = None
    wanted: CalendarEvent | None = None
    written: CalendarEvent | None = None
    kept: Kept = Kept()
    href: str | None = None
    etag: str | None = None
    attempts: int = 0
    next_try: datetime | None = None
    unread: bool = False


def new_intents(
    reminders: Sequence[Standing], items: Sequence[CalendarItem], uid_of: Callable[[str], str]
) -> list[CalendarItem]:
    """The items whose intent changes, as they are to be kept. Nothing once all is as it should be."""
    by_reminder = {item.reminder_id: item for item in items}
    shown = {one.id: one for one in reminders if one.state in ACTIVE and one.bundle_id is None}
    written = [_for(one, by_reminder.get(one.id), uid_of) for one in shown.values()]
    known = {one.id for one in reminders}
    left = [_without(item, item.reminder_id in known) for item in items if item.reminder_id not in shown]
    return [item for item in (*written, *left) if item is not None]


def event_of(one: Standing, uid: str, kept: Kept) -> CalendarEvent:
    """The item of a reminder, with the user's own words where they wrote some."""
    words = Words(title=one.title, why=one.why, about=one.about)
    event = event_for(uid=uid, reminder=one.id, words=words, due=one.due, zone=one.zone)
    title = event.title if kept.title is None else kept.title
    description = event.description if kept.description is None else kept.description
    return replace(event, title=title, description=description)


def _for(one: Standing, item: CalendarItem | None, uid_of: Callable[[str], str]) -> CalendarItem | None:
    if item is None:
        uid = uid_of(one.id)
        return CalendarItem(uid=uid, reminder_id=one.id, intent=CREATE, wanted=event_of(one, uid, Kept()))
    kept = replace(item.kept, done=False)
    event = event_of(one, item.uid, kept)
    if item.intent == DELETE:  # it may be gone already, and nobody knows: it is looked for, and made if it is
        return replace(item, intent=CREATE, wanted=event, kept=kept, href=None, etag=None, next_try=None)
    if event == item.wanted:
        return None
    if event == item.written and item.href is not None:
        return replace(item, intent=None, wanted=event, kept=kept)
    return replace(item, intent=UPDATE if item.href is not None else CREATE, wanted=event, kept=kept, next_try=None)


def _without(item: CalendarItem, is_known: bool) -> CalendarItem | None:
    """An item goes with its reminder, unless the user ticked it off there: then it is theirs to keep.

    is_known: the reminder is only closed. One that is gone altogether went with an erased contact.
    """
    if item.intent == DELETE or (item.kept.done and is_known):
        return None
    return replace(item, intent=DELETE, wanted=None, next_try=None)
