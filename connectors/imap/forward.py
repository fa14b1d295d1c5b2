"""The forward lane: what arrived in a folder, and which flags changed, since a place in it.

The new place is made of what the server said *before* the fetch. Ids are compared, never counted on to be dense: the
listing is `UID SEARCH UID next:*`, so a jump from 10 to 5000 is one message. The number of messages is kept as a
check: when it does not fit what was listed, something left or was missed, and the page says `verify`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest

from connectors.imap.careful import Careful
from connectors.imap.cursor import Forward, first_history
from connectors.imap.fetch import PAGE, Ahead, Enter, Fetched, fetch_ahead, fetch_flags, flag_changes, flags_of
from connectors.imap.search import listed_ids, most_ids, search, search_command
from connectors.imap.session import IDS_AT_ONCE, UID_END, Session, View
from connectors.imap.syntax import fetch_items, id_sets, number, read_set
from connectors.imap.wire import Response
from connectors.message import Flags, Page

FLAGS_PAGE = 2_000
"""Flag changes in one page."""


@dataclass(kw_only=True)
class News:
    """What changed in a folder: new ids ascending, flags of earlier mail, ids that left (where the server tells)."""

    ids: list[int]
    flags: dict[int, Flags]
    gone: list[int]
    verify: bool = False
    modseqs: dict[int, int] = field(default_factory=dict)


def first_page(session: Session, view: View, *, renumbered: bool = False) -> Page:
    """Both lanes' beginnings: S is the next id to come. No envelope."""
    top = view.uidnext or _highest(session, view) + 1
    place = Forward(validity=view.validity, next=top, expected=view.exists, uidnext=view.uidnext, modseq=view.modseq)
    return Page(
        validity=str(view.validity),
        cursor=place.write(),
        history=first_history(view.validity, top).write(),
        renumbered=renumbered,
    )


def read_news(
    enter: Enter, view: View, place: Forward, *, just_opened: bool, careful: Careful | None = None
) -> Iterator[Page]:
    """Pages from `place` to now, oldest first. `view` is the folder as of a moment ago; the validity is the same."""
    before = replace(view)
    if just_opened and _unchanged(before, place):
        return
    fell = just_opened and before.uidnext is not None and before.uidnext < place.next
    if fell:  # a folder restored from a backup gives ids out a second time, which no server should
        place = replace(place, next=before.uidnext or 1)
    news = _listed(enter(), before, place)
    _forget_reported(news, place, before)
    news.verify = news.verify or fell or not _fits(news, place, before.exists, view.exists)
    end = _end_place(news, place, before, view)
    view.reported = (end, news.modseqs)
    yield from _pages(enter, news, place, end, careful)


def _unchanged(view: View, place: Forward) -> bool:
    """Whether what EXAMINE says leaves no room for news."""
    return (
        view.uidnext is not None
        and view.uidnext == place.uidnext
        and view.exists == place.expected
        and view.modseq == place.modseq
    )


def _listed(session: Session, view: View, place: Forward) -> News:
    """The new ids, and in the same flight the flags that changed."""
    news = News(ids=[], flags={}, gone=[])
    if not view.exists:
        return news
    since = _known_modseq(view, place)
    commands = [search_command(session, b"UID %d:*" % place.next)]
    if since and place.next > 1:
        commands.append(_changed_since(session, since))
    _ask_news(session, commands, news, place)
    if since is None and place.modseq is not None and place.next > 1:
        news.flags, news.verify = _all_flags(session, place), True
    return news


def _known_modseq(view: View, place: Forward) -> int | None:
    """The modification sequence to ask from, or None where the server forgot it (RFC 7162: it never falls)."""
    if place.modseq is None or view.modseq is None or view.modseq < place.modseq:
        return None
    return place.modseq


def _changed_since(session: Session, modseq: int) -> bytes:
    """What has changed, new mail included, and with QRESYNC the ids that left (RFC 7162 section 3.2.6)."""
    labels = b" X-GM-LABELS" if session.has("X-GM-EXT-1") else b""
    vanished = b" VANISHED" if session.tells_gone else b""
    return b"UID FETCH 1:* (UID FLAGS%s) (CHANGEDSINCE %d%s)" % (labels, modseq, vanished)


def _ask_news(session: Session, commands: Sequence[bytes], news: News, place: Forward) -> None:
    found: set[int] = set()
    most = most_ids(session)

    def take(response: Response) -> None:
        items = fetch_items(response)
        if items is None:
            found.update(listed_ids(response, most))
            if response[0][:21].upper() == b"* VANISHED (EARLIER) ":
                _note_gone(news, response[0][21:], place)
            return
        uid, modseq = number(items.get(b"UID")), session.view.note_modseq(items) if session.view else None
        if uid is not None and modseq is not None:
            news.modseqs[uid] = modseq
        if uid is not None and uid < place.next and b"FLAGS" in items:
            news.flags[uid] = flags_of(items)

    listing, *changed = session.burst(commands, take)
    if listing.status == "BAD":  # asked again in the plainest way
        found.update(search(session, [b"UID %d:*" % place.next]))
    else:
        listing.insist("UID SEARCH")
    news.ids = sorted(uid for uid in found if place.next <= uid < UID_END)  # `next:*` always answers the last one
    news.verify = news.verify or any(done.status != "OK" for done in changed)


