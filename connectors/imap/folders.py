"""Which folders there are, what they are for, and which of them are read.

One flight: LIST with special uses and, where offered, the status of every folder (RFC 5258, 6154, 5819), and NAMESPACE
(RFC 2342) beside it the first time. Lines that make no sense are left out; they are never an error.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from connectors.errors import Retriable
from connectors.folders.choice import Seen
from connectors.folders.names import key_of, readable, usable
from connectors.folders.roles import SPECIAL_USE, VIRTUAL
from connectors.imap.faults import clean
from connectors.imap.session import Session
from connectors.imap.syntax import Garbled, Value, number, parse
from connectors.imap.wire import Response

MOST_FOLDERS = 20_000
_LIST = re.compile(rb"\* (?:LIST|XLIST) ", re.IGNORECASE)
_STATUS = re.compile(rb"\* STATUS ", re.IGNORECASE)
_NAMESPACE = re.compile(rb"\* NAMESPACE ", re.IGNORECASE)
_NOT_SELECTABLE = frozenset((b"\\noselect", b"\\nonexistent"))
_PLAIN_LIST = b'LIST "" "*"'
_MARK = (b"UIDVALIDITY", b"UIDNEXT", b"MESSAGES")


@dataclass(kw_only=True)
class Listed:
    """What the server said, as it came: entries (attributes, delimiter, name), marks by name, foreign prefixes.

    utf8: names are UTF-8 as they stand.
    """

    entries: list[tuple[frozenset[bytes], str, bytes]] = field(default_factory=list)
    marks: dict[bytes, str] = field(default_factory=dict)
    personal: tuple[bytes, ...] = (b"",)
    foreign: tuple[bytes, ...] = ()
    utf8: bool = False


class Lister:
    """Lists the folders of one mailbox; remembers its namespaces, which do not change."""

    def __init__(self) -> None:
        self._namespaces: tuple[tuple[bytes, ...], tuple[bytes, ...]] | None = None
        self._command: bytes | None = None

    def seen(self, session: Session) -> list[Seen]:
        """Every personal folder that can be opened, in the server's order. Raises Retriable if LIST is refused."""
        listed = self._ask(session)
        return [folder for entry in listed.entries if (folder := _understood(entry, listed)) is not None]

    def _ask(self, session: Session) -> Listed:
        listed = Listed(utf8=session.names_in_utf8)
        commands = session.before_status()
        if self._namespaces is None and session.has("NAMESPACE"):
            commands.append(b"NAMESPACE")
        done = session.burst([*commands, self._command or _list_command(session)], lambda r: _take(listed, r))[-1]
        if done.status != "OK" and self._command is None:  # it announced more than it understands
            self._command = _PLAIN_LIST
            (done,) = session.burst([_PLAIN_LIST], lambda r: _take(listed, r))
        if done.status != "OK":
            raise Retriable(f"the server refused to list the folders: {clean(done.text)}")
        if b"NAMESPACE" in commands:
            self._namespaces = (listed.personal, listed.foreign)
        elif self._namespaces is not None:
            listed.personal, listed.foreign = self._namespaces
        return listed


def _list_command(session: Session) -> bytes:
    returns = [b"SPECIAL-USE"] if session.has("SPECIAL-USE") else []
    if session.has("LIST-STATUS"):
        modseq = b" HIGHESTMODSEQ" if session.condstore else b""
        returns.append(b"STATUS (UIDVALIDITY UIDNEXT MESSAGES%s)" % modseq)
    if returns and (session.has("LIST-EXTENDED") or session.has("LIST-STATUS")):
        return b'LIST "" "*" RETURN (%s)' % b" ".join(returns)
    verb = b"XLIST" if session.has("XLIST") and not returns else b"LIST"
    return verb + b' "" "*"'


def _take(listed: Listed, response: Response) -> None:
    line = response[0]
    try:
        if found := _LIST.match(line):
            _take_entry(listed, parse(response, found.end()))
        elif found := _STATUS.match(line):
            _take_status(listed, parse(response, found.end()))
        elif found := _NAMESPACE.match(line):
            _take_namespaces(listed, parse(response, found.end()))
    except Garbled:
        return


def _take_entry(listed: Listed, values: Sequence[Value]) -> None:
    attributes, delimiter, name = (*values, None, None, None)[:3]
    if not isinstance(attributes, list) or isinstance(delimiter, list) or not isinstance(name, bytes):
        return
    if usable(name) and len(delimiter or b"") <= 1 and len(listed.entries) < MOST_FOLDERS:
        lower = frozenset(a.lower() for a in attributes if isinstance(a, bytes))
        listed.entries.append((lower, (delimiter or b"").decode("latin-1"), name))


def _take_status(listed: Listed, values: Sequence[Value]) -> None:
    name, items = (*values, None, None)[:2]
    if not isinstance(name, bytes) or not isinstance(items, list):
        return
    status = {
        key.upper(): number(value)
        for key, value in zip(items[::2], items[1::2], strict=False)
        if isinstance(key, bytes)
    }
    if all(status.get(key) is not None for key in _MARK):
        values_of = [status[key] for key in _MARK] + [status.get(b"HIGHESTMODSEQ")]
        listed.marks[name] = ":".join("" if value is None else str(value) for value in values_of)


def _take_namespaces(listed: Listed, values: Sequence[Value]) -> None:
    personal, others, shared = (*values, None, None, None)[:3]
    listed.personal = _prefixes(personal) or (b"",)
    listed.foreign = (*_prefixes(others), *_prefixes(shared))


def _prefixes(value: Value) -> tuple[bytes, ...]:
    spaces = value if isinstance(value, list) else []
    return tuple(space[0] for space in spaces if isinstance(space, list) and space and isinstance(space[0], bytes))


def _understood(entry: tuple[frozenset[bytes], str, bytes], listed: Listed) -> Seen | None:
    """The entry as a folder, or None if it is not ours to read: not selectable, virtual, another's, shared."""
    attributes, delimiter, raw = entry
    if attributes & _NOT_SELECTABLE or attributes & VIRTUAL or _is_foreign(raw, delimiter, listed):
        return None
    role = next((SPECIAL_USE[a] for a in sorted(attributes) if a in SPECIAL_USE), None)
    if raw.upper() == b"INBOX":
        role = "inbox"
    return Seen(
        key=key_of(raw),
        name=readable(raw, utf8=listed.utf8),
        path=_below_prefix(raw, delimiter, listed),
        delimiter=delimiter,
        role=role,
        mark=listed.marks.get(raw),
    )


def _is_foreign(raw: bytes, delimiter: str, listed: Listed) -> bool:
    """Whether the folder lies in another user's or a shared namespace, or is its root.

    The longest prefix decides: Cyrus calls `INBOX.` the owner's, and shares what has no prefix at all.
    """
    root = raw + delimiter.encode("latin-1")

    def longest(prefixes: tuple[bytes, ...]) -> int:
        return max((len(prefix) for prefix in prefixes if raw.startswith(prefix) or root == prefix), default=-1)

    return raw.upper() != b"INBOX" and longest(listed.foreign) > longest(listed.personal)


def _below_prefix(raw: bytes, delimiter: str, listed: Listed) -> tuple[str, ...]:
    """The readable levels of the name below the personal namespace's prefix (`INBOX.` on Courier and Cyrus)."""
    prefix = max((p for p in listed.personal if raw.startswith(p)), key=len, default=b"")
    rest = readable(raw[len(prefix) :], utf8=listed.utf8)
    return tuple(rest.split(delimiter)) if delimiter else (rest,)
