"""The two lanes of a folder, page by page: news by delta links, history by the first round or by listing.

Delta queries have no "from now on": the link to what changes later comes at the end of a round over all there is. Of a
folder that fits into one page it is had at first contact. Of a larger one the history lane reads that round and hands
the link over with its last page (`Page.forward`); until then forward lists what was received since, by time. Rounds may
repeat and reorder what they tell; nothing is left out for having been seen, for that is for the store to know.
"""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial

from connectors.errors import Interrupted
from connectors.graph.client import GraphClient, Query, relative, segment, with_query
from connectors.graph.entries import FIELDS, LISTED, Entry, is_removed, is_whole, moment
from connectors.graph.faults import Refused, Reply, Stale, Trouble
from connectors.graph.fetching import LISTING, Fetcher, Found
from connectors.graph.place import VALIDITY, Ahead, Past, midnight, read_ahead, read_past, written
from connectors.graph.together import Together
from connectors.graph.watch import Watch
from connectors.http_dates import http_date
from connectors.message import Cursor, Envelope, Folder, Page

PAGE = 250
_ENVELOPE: Query = {"$select": f"id,{FIELDS}"}
_IDS: Query = {"$select": "id,receivedDateTime", "$top": 1000}
_NEWEST_FIRST = "receivedDateTime desc"
_ROUNDS = 100_000


