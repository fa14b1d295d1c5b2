"""Envelopes and flags by UID FETCH: the path every message takes, so it is kept lean.

A server may answer less than it was asked: messages expunged meanwhile, one it cannot read, a whole command refused.
`fetch_envelopes` finds out which is which, so that one bad message never hides another.
"""

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from connectors import mime
from connectors.errors import Retriable
from connectors.folders.names import readable
from connectors.imap.faults import Refused, clean
from connectors.imap.search import present
from connectors.imap.session import Session
from connectors.imap.syntax import Value, fetch_items, id_set, internal_date, number
from connectors.imap.wire import Posted, Response, Sink
from connectors.message import NO_FLAGS, Envelope, FlagChange, Flags, Withheld

PAGE = 500
"""Messages in one FETCH: outlook.com fails near 1,900."""
MOST_COMMANDS = 64
"""FETCH commands spent on one page to find the messages that make the server refuse."""
_MOST_KEYWORDS = 100

Items = dict[bytes, Value]
Enter = Callable[[], Session]
"""Opens the folder again where another one was opened between two pages. Raises Renumbered."""


@dataclass(kw_only=True)
class Fetched:
    """What came of a page: envelopes in the order of their ids, ids refused, ids that left."""

    envelopes: list[Envelope] = field(default_factory=list)
    withheld: list[Withheld] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)


class Taken:
    """Envelopes as answers bring them, by id. A server may tell of one message in more than one answer."""

    def __init__(self) -> None:
        self.envelopes: dict[int, Envelope] = {}
        self._halves: dict[int, Items] = {}

    def take(self, uid: int, items: Items) -> None:
        """One answer."""
        if uid in self._halves or _header_block(items) is None or b"INTERNALDATE" not in items:
            items = self._halves[uid] = self._halves.get(uid, {}) | items
        found = envelope(uid, items)
        if found is not None:
            self.envelopes[uid] = found


@dataclass(frozen=True, kw_only=True)
class Ahead:
    """A header FETCH sent before its page is asked for. Good only on the session that sent it.

    taken: what came of it; it is read on the way to the texts of the page before, while the server gets those ready.
    """

    session: Session
    ids: Sequence[int]
    posted: Posted
    taken: Taken


def fetch_ahead(
    session: Session, ids: Sequence[int], following: Sequence[int], ahead: Ahead | None
) -> tuple[Fetched, Ahead | None]:
    """The envelopes of `ids`, which `ahead` asked for; the server begins with `following` while we read these."""
    asked = ahead if ahead is not None and ahead.session is session and ahead.ids == ids else _post(session, ids)
    next_asked = _post(session, following) if following else None
    return fetch_envelopes(session, ids, asked), next_asked


def _post(session: Session, ids: Sequence[int]) -> Ahead:
    command, taken = b"UID FETCH %s %s" % (id_set(ids), header_items(session)), Taken()
    return Ahead(session=session, ids=ids, posted=session.post(command, only(ids, taken.take)), taken=taken)


def fetch_envelopes(session: Session, ids: Sequence[int], ahead: Ahead | None = None) -> Fetched:
    """The envelopes of these ids of the open folder; `ahead` is where they were asked for already."""
    taken = ahead.taken if ahead is not None else Taken()
    got = taken.envelopes
    if ahead is not None:
        session.collect(ahead.posted)
    left = [uid for uid in ids if uid not in got]
    refused = fetch_each(session, left, header_items(session), taken.take, got)
    if not got and len(refused) > 1:
        raise Retriable(f"the server hands out no message of this folder: {next(iter(refused.values()))}")
    lost = [uid for uid in ids if uid not in got]
    return Fetched(
        envelopes=[got[uid] for uid in ids if uid in got],
        withheld=[Withheld(id=str(uid), reason=refused[uid]) for uid in lost if uid in refused],
        gone=[uid for uid in lost if uid not in refused],
    )


def fetch_flags(session: Session, ids: Sequence[int]) -> dict[int, Flags]:
    """The flags of those of these ids that the open folder still holds."""
    labels = b" X-GM-LABELS" if session.has("X-GM-EXT-1") else b""
    got: dict[int, Flags] = {}

    def take(response: Response) -> None:
        items = fetch_items(response)
        uid = number(items.get(b"UID")) if items else None
        if items and uid is not None and b"FLAGS" in items:
            got[uid] = flags_of(items)

    session.ask(b"UID FETCH %s (UID FLAGS%s)" % (id_set(ids), labels), take)
    return {uid: got[uid] for uid in ids if uid in got}


