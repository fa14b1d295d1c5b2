"""Texts and attachment names, in as few round trips as the server allows, in bounded memory whatever it sends.

A small message comes whole in the first flight and needs no structure: servers get structures wrong. Of a large one
come its structure and its beginning, which holds the text of most mail; other text sections come in a second flight.
Where a structure is refused, garbled or does not fit what is sent, the message itself is read, up to a bound.
"""

from collections.abc import Iterator, Mapping, Sequence

from connectors import mime
from connectors.imap.faults import clean
from connectors.imap.fetch import Enter, Items, fetch_each, only
from connectors.imap.search import present
from connectors.imap.sections import Draft, flights, inner_section, is_sound, message, read_sections, section_of
from connectors.imap.session import Session
from connectors.imap.structure import plan, read_structure
from connectors.imap.syntax import Garbled, fetch_items, id_set, number
from connectors.imap.wire import Completion, Response
from connectors.message import Message, Withheld

PORTION = 100
"""Messages in one first flight."""
BEGINNING = 16 * 1024
"""Octets of every message that come at once. What is shorter is small."""
MOST_OCTETS = 1024 * 1024
"""Octets of a large message that is read without its structure."""
_NOTHING = 2

_SMALL = b"(UID RFC822.SIZE BODY.PEEK[]<0.%d>)" % BEGINNING
_ANY = b"(UID RFC822.SIZE BODYSTRUCTURE BODY.PEEK[]<0.%d>)" % BEGINNING


def read_bodies(enter: Enter, ids: Sequence[int], sizes: Mapping[int, int]) -> Iterator[Message | Withheld]:
    """Each id once, in any order. sizes: of those messages whose size is known already."""
    for at in range(0, len(ids), PORTION):
        first = _FirstFlight(ids[at : at + PORTION])
        first.read(enter(), sizes)
        yield from first.finished
        for flight in flights(first.drafts):
            read_sections(enter(), flight)
            for draft in flight:
                finished = message(draft) if is_sound(draft) else None
                if finished is not None:
                    yield finished
                else:
                    first.doubtful.append(draft.uid)
        for uid in first.doubtful:
            yield _read_whole(enter(), uid)


class _FirstFlight:
    """What the first flight makes of a portion: messages that are finished, drafts, and ids to be read as a whole."""

    def __init__(self, ids: Sequence[int]) -> None:
        self._ids = ids
        self._answered: set[int] = set()
        self.finished: list[Message | Withheld] = []
        self.drafts: list[Draft] = []
        self.doubtful: list[int] = []

    def read(self, session: Session, sizes: Mapping[int, int]) -> None:
        """Ask for small and other messages in one flight, then once more for what was not answered."""
        small = [uid for uid in self._ids if 0 < sizes.get(uid, 0) < BEGINNING]
        other = [uid for uid in self._ids if uid not in set(small)]
        asked = [
            session.post(b"UID FETCH %s %s" % (id_set(ids), what), only(ids, self._take))
            for ids, what in ((small, _SMALL), (other, _ANY))
            if ids
        ]
        for posted in asked:
            session.collect(posted)
        left = [uid for uid in self._ids if uid not in self._answered]
        fetch_each(session, left, _ANY, self._take, self._answered)
        self.doubtful += [uid for uid in left if uid not in self._answered]

    def _take(self, uid: int, items: Items) -> None:
        octets, size = section_of(items, b""), number(items.get(b"RFC822.SIZE")) or 0
        structure = items.get(b"BODYSTRUCTURE")
        if uid in self._answered or (octets is None and structure is None):
            return
        self._answered.add(uid)
        if octets is not None and len(octets) < BEGINNING and not _is_hollow(octets, size):
            self.finished.append(mime.read_message(octets, id=str(uid)))
            return
        draft = _draft(uid, items, octets, size) if structure is not None else None
        if draft is not None:
            self.drafts.append(draft)
        else:
            self.doubtful.append(uid)


def _draft(uid: int, items: Items, beginning: bytes | None, size: int) -> Draft | None:
    try:
        root = read_structure(items[b"BODYSTRUCTURE"])
    except Garbled:
        return None
    draft = Draft(uid=uid, size=size, plan=plan(root))
    if beginning is not None and draft.plan.texts:
        first = draft.plan.texts[0]
        text = inner_section(root, first, beginning)
        if text is not None:
            draft.sections[first.section] = text
    return draft


def _read_whole(session: Session, uid: int) -> Message | Withheld:
    """A message whose structure is of no use, or that came empty: its beginning, up to `MOST_OCTETS`.

    Some servers cut wrongly. Where its beginning is empty, a message that is not too large is asked for uncut.
    """
    found: list[tuple[bytes, int]] = []

    def take(response: Response) -> None:
        items = fetch_items(response)
        octets = section_of(items, b"") if items and number(items.get(b"UID")) == uid else None
        if items and octets is not None:
            found.append((octets, number(items.get(b"RFC822.SIZE")) or 0))

    (done,) = session.burst([b"UID FETCH %d (UID RFC822.SIZE BODY.PEEK[]<0.%d>)" % (uid, MOST_OCTETS)], take)
    if found and _is_hollow(*found[-1]) and found[-1][1] <= MOST_OCTETS:
        (done,) = session.burst([b"UID FETCH %d (UID RFC822.SIZE BODY.PEEK[])" % uid], take)
    return _finished(uid, *found[-1]) if found else _withheld(session, uid, done)


def _finished(uid: int, octets: bytes, size: int) -> Message | Withheld:
    if _is_hollow(octets, size):
        return Withheld(id=str(uid), reason="the server handed out an empty body")
    return mime.read_message(octets, id=str(uid), truncated=len(octets) >= MOST_OCTETS and size > len(octets))


def _is_hollow(octets: bytes, size: int) -> bool:
    """An empty body counts as a failure only if there should be more than the header."""
    return size > len(octets) + _NOTHING and not _has_body(octets)


def _has_body(octets: bytes) -> bool:
    return bool(octets.replace(b"\r\r\n", b"\r\n").partition(b"\r\n\r\n")[2].strip())


def _withheld(session: Session, uid: int, done: Completion) -> Withheld:
    if done.status == "OK":
        there = uid in present(session, [uid])
        return Withheld(id=str(uid), reason="the server answered without it" if there else "expunged", gone=not there)
    return Withheld(id=str(uid), reason=f"the server refused it: {clean(done.text)}")
