"""One signed-in session and the folder it has open, always read-only (EXAMINE, RFC 3501 section 6.3.2).

Keeps what the server tells unasked: how many messages there are, the highest modification sequence. `look` is the
first step of every pass: it costs one round trip and says what the folder is like now.
"""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from connectors.errors import Renumbered, Skippable
from connectors.folders.names import raw_of
from connectors.imap.connection import SignedIn
from connectors.imap.cursor import Forward
from connectors.imap.faults import Refused, clean
from connectors.imap.syntax import Value, fetch_items, number, quoted, read_set
from connectors.imap.wire import Completion, Posted, Response, Sink

EXAMINE_AGAIN_SECONDS = 600.0
"""A folder kept open this long is opened anew: no server tells of a new UIDVALIDITY on an open one."""
LARGE_FOLDER = 20_000
"""Messages from which on opening a folder costs more than a round trip nearby."""
MOST_MESSAGES = 20_000_000
"""More are not believed."""
UID_END = 2**32
"""One more than the highest UID there can be (RFC 3501 section 2.3.1.1)."""
IDS_AT_ONCE = 50_000
"""Ids expunged in one response that are worth expanding."""

_CODE = re.compile(rb"\* (?:OK|NO) \[([A-Za-z-]+)(?: (\d+))?", re.IGNORECASE)


def ignore(response: Response) -> None:
    """A sink for commands whose untagged answers do not matter."""


@dataclass(kw_only=True)
class View:
    """The open folder as the server last described it. None (of the validity -1): the server does not say.

    reported: the place that the last round of news ended at, and the modification sequences it told of.
    """

    key: str
    validity: int = -1
    exists: int = 0
    uidnext: int | None = None
    modseq: int | None = None
    examined_at: float = field(default_factory=time.monotonic)
    reported: tuple[Forward, dict[int, int]] | None = None

    def take_flags(self, response: Response) -> None:
        """A sink for what is told unasked."""
        self.note_modseq(fetch_items(response))

    def note_modseq(self, items: dict[bytes, Value] | None) -> int | None:
        """Take in the MODSEQ of a FETCH answer: some servers tell a folder's highest one in no other way."""
        value = items.get(b"MODSEQ") if items else None
        modseq = number(value[0]) if isinstance(value, list) and value else None
        if modseq is not None:
            self.modseq = max(modseq, self.modseq or 0)
        return modseq