@dataclass(frozen=True, kw_only=True)
class Lanes:
    """What both lanes of a mailbox work with. page: messages asked for at once."""

    client: GraphClient
    fetcher: Fetcher
    watch: Watch
    together: Together
    page: int = PAGE

    @property
    def prefer(self) -> tuple[str, ...]:
        return (f"odata.maxpagesize={self.page}",)

    # Forward

    def expect(self, wanted: Sequence[tuple[Folder, Cursor | None]]) -> None:
        """See `connectors.base.AsksTogether`. What a poll was told already is not asked again."""
        paths: dict[str, str] = {}
        for folder, cursor in wanted:
            link = self._round(folder, self._envelope) if cursor is None else read_ahead(cursor).link
            if link and not self.watch.knows(folder.key, link):
                paths[folder.key] = link
        self.together.expect(paths)

    def changes(self, folder: Folder, cursor: Cursor | None) -> Iterator[Page]:
        """See `connectors.base.MailSource`. A link the server has forgotten begins both lanes anew."""
        if cursor is None:
            yield self._begin(folder)
            return
        ahead = read_ahead(cursor)
        if not ahead.link:
            yield from self._lately(folder, ahead)
            return
        link, answer = self.watch.newest(folder.key, ahead.link)
        try:
            answer = answer or self.together.answer(folder.key, link)
            yield from self._news(folder, ahead.link, link, answer)
        except (Stale, Refused):  # a link that was moved to another server may be called badly formed (400)
            self.watch.forget(folder.key)
            yield self._begin(folder, again=True)

    def _news(self, folder: Folder, base: str, link: str, answer: Reply | None) -> Iterator[Page]:
        for _ in range(_ROUNDS):
            told = answer if answer is not None else self.client.replied(link, self.prefer)
            answer = None
            step, last = _link_of(told)
            if not last and step == link:
                raise Interrupted("Microsoft Graph answers a link with itself")
            page = self._page(folder, _entries(told), Ahead(link=step).write())
            if last:
                self.watch.note(folder.key, step)
            if page.envelopes or page.gone or page.withheld or step != base:
                yield page
            if last:
                return
            link = step
        raise Interrupted("Microsoft Graph never comes to the end of a folder's changes")

    def _lately(self, folder: Folder, ahead: Ahead) -> Iterator[Page]:
        """What was received since, oldest first. What leaves meanwhile is told by the link that is still to come."""
        link = ""
        for _ in range(_ROUNDS):
            told = self._told(partial(self._lately_query, folder, ahead.after), link)
            handed = set(ahead.at)
            fresh = [entry for entry in _entries(told) if entry["id"] not in handed]
            last = max((_received(entry) for entry in fresh), default=ahead.after)
            at = tuple(str(entry["id"]) for entry in fresh if _received(entry) == last)
            link = str(told.body.get("@odata.nextLink") or "") if last == ahead.after else ""
            ahead = Ahead(after=last, at=(*ahead.at, *at) if last == ahead.after else at)
            if fresh:
                yield self._page(folder, fresh, ahead.write())
            if not told.body.get("@odata.nextLink"):
                return
        raise Interrupted("Microsoft Graph never comes to the end of a folder's news")

    def _page(self, folder: Folder, entries: Sequence[Entry], cursor: Cursor) -> Page:
        """What happened, the oldest message first."""
        last = _last_words(entries)
        found = self._whole(folder, last)
        flags, kept_back = self.fetcher.marks(folder, found.entries)
        return Page(
            validity=VALIDITY,
            envelopes=_oldest_first(self.fetcher.envelopes(found.entries)),
            flags=flags,
            gone=(*(id for id, entry in last.items() if is_removed(entry)), *found.gone),
            withheld=(*found.withheld, *kept_back),
            cursor=cursor,
        )

    def _whole(self, folder: Folder, last: Mapping[str, Entry]) -> Found:
        """The messages among these. What tells only a part of one is asked for by its id."""
        there = {id: entry for id, entry in last.items() if not is_removed(entry)}
        found = self.fetcher.entries(folder, [id for id, entry in there.items() if not is_whole(entry)], LISTING)
        found.entries[:0] = [entry for entry in there.values() if is_whole(entry)]
        return found

    def _begin(self, folder: Folder, *, again: bool = False) -> Page:
        """Both lanes from the beginning: the first page of a round says how large the folder is."""
        expected = self.together.answer(folder.key, self._round(folder, self._envelope))
        told = expected or self._told(partial(self._round, folder))
        times = [when for entry in _entries(told) if (when := moment(entry.get("receivedDateTime"))) is not None]
        link, whole = _link_of(told)
        if whole:
            past, ahead = Past(top=written(max(times)) if times else "", round="done", again=again), Ahead(link=link)
            self.watch.note(folder.key, link)
        else:
            newest = min(max(times, default=datetime.now(UTC)), _server_time(told))
            past = Past(top=written(newest), round="due", again=again)
            ahead = Ahead(after=written(newest + timedelta(seconds=1)))
            self.watch.forget(folder.key)
        return Page(validity=VALIDITY, cursor=ahead.write(), history=past.write())

    # History

    def history(self, folder: Folder, cursor: Cursor, since: date | None) -> Iterator[Page]:
        """See `connectors.base.MailSource`."""
        past = read_past(cursor)
        if past.round != "done":
            past = yield from self._first_round(folder, past, since)
        if past.top and not past.covers(since):
            yield from self._listing(folder, past, since)

    def _first_round(self, folder: Folder, past: Past, since: date | None) -> Generator[Page, None, Past]:
        renewed = False
        for _ in range(_ROUNDS):
            if past.round == "due":
                past = past.opened(since)
            try:
                told = self._told(partial(self._round, folder), past.link)
            except (Stale, Refused):
                if renewed or not past.link:
                    raise
                renewed, past = True, past.opened(since)
                continue
            link, last = _link_of(told)
            past = past.closed() if last else past.after(link)
            page = self._past_page(folder, _entries(told), past, forward=link if last else None)
            if last:
                self.watch.jump(folder.key, link)
            yield page
            if last:
                return past
        raise Interrupted("Microsoft Graph never comes to the end of a folder")

    def _past_page(self, folder: Folder, entries: Sequence[Entry], past: Past, *, forward: str | None) -> Page:
        """Of what the round tells the part that is history and not older than the floor."""
        found = self._whole(folder, _last_words(entries))
        ours = [entry for entry in found.entries if _is_past(entry, past)]
        flags, kept_back = self.fetcher.marks(folder, ours if past.again else ())
        return Page(
            validity=VALIDITY,
            envelopes=_newest_first(self.fetcher.envelopes(ours)),
            flags=flags,
            withheld=(*found.withheld, *kept_back),
            cursor=past.write(),
            forward=Ahead(link=forward).write() if forward else None,
        )

    def _listing(self, folder: Folder, past: Past, since: date | None) -> Iterator[Page]:
        """By time, downward: a page begins at the second where the last one ended, whatever came and went between."""
        for told, more in self._by_time(folder, past, since):
            handed = set(past.at)
            fresh = [entry for entry in told if entry["id"] not in handed]
            below = min((_received(entry) for entry in told), default=past.below)
            at = tuple(str(entry["id"]) for entry in told if _received(entry) == below)
            kept = past.at if below == past.below else ()
            past = past.listed(below, tuple(dict.fromkeys((*kept, *at)))) if more else past.finished(since)
            flags, kept_back = self.fetcher.marks(folder, fresh if past.again else ())
            yield Page(
                validity=VALIDITY,
                envelopes=_newest_first(self.fetcher.envelopes(fresh)),
                flags=flags,
                withheld=tuple(kept_back),
                cursor=past.write(),
            )

    def _by_time(self, folder: Folder, past: Past, since: date | None) -> Iterator[tuple[Sequence[Entry], bool]]:
        """Pages of what lies between the place and the floor, and whether more follow."""
        begun = past.below or past.read is None
        upper = _within(past.below or past.top) if begun else f"lt {midnight(past.read or '')}"
        yield from self._listed(folder, upper, since)

    def _listed(
        self, folder: Folder, upper: str | None, since: date | None, *, ids_only: bool = False
    ) -> Iterator[tuple[Sequence[Entry], bool]]:
        """A listing, newest first. Its own links count places, which shift while mail leaves: the next page is asked
        for by the time where this one ended, and by its link only where one second fills a page.
        """
        link, below = "", ""
        for _ in range(_ROUNDS):
            path = partial(self._list_query, folder, upper, since)
            told = self.client.replied(link or path(_IDS)) if ids_only else self._told(path, link)
            entries, more = _entries(told), told.body.get("@odata.nextLink")
            yield entries, bool(more)
            if not more:
                return
            lowest = min((when for entry in entries if (when := _received(entry))), default="")
            fresh = bool(lowest) and lowest != below
            link = "" if fresh else str(more)
            upper, below = (_within(lowest), lowest) if fresh else (upper, below)
        raise Interrupted("Microsoft Graph never comes to the end of a folder")

    def ids(self, folder: Folder, since: date | None) -> frozenset[str]:
        """All ids not older than the floor."""
        pages = self._listed(folder, None, since, ids_only=True)
        return frozenset(str(entry["id"]) for entries, _ in pages for entry in entries)

    def _told(self, path: Callable[[Query], str], link: str = "") -> Reply:
        """What a link says, or a path for envelopes if there is no link yet; without `$expand` if that is refused.

        Delta queries of Exchange Online have been seen to answer an `$expand` with 500 instead of a refusal.
        """
        if link:
            return self.client.replied(link, self.prefer)
        if self.fetcher.expands:
            try:
                return self.client.replied(path(self._envelope), self.prefer)
            except (Refused, Trouble):
                plain = self.client.replied(path(_ENVELOPE), self.prefer)  # raises if `$expand` is not to blame
                self.fetcher.expands = False
                return plain
        return self.client.replied(path(_ENVELOPE), self.prefer)

    # Paths

    @property
    def _envelope(self) -> Query:
        return {**_ENVELOPE, "$expand": LISTED} if self.fetcher.expands else _ENVELOPE

    def _round(self, folder: Folder, envelope: Query) -> str:
        return with_query(self._messages(folder, "/delta"), {**envelope, "$orderby": _NEWEST_FIRST})

    def _lately_query(self, folder: Folder, after: str, envelope: Query) -> str:
        query = {**envelope, "$filter": f"receivedDateTime ge {after}", "$orderby": "receivedDateTime asc"}
        return with_query(self._messages(folder), {**query, "$top": self.page})

    def _list_query(self, folder: Folder, upper: str | None, since: date | None, query: Query) -> str:
        bounds = [f"receivedDateTime {upper}"] if upper else []
        bounds += [f"receivedDateTime ge {midnight(since.isoformat())}"] if since else []
        narrowed = {"$filter": " and ".join(bounds)} if bounds else {}
        paged = {"$top": self.page, **query, **narrowed, "$orderby": _NEWEST_FIRST}
        return with_query(self._messages(folder), paged)

    def _messages(self, folder: Folder, tail: str = "") -> str:
        return f"{self.client.user}/mailFolders/{segment(folder.key)}/messages{tail}"


