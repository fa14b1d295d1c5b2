"""Where the two lanes of a folder stand. Opaque to everyone else; Fatal for what this program did not write."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from connectors.errors import Fatal
from connectors.message import Cursor
from connectors.past import read_place, write_place

VALIDITY = "ews"
"""Ids of EWS never change their meaning: one that moved is gone."""
_BAD_PLACE = "a stored place in a folder cannot be read; it was made by another version of the program"
_SECOND = timedelta(seconds=1)
BEGINNING = datetime(1601, 1, 1, tzinfo=UTC)
"""Where Exchange begins to count time ([MS-DTYP] section 2.3.3)."""


@dataclass(frozen=True, kw_only=True)
class Forward:
    """state: what SyncFolderItems goes on from. how: what its answer means.

    "news": changes since. "skip": the folder as it was at first contact, which the history lane owns. "first": the
    same, of which nothing was shown yet. "again": the folder as it is, because the server forgot the state: all of it
    may be news.
    """

    state: str
    how: str = "news"

    def write(self) -> Cursor:
        return write_place("forward", state=self.state, how=self.how)


@dataclass(frozen=True, kw_only=True)
class History:
    """below: everything received at or after this second was read, but for the second before it, of which `read` names
    what was (short digests of ids). None: nothing was read. state: what came after it is the forward lane's; '' if
    the folder was too large to see all of it at first contact.
    """

    state: str
    below: datetime | None = None
    read: frozenset[str] = frozenset()

    def write(self) -> Cursor:
        below = None if self.below is None else self.below.isoformat()
        return write_place("history", state=self.state, below=below, read=sorted(self.read))

    def after(self, when: datetime, ids: Iterable[str]) -> "History":
        """The same place once everything was read down to these ids of one second."""
        below = when.replace(microsecond=0) + _SECOND
        earlier = self.read if below == self.below else frozenset()
        return replace(self, below=below, read=earlier | {digest(id) for id in ids})

    def down_to(self, floor: datetime | None) -> "History":
        """The same place once nothing is left above a floor; None: once nothing is left at all."""
        floor = floor or BEGINNING
        return self if self.reached(floor) else replace(self, below=floor, read=frozenset())

    def reached(self, floor: datetime | None) -> bool:
        """Whether everything down to a floor was read."""
        return self.below is not None and self.below <= (floor or BEGINNING)

    def holds(self, id: str, when: datetime | None) -> bool:
        """Whether an item was read already. Only those of the second in question are compared."""
        if self.below is None or when is None:
            return False
        return when.replace(microsecond=0) + _SECOND == self.below and digest(id) in self.read


def digest(id: str) -> str:
    """Short, and long enough for the items of one second."""
    return hashlib.sha256(id.encode()).hexdigest()[:12]


def read_forward(cursor: Cursor) -> Forward:
    fields = read_place(cursor, "forward")
    try:
        return Forward(state=str(fields["state"]), how=str(fields["how"]))
    except KeyError as error:
        raise Fatal(_BAD_PLACE) from error


def read_history(cursor: Cursor) -> History:
    fields = read_place(cursor, "history")
    try:
        below = datetime.fromisoformat(fields["below"]) if fields["below"] is not None else None
        return History(state=str(fields["state"]), below=below, read=frozenset(map(str, fields["read"])))
    except (KeyError, TypeError, ValueError) as error:
        raise Fatal(_BAD_PLACE) from error


def midnight(day: date) -> datetime:
    """Exchange tells times in UTC, so its day is UTC's."""
    return datetime.fromisoformat(f"{day.isoformat()}T00:00:00+00:00")