def fetch_each(
    session: Session,
    ids: Sequence[int],
    what: bytes,
    take: Callable[[int, Items], None],
    got: Container[int],
) -> dict[int, str]:
    """UID FETCH `what`; `take` sees to it that what it can use is in `got`. Answers who is refused, and why.

    Halves what a server refuses until the culprits stand alone.
    """
    sink = only(ids, take)
    refused: dict[int, str] = {}
    portions = [list(ids)] if ids else []
    for _ in range(MOST_COMMANDS):
        if not portions:
            break
        asked = portions.pop()
        (done,) = session.burst([b"UID FETCH %s %s" % (id_set(asked), what)], sink)
        left = _still_there(session, [uid for uid in asked if uid not in got])
        if len(left) == 1 and len(asked) == 1:
            refused[left[0]] = _why(done.status, done.text)
        elif left:
            middle = (len(left) + 1) // 2
            portions += [half for half in (left[middle:], left[:middle]) if half]
    refused.update((uid, "not asked again: the server refuses too many") for portion in portions for uid in portion)
    return refused


def only(ids: Sequence[int], take: Callable[[int, Items], None]) -> Sink:
    """Hands on the FETCH answers about these ids: a server also tells what nobody asked."""
    wanted = frozenset(ids)

    def sink(response: Response) -> None:
        items = fetch_items(response)
        uid = number(items.get(b"UID")) if items else None
        if items and uid is not None and uid in wanted:
            take(uid, items)

    return sink


def _still_there(session: Session, ids: Sequence[int]) -> list[int]:
    """Those not expunged meanwhile; where the server does not even search, all of them."""
    if not ids:
        return []
    try:
        there = present(session, ids)
    except Refused:
        return list(ids)
    return [uid for uid in ids if uid in there]


def _why(status: str, text: str) -> str:
    return "the server answered without it" if status == "OK" else f"the server refused it: {clean(text)}"


def header_items(session: Session) -> bytes:
    """What is asked of every message."""
    items = [b"UID INTERNALDATE RFC822.SIZE FLAGS"]
    if session.has("X-GM-EXT-1"):
        items.append(b"X-GM-MSGID X-GM-THRID X-GM-LABELS")
    elif session.has("OBJECTID"):
        items.append(b"EMAILID THREADID")
    items.append(_FIELDS)
    return b"(%s)" % b" ".join(items)


_FIELDS = f"BODY.PEEK[HEADER.FIELDS ({' '.join(mime.HEADER_FIELDS)})]".upper().encode("ascii")


_HEADER_NAMES = (b"BODY[HEADER", b"BODY.PEEK[HEADER", b"RFC822.HEADER")


def _header_block(items: Items) -> bytes | None:
    """The header block, whatever the server calls it; None where it is missing or NIL."""
    for name, value in items.items():
        if name.startswith(_HEADER_NAMES) and isinstance(value, bytes):
            return value
    return None


def envelope(uid: int, items: Items) -> Envelope | None:
    """The envelope in one answer; None if it holds no header.

    No header fields are an empty line (RFC 3501 section 6.4.5): less, of a message with octets, is one not handed out.
    """
    block, size = _header_block(items), number(items.get(b"RFC822.SIZE"))
    if block is None or (size and not block):
        return None
    return mime.read_header(
        block,
        id=str(uid),
        size=size,
        server_time=internal_date(items.get(b"INTERNALDATE")),
        flags=flags_of(items),
        provider_id=_provider(items, b"X-GM-MSGID", b"EMAILID"),
        provider_thread=_provider(items, b"X-GM-THRID", b"THREADID"),
    )


def _provider(items: Items, *names: bytes) -> str | None:
    for name in names:
        value = items.get(name)
        if isinstance(value, list) and value:  # EMAILID (M1), RFC 8474
            value = value[0]
        if isinstance(value, bytes) and value:
            return value[:300].decode("ascii", "replace")
    return None


def flags_of(items: Items) -> Flags:
    """System flags and keywords; Gmail's own labels count as keywords."""
    flags, labels = _words(items.get(b"FLAGS")), _words(items.get(b"X-GM-LABELS"))
    return _flags(flags, labels) if flags or labels else NO_FLAGS


def _words(value: Value | None) -> tuple[bytes, ...]:
    return tuple(word for word in value if isinstance(word, bytes)) if isinstance(value, list) else ()


@lru_cache(maxsize=4096)
def _flags(flags: tuple[bytes, ...], labels: tuple[bytes, ...]) -> Flags:
    system = {flag.lower() for flag in flags if flag.startswith(b"\\")}
    keywords = [readable(word[:300]) for word in (*flags, *labels) if word and not word.startswith(b"\\")]
    return Flags(
        draft=b"\\draft" in system,
        flagged=b"\\flagged" in system,
        categories=frozenset(keywords[:_MOST_KEYWORDS]),
    )


def flag_changes(flags: dict[int, Flags]) -> tuple[FlagChange, ...]:
    """In the words of a page."""
    return tuple(FlagChange(id=str(uid), flags=value) for uid, value in flags.items())
