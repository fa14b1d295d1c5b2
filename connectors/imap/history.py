"""The history lane: everything below S, newest first, down to a floor on the server's date.

Ids are listed in slices of the id space, because sequence numbers shift and one line must not hold a whole mailbox.
The first slice is small, so that the newest mail is there at once; then slices follow the density that is found.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from connectors.imap.careful import Careful
from connectors.imap.cursor import EVERYTHING, History, Region
from connectors.imap.fetch import PAGE, Ahead, Enter, Fetched, fetch_ahead
from connectors.imap.search import PORTION, between, search
from connectors.imap.session import UID_END, Session
from connectors.message import Page

FIRST_PAGE = 100
"""Envelopes in the page that shows the user the newest mail."""
SLICE = 20_000
"""Messages that a slice should list: some milliseconds of the server's time."""


@dataclass(kw_only=True)
class Slice:
    """Ids listed in low ≤ id < high and not read yet, highest first."""

    low: int
    high: int
    ids: list[int]

    def take(self, count: int) -> list[int]:
        """The next ids to read."""
        chunk, self.ids = self.ids[:count], self.ids[count:]
        return chunk


def read_history(enter: Enter, place: History, since: date | None, careful: Careful | None = None) -> Iterator[Page]:
    """Pages below the cursor. Ends at once when all was read down to `since`."""
    floor = since or EVERYTHING
    listed: Slice | None = None
    ahead: Ahead | None = None
    size, width, moved = FIRST_PAGE, 0, False
    while (region := place.unread(floor)) is not None:
        session = enter()
        if listed is None or not listed.ids:
            width = _next_width(session, width, listed)
            listed = _list_slice(session, region, floor, width)
        if not listed.ids:
            place, moved = place.after_reading(listed.low, listed.high, floor), True
            continue
        chunk = listed.take(size)
        if careful is not None:
            fetched = careful.fetch(chunk)
        else:
            following = listed.ids[:PAGE] if size == PAGE else ()  # the newest texts wait for nothing
            fetched, ahead = fetch_ahead(session, chunk, following, ahead)
        low = chunk[-1] if listed.ids else listed.low
        place, listed.high = place.after_reading(low, listed.high, floor), low
        yield _page(place, fetched)
        size, moved = PAGE, False
    if moved:
        yield Page(validity=str(place.validity), cursor=place.write())


def _next_width(session: Session, width: int, last: Slice | None) -> int:
    """How many ids the next slice spans: little at first, then as many as hold about `SLICE` messages."""
    exists, top = _size(session)
    density = max(1, top // max(1, exists))
    if last is None:
        return 4 * FIRST_PAGE * density
    return min(UID_END, max(SLICE * density, width * 4 if exists <= PORTION or width < SLICE else width))


def _size(session: Session) -> tuple[int, int]:
    view = session.view
    return (view.exists, view.uidnext or view.exists) if view else (1, 1)


def _list_slice(session: Session, region: Region, floor: date, width: int) -> Slice:
    """The ids at the upper end of a region that are due: not below `floor`, not read by an earlier pass."""
    low = max(region.low, region.high - width)
    dates = between(floor, region.floor)
    ids = search(session, [b"UID %d:%d%s" % (low, region.high - 1, dates)])
    return Slice(low=low, high=region.high, ids=[uid for uid in reversed(ids) if low <= uid < region.high])


def _page(place: History, fetched: Fetched) -> Page:
    return Page(
        validity=str(place.validity),
        envelopes=tuple(fetched.envelopes),
        withheld=tuple(fetched.withheld),
        cursor=place.write(),
    )
