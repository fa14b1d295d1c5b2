"""What the salesperson did to a message after it was decided: follow-up flags, and the three categories.

The categories are a remote control: `log` asks for a message that was skipped, `private` and `remove` take back one
that was logged. Whatever must be decided anew is queued for a re-read of its header.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from agent.store.mail import places
from agent.store.mail.folders import FolderState
from agent.sync.room import Room
from connectors.message import FlagChange, Page
from matchers.policy import has_category

if TYPE_CHECKING:
    import sqlalchemy as sa


def record_flags(room: Room, connection: "sa.Connection", state: FolderState, page: Page, now: datetime) -> None:
    """Writes follow-up flags and queues what its new flags may decide otherwise."""
    if not page.flags:
        return
    found = places.at(connection, state.id, page.validity, [change.id for change in page.flags])
    known = [(change, found[change.id]) for change in page.flags if change.id in found]
    for change, place in known:
        if place.outcome == "logged":
            places.set_flag(connection, place.id, change.flags.flagged, change.flags.flag_due)
    anew = [place.id for change, place in known if _decides_otherwise(room, change, place)]
    places.queue(room.database, connection, room.lease.mailbox_id, anew, "flags")


def _decides_otherwise(room: Room, change: FlagChange, place: places.Place) -> bool:
    """Pure: whether these flags contradict what was decided."""
    flags, policy = change.flags, room.policy
    private = flags.private or has_category(flags, policy.private_category)
    removed = has_category(flags, policy.remove_category)
    asked = has_category(flags, policy.log_category)
    if place.outcome in ("logged", "review"):
        return private or removed or flags.draft
    if place.reason == "private":
        return not private
    if place.reason == "draft":
        return not flags.draft
    if flags.draft and place.reason not in _BEFORE_DRAFT:
        return True
    return removed != (place.reason == "removed") or ((asked or private) and place.reason not in _FINAL)


_BEFORE_DRAFT: Sequence[str] = ("erased", "removed")
"""Reasons that win over that of a draft."""
_FINAL: Sequence[str] = ("erased", "removed", "never-log")
