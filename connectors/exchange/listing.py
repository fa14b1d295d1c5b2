"""All ids of a folder, down to a floor.

A view is asked for in pages by offset, oldest first, so that what arrives stands behind what was read. What leaves
moves all that follows to the front, over the edge of a page: therefore pages overlap, and a page in which the end of
the one before cannot be found begins the listing anew. A message that is wrongly taken for gone is expensive.
"""

import time
from collections.abc import Mapping
from datetime import date, datetime

from connectors.errors import Retriable
from connectors.exchange import shapes
from connectors.exchange.cursors import midnight
from connectors.exchange.faults import NoQuery
from connectors.exchange.reading import RECEIVED, time_is, view
from connectors.exchange.soap import Seat
from connectors.exchange.xml import Element, t

_MOST_LISTINGS = 5
_FRESH = 30.0
"""Seconds for which a listing answers the next question."""
_OVERLAP = 20
"""Items that two pages share; half of them where the server's pages are that small (EWSFindCountLimit)."""


class Listings:
    """The ids of one mailbox's folders.

    A comparison asks for all ids of a folder and at once for those down to a floor: the second answer is made from the
    first one, which tells times too.
    """

    def __init__(self) -> None:
        self._last: tuple[str, float, Mapping[str, datetime | None]] = ("", 0.0, {})

    def ids(self, seat: Seat, folder: str, since: date | None) -> frozenset[str]:
        """What has no time of receipt is not older than anything. Raises Skippable for a folder out of reach, Retriable
        for one that never stands still.
        """
        (last, until, known), self._last = self._last, ("", 0.0, {})
        if since is None:
            found = _all(seat, folder, None)
            self._last = (folder, time.monotonic() + _FRESH, found)
            return frozenset(found)
        floor = midnight(since)
        if last == folder and time.monotonic() < until:
            return frozenset(id for id, when in known.items() if when is None or when >= floor)
        return frozenset(_all(seat, folder, time_is("IsGreaterThanOrEqualTo", floor))) | _timeless(seat, folder)


def _timeless(seat: Seat, folder: str) -> frozenset[str]:
    """Ids of items without a time of receipt, which no comparison of times finds; none where the server cannot tell."""
    offset: int | None = 0
    found: set[str] = set()
    while offset is not None:
        try:
            page = view(seat, folder, restriction=t("Not", t("Exists", shapes.field(RECEIVED))), offset=offset)
        except NoQuery:
            return frozenset()
        found.update(one.id for one in page.items if one.id and one.received is None)
        offset = page.next
    return frozenset(found)


def _all(seat: Seat, folder: str, restriction: Element | None) -> Mapping[str, datetime | None]:
    for _ in range(_MOST_LISTINGS):
        found = _list(seat, folder, restriction)
        if found is not None:
            return found
    raise Retriable("the folder changes faster than it can be listed")


def _list(seat: Seat, folder: str, restriction: Element | None) -> Mapping[str, datetime | None] | None:
    """When each was received. None if more left while it was listed than pages overlap by."""
    found: dict[str, datetime | None] = {}
    offset: int | None = 0
    last = ""
    while offset is not None:
        page = view(seat, folder, restriction=shapes.again(restriction), offset=offset, newest_first=False)
        named = [one.id for one in page.items if one.id]
        if last and last not in named:
            return None
        found.update((one.id, one.received) for one in page.items if one.id)
        last = named[-1] if named else last
        shared = min(_OVERLAP, len(page.items) // 2)
        offset = None if page.next is None else max(page.next - shared, offset + 1)
    return found