class Session:
    """Commands on one connection. `greeting` and `capabilities` are as of sign-in."""

    def __init__(self, signed_in: SignedIn) -> None:
        self.wire = signed_in.wire
        self.capabilities = signed_in.capabilities
        self.greeting = signed_in.greeting
        self.view: View | None = None
        self.tells_gone = False
        """Whether QRESYNC is enabled, so that the server names the UIDs that left."""
        self.wire.listener = self._listen
        self._to_enable = "QRESYNC" in self.capabilities and "ENABLE" in self.capabilities

    def has(self, capability: str) -> bool:
        return capability in self.capabilities

    def forget(self, *capabilities: str) -> bool:
        """Do without what the server announced and then did not understand; whether it had announced any."""
        had = self.capabilities & set(capabilities)
        self.capabilities -= had
        return bool(had)

    @property
    def condstore(self) -> bool:
        """QRESYNC implies CONDSTORE (RFC 7162 section 3.2)."""
        return self.has("CONDSTORE") or self.has("QRESYNC")

    @property
    def names_in_utf8(self) -> bool:
        """Whether names of folders are UTF-8 as they stand (RFC 9051 section 5.1); modified UTF-7 otherwise."""
        return self.has("IMAP4REV2") and not self.has("IMAP4REV1")

    def ask(self, command: bytes, sink: Sink = ignore) -> None:
        """One command. Raises Refused, Dropped."""
        (done,) = self.burst([command], sink)
        done.insist(command.partition(b'"')[0].decode("ascii", "replace")[:60].strip())

    def burst(self, commands: Sequence[bytes], sink: Sink = ignore) -> list[Completion]:
        """Independent commands in one flight. Raises Dropped; how each ended is in the answer."""
        return self.wire.burst(commands, sink)

    def post(self, command: bytes, sink: Sink) -> Posted:
        """A command sent ahead of time; see `Wire.post`."""
        return self.wire.post(command, sink)

    def collect(self, posted: Posted) -> Completion:
        """Its answers; see `Wire.collect`."""
        return self.wire.collect(posted)

    def look(self, key: str) -> View:
        """The folder as it is now: NOOP if it is open already, EXAMINE if not. Raises Skippable if it cannot be had."""
        view = self.view
        if view is None or view.key != key or self._is_old(view) or not self._refresh(view):
            return self._examine(key)
        return view

    def enter(self, key: str, validity: int, *, refresh: bool) -> View:
        """The folder, open, under the validity expected. Raises Renumbered.

        refresh: see what others did since. It takes a round trip of its own: Dovecot keeps an open folder as it was
        until all commands of a flight are done.
        """
        view = self.view
        if view is None or view.key != key or self._is_old(view) or (refresh and not self._refresh(view)):
            view = self._examine(key)
        if view.validity != validity:
            raise Renumbered("the folder's UIDVALIDITY changed")
        return view

    def leave(self) -> None:
        """Have the folder opened anew next time."""
        self.wire.settle()
        self.view = None

    def _refresh(self, view: View) -> bool:
        """Whether the server shows the open folder as it is now. It declines where the folder was removed meanwhile."""
        (done,) = self.burst([b"NOOP"], view.take_flags)
        return done.status == "OK"

    def _is_old(self, view: View) -> bool:
        return time.monotonic() - view.examined_at > EXAMINE_AGAIN_SECONDS

    def _examine(self, key: str) -> View:
        self.wire.settle()  # what is still on its way belongs to the folder open before
        view = self.view = View(key=key)
        done = self.burst(self._opening(key))[-1]
        if done.status == "OK" and view.validity >= 0:
            return view
        self.view = None
        if done.status == "BAD" and self.forget("CONDSTORE", "QRESYNC"):
            return self._examine(key)
        if done.status != "OK":
            refused = Refused("to open the folder", clean(done.text))
            raise Skippable(str(refused), advice="check the rights on this folder, or leave it out by `folders`")
        raise Skippable("the server gives no UIDVALIDITY for this folder", advice="leave it out by `folders`")

    def _opening(self, key: str) -> list[bytes]:
        """EXAMINE, with ENABLE before the first one: it is not allowed once a folder is open (RFC 5161)."""
        examine = b"EXAMINE " + quoted(raw_of(key)) + (b" (CONDSTORE)" if self.condstore else b"")
        return [*self.enabling(), examine]

    def before_status(self) -> list[bytes]:
        """What has to be sent before STATUS or LIST-STATUS, in the same flight, so that they tell how things are now.

        Dovecot tells of an open folder what it was at the last look, and looks at the end of a flight only. So a small
        folder is closed; a large one, whose STATUS would take long then, is looked at in a round trip of its own.
        """
        view = self.view
        if view is None:
            return self.enabling()
        if self.has("UNSELECT") and view.exists < LARGE_FOLDER:
            self.leave()
            return [b"UNSELECT"]
        if not self._refresh(view):
            self.leave()
        return []

    def enabling(self) -> list[bytes]:
        """The ENABLE command, once."""
        if not self._to_enable:
            return []
        self._to_enable = False
        return [b"ENABLE QRESYNC"]

    def _listen(self, response: Response) -> None:
        """Take in EXISTS, EXPUNGE, VANISHED, ENABLED and the codes in brackets, about the folder open right now."""
        line = response[0]
        if line[-1:] in (b"}", b")") and not line.startswith((b"* OK [", b"* ok [")):
            return  # a FETCH: those are many
        if line[:10].upper() == b"* ENABLED ":
            self.tells_gone = b"QRESYNC" in line.upper()
        elif self.view is not None:
            self._note_change(self.view, line)

    def _note_change(self, view: View, line: bytes) -> None:
        if line[:6].upper() in (b"* OK [", b"* NO ["):
            self._note_code(view, line)
            return
        words = line[:60].split(b" ", 3)
        if len(words) < 3:
            return
        if words[1].isdigit() and len(words[1]) < 19:
            kind = words[2].upper()
            if kind == b"EXISTS":
                view.exists = min(int(words[1]), MOST_MESSAGES)
            elif kind == b"EXPUNGE":
                view.exists = max(0, view.exists - 1)
        elif words[1].upper() == b"VANISHED" and not words[2].startswith(b"("):
            gone = read_set(line.split(b" ", 2)[2], IDS_AT_ONCE)
            view.exists = max(0, view.exists - len(gone or ()))

    def _note_code(self, view: View, line: bytes) -> None:
        found = _CODE.match(line)
        if found is None:
            return
        code, value = found[1].upper(), int(found[2]) if found[2] and len(found[2]) < 20 else None
        if code == b"UIDVALIDITY" and value is not None:  # 0 is forbidden, but says that ids stay
            view.validity = value
        elif code == b"UIDNEXT" and value and value <= UID_END:
            view.uidnext = value
        elif code == b"HIGHESTMODSEQ" and value:
            view.modseq = value
        elif code == b"NOMODSEQ":
            view.modseq = None
