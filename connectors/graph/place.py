"""How far a folder was read, as cursors: pure.

Forward is a link of a delta query, and a time as long as there is no link. History has two ways. A large folder is read
by the first round of the delta query itself (`due`, then `open`), newest first, and its last page gives the link from
which forward goes on. What a round left out, because the floor was lower than now or the folder was small enough for
its link to be had at once, is listed by time (`done`): links of a listing are not kept, so nothing of it can expire.
"""

from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from typing import Literal

from connectors.errors import Fatal
from connectors.message import Cursor
from connectors.past import read_place, write_place

VALIDITY = "graph"
"""Immutable ids never change their meaning."""
EVERYTHING = ""
_BAD = "a stored place in a folder cannot be read; it was made by another version of the program"


@dataclass(frozen=True, kw_only=True, slots=True)
class Past:
    """A history lane's place.

    top: receivedDateTime of the newest message that is history, '' if there is none. round, link: the delta query's
    first round. floor: what it is read down to. read: down to this day everything was handed out ('': all of it).
    again: the folder was read before, so what it holds may have been marked since. below, at: a listing has come down
    to this second, of which these ids were handed out.
    """

    top: str
    round: Literal["due", "open", "done"]
    link: str = ""
    floor: str = EVERYTHING
    read: str | None = None
    again: bool = False
    below: str = ""
    at: tuple[str, ...] = ()

    def write(self) -> Cursor:
        return write_place("history", **asdict(self))

    def covers(self, since: date | None) -> bool:
        """Whether everything down to this floor was handed out."""
        if self.read is None:
            return False
        return self.read == EVERYTHING or (since is not None and since.isoformat() >= self.read)

    def opened(self, since: date | None) -> "Past":
        """A round that begins now, or anew."""
        return replace(self, round="due", link="", floor=since.isoformat() if since else EVERYTHING)

    def after(self, link: str) -> "Past":
        return replace(self, round="open", link=link)

    def closed(self) -> "Past":
        """The round has come to its end."""
        return replace(self, round="done", link="", read=self.floor)

    def listed(self, below: str, at: tuple[str, ...]) -> "Past":
        return replace(self, below=below, at=at)

    def finished(self, since: date | None) -> "Past":
        return replace(self, read=since.isoformat() if since else EVERYTHING, below="", at=())


def read_past(cursor: Cursor) -> Past:
    """Raises Fatal for a cursor that is not one of ours."""
    fields = read_place(cursor, "history")
    try:
        known = {name: fields[name] for name in Past.__dataclass_fields__}
        return Past(**{**known, "at": tuple(known["at"])})
    except (KeyError, TypeError) as error:
        raise Fatal(_BAD) from error


@dataclass(frozen=True, kw_only=True, slots=True)
class Ahead:
    """A forward lane's place: a link of a delta query, or, until there is one, a second and what was received in it."""

    link: str = ""
    after: str = ""
    at: tuple[str, ...] = ()

    def write(self) -> Cursor:
        return write_place("forward", **asdict(self))


def read_ahead(cursor: Cursor) -> Ahead:
    """Raises Fatal for a cursor that is not one of ours."""
    fields = read_place(cursor, "forward")
    try:
        return Ahead(link=str(fields["link"]), after=str(fields["after"]), at=tuple(fields["at"]))
    except (KeyError, TypeError) as error:
        raise Fatal(_BAD) from error


def written(moment: datetime) -> str:
    """A moment as Graph writes it, UTC in whole seconds: it sorts as text."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def midnight(day: str) -> str:
    return f"{day}T00:00:00Z"