def _link_of(told: Reply) -> tuple[str, bool]:
    """The link to go on from, without host, and whether the round ends with it. Raises Interrupted."""
    for name, last in (("@odata.nextLink", False), ("@odata.deltaLink", True)):
        if link := told.body.get(name):
            return relative(str(link)), last
    raise Interrupted("Microsoft Graph answered without a link to go on from")


def _entries(told: Reply) -> list[Entry]:
    value = told.body.get("value")
    return [one for one in value if isinstance(one, dict) and one.get("id")] if isinstance(value, list) else []


def _last_words(entries: Sequence[Entry]) -> dict[str, Entry]:
    """Within a page the last word on a message counts."""
    return {str(entry["id"]): entry for entry in entries}


def _received(entry: Entry) -> str:
    when = moment(entry.get("receivedDateTime"))
    return written(when) if when is not None else ""


def _within(second: str) -> str:
    """The bound above all that was received up to the end of a second: Exchange keeps parts of one, and shows none."""
    return f"lt {written(datetime.fromisoformat(second) + timedelta(seconds=1))}"


def _is_past(entry: Entry, past: Past) -> bool:
    """Mail whose time nobody knows belongs to history."""
    when = _received(entry)
    return not when or (when <= past.top and when >= past.floor)


def _server_time(told: Reply) -> datetime:
    """What the server's clock says (RFC 9110 section 6.6.1), or ours."""
    return http_date(told.headers.get("date", "")) or datetime.now(UTC)


def _oldest_first(envelopes: Sequence[Envelope]) -> tuple[Envelope, ...]:
    return tuple(sorted(envelopes, key=lambda one: one.server_time or datetime.min.replace(tzinfo=UTC)))


def _newest_first(envelopes: Sequence[Envelope]) -> tuple[Envelope, ...]:
    return tuple(reversed(_oldest_first(envelopes)))
