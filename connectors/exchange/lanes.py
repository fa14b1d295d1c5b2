"""The two lanes of a folder.

SyncFolderItems gives no "from now on", only "all, and then what changes". So first contact passes over what is there,
ids alone and 512 at a time, up to the state from which the forward lane goes on; a very large folder is passed over
page by page, each page committed, once its newest mail was read: that is seen before all the rest is listed, and the
history lane finds it known. The history lane asks for views, newest first, second by second downward, because
offsets shift when mail comes and goes. Before a view it looks which ids came since first contact: those are the
forward lane's.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta

from connectors.errors import Retriable
from connectors.exchange import shapes
from connectors.exchange.cursors import VALIDITY, Forward, History, midnight
from connectors.exchange.faults import NoState
from connectors.exchange.reading import Change, Changes, Listed, View, both, sync, time_is, view
from connectors.exchange.soap import Seat
from connectors.message import Envelope, FlagChange, Page, Withheld

PAGE = 200
"""Messages in a page of history: two requests for envelopes, and soon the first mail to be seen."""
_MOST_PASSED = 20
"""Requests that first contact may take: 10,240 messages. A larger folder is passed over in pages."""
_MOST_BEGINNINGS = 3
_LATELY = timedelta(days=7)
"""How young an item may be that is told as changed before it was ever told as new."""
_EARLIEST = midnight(date(1970, 1, 1))

Fetch = Callable[[Sequence[str]], tuple[list[Envelope], list[Withheld], list[str]]]
"""Envelopes of these ids, what was withheld, and what is gone."""


def first_contact(seat: Seat, folder: str) -> Page:
    """A page without mail: the forward lane from now on, the history lane below."""
    state = ""
    for _ in range(_MOST_PASSED):
        answer = sync(seat, folder, state)
        state = answer.state
        if answer.last:
            forward, history = Forward(state=state), History(state=state)
            return Page(validity=VALIDITY, cursor=forward.write(), history=history.write())
    return Page(validity=VALIDITY, cursor=Forward(state=state, how="first").write(), history=History(state="").write())


def read_news(seat: Seat, folder: str, place: Forward, fetch: Fetch) -> Iterator[Page]:
    """Everything since the place. A state that the server forgot begins the folder anew, through the same pages."""
    beginnings = 0
    if place.how == "first":
        place = Forward(state=place.state, how="skip")
        yield _newest(seat, folder, place, fetch)
    while True:
        try:
            answer = sync(seat, folder, place.state)
        except NoState:
            beginnings += 1
            if beginnings > _MOST_BEGINNINGS or not place.state:
                raise
            place = Forward(state="", how="skip" if place.how == "skip" else "again")
            continue
        after = Forward(state=answer.state, how="news" if answer.last else place.how)
        page = _page(answer, place.how, after, fetch)
        if page is not None:
            yield page
        if answer.last:
            return
        _check_moves(place, after)
        place = after


def _newest(seat: Seat, folder: str, place: Forward, fetch: Fetch) -> Page:
    """A page of what a large folder got last, out of turn. What is not handed out is told when its turn comes."""
    envelopes, _, _ = fetch([one.id for one in view(seat, folder).items[:PAGE]])
    return Page(validity=VALIDITY, envelopes=tuple(sorted(envelopes, key=_received)), cursor=place.write())


def _check_moves(place: Forward, after: Forward) -> None:
    if place.state == after.state:
        raise Retriable("the mail server says that more is to come, and never tells it")


def _page(answer: Changes, how: str, after: Forward, fetch: Fetch) -> Page | None:
    """None where nothing happened.

    Of what changed and is young the envelopes are told too: a server that merges changes tells of an arrival which was
    flagged at once as a change alone. Those that are known cost nothing.
    """
    if how == "skip":
        return Page(validity=VALIDITY, cursor=after.write())
    if not answer.changes and how == "news":
        return None
    new, changed, gone = _sorted(answer.changes)
    envelopes, withheld, left = fetch([*new, *changed])
    known = [envelope for envelope in envelopes if how == "again" or envelope.id in changed]
    told = [envelope for envelope in envelopes if envelope.id not in changed or _came_lately(envelope)]
    return Page(
        validity=VALIDITY,
        envelopes=tuple(sorted(told, key=_received)),
        flags=tuple(FlagChange(id=envelope.id, flags=envelope.flags) for envelope in known),
        gone=tuple(dict.fromkeys((*gone, *left))),
        withheld=tuple(withheld),
        cursor=after.write(),
        verify=how == "again" and answer.last,
    )


def _sorted(changes: Sequence[Change]) -> tuple[list[str], dict[str, None], list[str]]:
    """(new, changed, gone), each id once by what became of it in the end."""
    new: dict[str, None] = {}
    changed: dict[str, None] = {}
    gone: dict[str, None] = {}
    for change in changes:
        if change.kind == "create":
            gone.pop(change.id, None)
            new[change.id] = None
        elif change.kind == "delete":
            new.pop(change.id, None)
            changed.pop(change.id, None)
            gone[change.id] = None
        elif change.kind == "update" and change.id not in new:
            gone.pop(change.id, None)
            changed[change.id] = None
    return list(new), changed, list(gone)


def _came_lately(envelope: Envelope) -> bool:
    return _received(envelope) > datetime.now(UTC) - _LATELY


def _received(envelope: Envelope) -> datetime:
    return envelope.server_time or _EARLIEST


def read_past(seat: Seat, folder: str, place: History, since: date | None, fetch: Fetch) -> Iterator[Page]:
    """What was there at first contact, newest first, down to the floor."""
    floor = None if since is None else midnight(since)
    newer = _Newer(seat, folder, place.state)
    while not place.reached(floor):
        before, (unread, more) = place, _unread(seat, folder, place, floor)
        theirs = newer.ids() if unread else set()
        for start in range(0, len(unread), PAGE):
            portion = unread[start : start + PAGE]
            envelopes, withheld, _ = fetch([one.id for one in portion if one.id not in theirs])
            place = _after(place, portion)
            last = not more and start + PAGE >= len(unread)
            done = place.down_to(floor) if last else place
            yield Page(validity=VALIDITY, envelopes=tuple(envelopes), withheld=tuple(withheld), cursor=done.write())
        if not more or place == before:  # what has no time is left to the comparison of all ids
            return


def _after(place: History, portion: Sequence[Listed]) -> History:
    """Where the lane stands after a portion: at its last second, with all it read of that one."""
    times = [one.received for one in portion if one.received is not None]
    if not times:
        return place
    low = times[-1]
    return place.after(low, [one.id for one in portion if one.received is not None and _same(one.received, low)])


def _same(one: datetime, other: datetime) -> bool:
    return one.replace(microsecond=0) == other.replace(microsecond=0)


def _unread(seat: Seat, folder: str, place: History, floor: datetime | None) -> tuple[list[Listed], bool]:
    """The next items below the place, and whether more lie below them. Pages that were read already are passed over."""
    below = None if place.below is None else time_is("IsLessThan", place.below)
    above = None if floor is None else time_is("IsGreaterThanOrEqualTo", floor)
    offset: int | None = 0
    while offset is not None:
        page: View = view(seat, folder, restriction=both(below, above), offset=offset)
        unread = [one for one in page.items if not place.holds(one.id, one.received)]
        if unread:
            return unread, page.next is not None
        offset = page.next
        below, above = shapes.again(below), shapes.again(above)
    return [], False


class _Newer:
    """The ids that came since first contact, told more of each time it is asked."""

    def __init__(self, seat: Seat, folder: str, state: str) -> None:
        self._seat, self._folder, self._state = seat, folder, state
        self._ids: set[str] = set()

    def ids(self) -> set[str]:
        """Not all of them where first contact did not see all: what comes twice then is known by its id."""
        while self._state:
            try:
                answer = sync(self._seat, self._folder, self._state)
            except NoState:
                self._state = ""
                break
            self._ids |= {change.id for change in answer.changes if change.kind == "create"}
            self._state = answer.state
            if answer.last:
                break
        return self._ids
