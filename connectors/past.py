"""Where a history lane stands in a folder that can list itself: what was read, down to which floor.

Used by sources whose listing is cheap (in memory, archives on disk). Messages have a key that orders them (any JSON
list) and a day on the server. A pass reads from the top downward what is not older than its floor; when the floor is
lowered, a new pass reads only what the earlier ones left out, so every message is read once whatever order the
floors come in.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, NamedTuple, TypeVar

from connectors.errors import Fatal
from connectors.message import Cursor

Key = Sequence[Any]
"""Orders the messages of a folder: numbers and texts that JSON keeps. Always a list, for comparison's sake."""
VERSION = 1
_Item = TypeVar("_Item")
_BAD_PLACE = "a stored place in a folder cannot be read; it was made by another version of the program"


class Pass(NamedTuple):
    """Read: everything of day ≥ floor with key ≥ low; low None: with any key."""

    floor: date
    low: list[Any] | None


@dataclass(frozen=True, kw_only=True)
class Past:
    """Place of a history lane. top: the first key that belongs to the forward lane."""

    validity: str
    top: list[Any]
    passes: tuple[Pass, ...] = ()

    def holds(self, key: Key, day: date) -> bool:
        """Whether a message is below the top and was not read yet."""
        if not list(key) < self.top:
            return False
        return not any(day >= done.floor and (done.low is None or list(key) >= done.low) for done in self.passes)

    def after(self, floor: date, low: Key | None) -> "Past":
        """The same place once everything not below `floor` was read down to the key `low` (None: to the bottom)."""
        new = Pass(floor, None if low is None else list(low))
        kept = [done for done in self.passes if not _covers(new, done)]
        return replace(self, passes=(*kept, new))

    def write(self) -> Cursor:
        passes = [[done.floor.isoformat(), done.low] for done in self.passes]
        return write_place("history", validity=self.validity, top=self.top, passes=passes)


def _covers(new: Pass, done: Pass) -> bool:
    return new.floor <= done.floor and (new.low is None or (done.low is not None and new.low <= done.low))


def read_past(cursor: Cursor) -> Past:
    """Raises Fatal for a cursor that this program did not write."""
    fields = read_place(cursor, "history")
    try:
        passes = tuple(Pass(date.fromisoformat(floor), low) for floor, low in fields["passes"])
        return Past(validity=str(fields["validity"]), top=list(fields["top"]), passes=passes)
    except (KeyError, TypeError, ValueError) as error:
        raise Fatal(_BAD_PLACE) from error


def write_place(lane: str, **fields: object) -> Cursor:
    return Cursor(json.dumps({"v": VERSION, "lane": lane, **fields}))


def read_place(cursor: Cursor, lane: str) -> dict[str, Any]:
    """The fields of a cursor of this lane. Raises Fatal."""
    try:
        fields = json.loads(cursor)
    except ValueError as error:
        raise Fatal(_BAD_PLACE) from error
    if not isinstance(fields, dict) or fields.get("v") != VERSION or fields.get("lane") != lane:
        raise Fatal(_BAD_PLACE)
    return fields


def portions(items: Sequence[_Item], size: int) -> Iterable[Sequence[_Item]]:
    """Slices of at most `size`."""
    return (items[start : start + size] for start in range(0, len(items), size))