def _forget_reported(news: News, place: Forward, view: View) -> None:
    """Leave out flags that the round before told already, which this place comes from.

    Where a server names the highest modification sequence late, it is asked once more from the one before.
    """
    known = view.reported[1] if view.reported and view.reported[0] == place else {}
    for uid, modseq in news.modseqs.items():
        if known.get(uid) == modseq:
            news.flags.pop(uid, None)


def _note_gone(news: News, ids: bytes, place: Forward) -> None:
    gone = read_set(ids, IDS_AT_ONCE)
    if gone is None:
        news.verify = True
    else:
        news.gone += [uid for uid in gone if uid < place.next]


def _all_flags(session: Session, place: Forward) -> dict[int, Flags]:
    """HIGHESTMODSEQ fell or is gone: what changed cannot be told, so everything counts as changed."""
    flags: dict[int, Flags] = {}
    for portion in id_sets(search(session, [b"UID 1:%d" % (place.next - 1)]), most=FLAGS_PAGE, octets=8_000):
        flags.update(fetch_flags(session, portion))
    return flags


def _fits(news: News, place: Forward, before: int, after: int) -> bool:
    """Whether the number of messages, before or after the listing, is what the listing explains.

    Where the server named who left, it may have named more than were there (RFC 7162 section 3.2.10.1).
    """
    most = place.expected + len(news.ids)
    least = most - len(news.gone)
    return any(least <= exists <= most for exists in (before, after))


def _end_place(news: News, place: Forward, before: View, after: View) -> Forward:
    most = place.expected + len(news.ids)
    following = news.ids[-1] + 1 if news.ids else place.next
    explained = [n for n in (before.exists, after.exists) if most - len(news.gone) <= n <= most]
    return Forward(
        validity=place.validity,
        next=following,
        expected=explained[0] if explained else before.exists,
        uidnext=max(before.uidnext, following) if before.uidnext else None,
        modseq=before.modseq,
    )


def _pages(enter: Enter, news: News, place: Forward, end: Forward, careful: Careful | None) -> Iterator[Page]:
    """Flags first, then envelopes; each page's cursor covers exactly the pages so far."""
    chunks = [news.ids[i : i + PAGE] for i in range(0, len(news.ids), PAGE)]
    yield from _flag_pages(news, place, end, last=not chunks)
    left = len(news.ids)
    ahead: Ahead | None = None
    for chunk, following in zip_longest(chunks, chunks[1:]):
        if careful is not None:
            fetched = careful.fetch(chunk)
        else:
            fetched, ahead = fetch_ahead(enter(), chunk, following or (), ahead)
        left -= len(chunk)
        cursor = replace(end, next=chunk[-1] + 1, expected=end.expected - left) if left else end
        yield _envelope_page(fetched, cursor, verify=news.verify and not left)


def _flag_pages(news: News, place: Forward, end: Forward, *, last: bool) -> Iterator[Page]:
    """Pages of flag changes and of ids gone. Only the last of a round may say that the flags are read."""
    flags = flag_changes(news.flags)
    portions = [flags[i : i + FLAGS_PAGE] for i in range(0, len(flags), FLAGS_PAGE)]
    for portion in portions[:-1]:
        yield Page(validity=str(place.validity), flags=portion)
    verify, moved = news.verify and last, end != place
    if portions or news.gone or (last and (verify or moved)):
        yield Page(
            validity=str(place.validity),
            flags=portions[-1] if portions else (),
            gone=tuple(map(str, news.gone)),
            cursor=end.write() if last else _flags_read(news, place, end).write(),
            verify=verify,
        )


def _flags_read(news: News, place: Forward, end: Forward) -> Forward:
    return replace(place, modseq=end.modseq, expected=end.expected - len(news.ids))


def _envelope_page(fetched: Fetched, place: Forward, *, verify: bool) -> Page:
    return Page(
        validity=str(place.validity),
        envelopes=tuple(fetched.envelopes),
        withheld=tuple(fetched.withheld),
        cursor=place.write(),
        verify=verify,
    )


def _highest(session: Session, view: View) -> int:
    """The highest id, for servers without UIDNEXT (RFC 3501 section 2.3.1.1)."""
    found: list[Sequence[int]] = []

    def take(response: Response) -> None:
        items = fetch_items(response)
        uid = number(items.get(b"UID")) if items else None
        if uid is not None:
            found.append([uid])

    if view.exists:
        session.ask(b"FETCH * (UID)", take)
    return max((uid for uids in found for uid in uids), default=0)
