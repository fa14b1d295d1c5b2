"""A proxy that reads IMAP: it counts commands, calls the test at given moments, and lets a good server behave badly.

All patterns are regular expressions over bytes; command patterns are searched in the line without its tag
(`rb"^UID FETCH .*BODY"`), answer patterns in the line without the contents of its literals. Folder names are Unicode.

Counters beside those of `Proxy`: `commands` (by verb: `SELECT`, `UID FETCH`, …), `lines` (every command, tag removed,
passwords included: these are the lab's own), `logins` (attempts), `logged_in` (successes).

Hooks and faults:
- `on_command(pattern, action, times=1)`: the test acts just before the server hears a command: mail arrives or goes
- `answer(pattern, reply)`: the server never hears it: `answer(rb"^SELECT \\"?Bad", b"NO [SERVERBUG] broken")`
- `cut_on_command(pattern, forward=False)`: the line dies; with `forward` the server hears it and the answer is lost
- `cut_after_answers(pattern, count)`: the line dies behind the count-th complete answer; `cut_before_answers(pattern)`:
  before one that matches, whenever it comes
- `withhold(uids, …)`: FETCH does not hand these out; `empty_body(uids)`: their text comes back empty
- `empty_list()`, `garble_list()`: LIST names nothing / nonsense
- `hide_capability(*names)`, `announce(*names)`: change every CAPABILITY
- `hide(*items)`: UIDNEXT, HIGHESTMODSEQ, UIDVALIDITY … vanish from SELECT and STATUS; `fake(item, value)`: other values
- `hold_back(pattern)`: such an answer is sent in one write with the next one (`rb"^\\+ idling"`)
- `rewrite_server(function)`, `rewrite_client(function)`: whole answers / command lines in, others out (None: drop)
- `bye_open()`: the server ends all sessions politely
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import TypeVar

from imapclient.imap_utf7 import encode as utf7

from tests.servers.faults import Budget, Cut, Down, Step, Up
from tests.servers.imap_stream import Answer, ClientStream, Command, Raw, ServerStream
from tests.servers.proxy import Link, Proxy

ServerRule = Callable[["ImapSession", Answer], bytes | None]
"""What is sent instead of an answer; None: nothing."""

ClientRule = Callable[["ImapSession", Command], "list[Step] | None"]
"""Steps to take instead of passing a command on; None: not mine."""

Value = int | Callable[[], int]
T = TypeVar("T")


class ImapSession:
    """What is known of one connection: commands under way by tag, and the folder named last by SELECT or EXAMINE."""

    def __init__(self) -> None:
        self.client, self.server = ClientStream(), ServerStream()
        self.under_way: dict[bytes, Command] = {}
        self.folder = b""
        self.held = b""
        self.swallowing = False
        self.spoiled: set[bytes] = set()

    def current(self, verb: str) -> Command | None:
        """The oldest command under way whose verb ends so."""
        return next((c for c in self.under_way.values() if c.verb.endswith(verb)), None)


class ImapProxy(Proxy):
    """See the module. Give it the server's plain port and `certificate`: it offers TLS by itself."""

    def reset_counters(self) -> None:
        """See Proxy."""
        super().reset_counters()
        self.commands: Counter[str] = Counter()
        self.lines: list[bytes] = []
        self.logins = self.logged_in = 0

    def clear(self) -> None:
        """See Proxy."""
        super().clear()
        self._client_rules: list[ClientRule] = []
        self._server_rules: list[ServerRule] = []
        self._hold: re.Pattern[bytes] | None = None
        self._sessions: dict[int, ImapSession] = getattr(self, "_sessions", {})

    # Hooks and faults on commands.

    def on_command(self, pattern: bytes, action: Callable[[], object], *, times: int | None = 1) -> None:
        """Call `action` before a matching command is passed on. What it raises, `close()` raises."""

        def act(session: ImapSession, command: Command) -> None:
            action()

        self._on(pattern, times, act)

    def answer(self, pattern: bytes, reply: bytes, *, untagged: bytes = b"", times: int | None = None) -> None:
        """Answer matching commands ourselves: `reply` without the tag, `untagged` with its line ends."""
        self._on(pattern, times, lambda session, command: [Down(b"%s%s %s\r\n" % (untagged, command.tag, reply))])

    def cut_on_command(self, pattern: bytes, *, forward: bool = False, times: int | None = None) -> None:
        """Matching commands end the connection, heard by the server (`forward`) or not."""
        self._on(pattern, times, lambda session, command: [*([Up(command.line)] if forward else []), Cut()])

    def rewrite_client(self, function: Callable[[bytes], bytes | None]) -> None:
        """Pass command lines (with tag and CRLF) through a function; None drops the line."""

        def rule(session: ImapSession, command: Command) -> list[Step] | None:
            line = function(command.line)
            return None if line == command.line else [Up(line)] if line else []

        self._client_rules.append(rule)

    # Faults on answers.

    def rewrite_server(self, function: Callable[[bytes], bytes | None]) -> None:
        """Pass whole answers (literals and CRLF included) through a function; None drops the answer."""
        self._server_rules.append(lambda session, answer: function(answer.raw))

    def cut_after_answers(self, pattern: bytes, *, count: int = 1, times: int | None = 1) -> None:
        """Connections end behind the count-th complete answer that matches, counted over all connections."""
        wanted, seen, budget = re.compile(pattern), Counter[str](), Budget(times)

        def rule(session: ImapSession, answer: Answer) -> bytes | None:
            seen["answers"] += wanted.search(answer.text) is not None
            if seen["answers"] >= count and wanted.search(answer.text) and budget.take():
                seen["answers"] = 0
                raise _CutHere(answer.raw)
            return answer.raw

        self._server_rules.append(rule)

    def cut_before_answers(self, pattern: bytes) -> None:
        """Connections end instead of every answer that matches, as where a server dies of a message."""
        wanted = re.compile(pattern)

        def rule(session: ImapSession, answer: Answer) -> bytes | None:
            if wanted.search(answer.text):
                raise _CutHere(b"")
            return answer.raw

        self._server_rules.append(rule)

    def withhold(
        self,
        uids: Collection[int],
        *,
        reply: bytes = b"NO [UNAVAILABLE] some messages could not be had",
        during: bytes = b"",
        times: int | None = None,
    ) -> None:
        """FETCH leaves these UIDs out and ends with `reply` (b"OK …" for a server that says nothing).

        during: only for FETCH commands that match, e.g. `rb"BODY"`. times: how many commands are spoiled.
        """
        budget, wanted = Budget(times), re.compile(during)

        def rule(session: ImapSession, answer: Answer) -> bytes | None:
            fetch = session.current("FETCH")
            named = fetch is not None and _uid(answer) in uids and wanted.search(fetch.line)
            if fetch and named and (fetch.tag in session.spoiled or budget.take()):
                session.spoiled.add(fetch.tag)
                return None
            tag = answer.text.partition(b" ")[0]
            if tag in session.spoiled:
                session.spoiled.discard(tag)
                return b"%s %s\r\n" % (tag, reply)
            return answer.raw

        self._server_rules.append(rule)

    def empty_body(self, uids: Collection[int], *, during: bytes = b"BODY", times: int | None = None) -> None:
        """Literals in the FETCH answers of these UIDs come back as empty strings; `times`: so many answers."""
        budget, wanted = Budget(times), re.compile(during)

        def rule(session: ImapSession, answer: Answer) -> bytes | None:
            fetch = session.current("FETCH")
            if fetch and _uid(answer) in uids and wanted.search(fetch.line) and budget.take():
                return _without_literals(answer)
            return answer.raw

        self._server_rules.append(rule)

    def empty_list(self) -> None:
        """LIST succeeds and names no folder."""
        self._server_rules.append(lambda session, answer: None if _is_list(answer) else answer.raw)

    def garble_list(self) -> None:
        """LIST answers are no valid IMAP."""
        garbled = b'* LIST (\\HasNo "/ \xff(\r\n'
        self._server_rules.append(lambda session, answer: garbled if _is_list(answer) else answer.raw)

    def hide_capability(self, *names: str) -> None:
        """No CAPABILITY, greeting or login answer names these."""
        gone = rb"|".join(re.escape(name.encode()) for name in names)
        self._replace(rb" (?:%s)(?=[ \]\r])" % gone, b"", only=rb"^(\* CAPABILITY |.*\[CAPABILITY )")

    def announce(self, *names: str) -> None:
        """Every CAPABILITY names these too."""
        self._replace(rb"(CAPABILITY IMAP4rev1)", rb"\1 " + " ".join(names).encode())

    def hide(self, *items: str) -> None:
        """SELECT and STATUS do not tell these (`UIDNEXT`, `HIGHESTMODSEQ`, …)."""
        for item in items:
            self._drop(rb"^\* OK \[%s " % item.encode())
            self._replace(rb" ?\b%s \d+" % item.encode(), b"", only=rb"^\* STATUS ")
        self._replace(rb"\( ", b"(", only=rb"^\* STATUS ")

    def fake(self, item: str, value: Value, *, folder: str | None = None) -> None:
        """SELECT and STATUS tell `value` (or what it returns, asked each time), of one folder or of all."""
        number = re.compile(rb"\b(%s) \d+" % item.encode())
        wire = None if folder is None else utf7(folder)

        def rule(session: ImapSession, answer: Answer) -> bytes | None:
            if not number.search(answer.text) or not re.match(rb"\* (STATUS |OK \[)", answer.text):
                return answer.raw
            if wire is not None and wire != _subject(session, answer):
                return answer.raw
            now = value if isinstance(value, int) else value()
            return number.sub(rb"\1 %d" % now, answer.raw)

        self._server_rules.append(rule)

    def hold_back(self, pattern: bytes) -> None:
        """A matching answer waits for the next one and is sent in one write with it."""
        self._hold = re.compile(pattern)

    def bye_open(self, text: bytes = b"Session expired, please login again.") -> None:
        """End all sessions as a server does that wants to: `* BYE`, then the end of the connection."""
        self.say_open(b"* BYE %s\r\n" % text, cut=True)

    # Inside.

    def opened(self, link: Link) -> None:
        """See Proxy."""
        self._sessions[link.number] = ImapSession()

    def closed(self, link: Link) -> None:
        """See Proxy."""
        self._sessions.pop(link.number, None)

    def from_client(self, link: Link, data: bytes) -> Iterator[Step]:
        """See Proxy."""
        session = self._sessions[link.number]
        for item in session.client.feed(data):
            if isinstance(item, Raw):
                if not session.swallowing:
                    yield Up(item.data)
                continue
            self._note(session, item)
            steps = _first(rule(session, item) for rule in tuple(self._client_rules))
            session.swallowing = steps is not None and not any(isinstance(step, Up) for step in steps)
            if not session.swallowing:
                session.under_way[item.tag] = item
            yield from [Up(item.line)] if steps is None else steps

    def from_server(self, link: Link, data: bytes) -> Iterator[Step]:
        """See Proxy. Answers that came together leave together."""
        session, sent = self._sessions[link.number], bytearray()
        for item in session.server.feed(data):
            try:
                sent += item.data if isinstance(item, Raw) else self._ruled(session, item)
            except _CutHere as cut:
                yield from (Down(bytes(sent) + cut.last), Cut())
                return
        if sent:
            yield Down(bytes(sent))

    def _ruled(self, session: ImapSession, answer: Answer) -> bytes:
        """What is sent for an answer after all rules; book-keeping comes last, so that rules see what is under way."""
        self._hear(session, answer)
        current: Answer = answer
        for rule in tuple(self._server_rules):
            raw = rule(session, current)
            if raw is None:
                current = Answer(b"", b"")
                break
            if raw is not current.raw:
                current = next((a for a in ServerStream().feed(raw) if isinstance(a, Answer)), Answer(raw, raw))
                if len(current.raw) != len(raw):
                    current = Answer(raw, raw)  # several lines: further rules see one text
        session.under_way.pop(answer.text.partition(b" ")[0], None)
        return self._held(session, current)

    def _held(self, session: ImapSession, answer: Answer) -> bytes:
        if self._hold and self._hold.search(answer.text):
            session.held += answer.raw
            return b""
        raw, session.held = session.held + answer.raw, b""
        return raw

    def _note(self, session: ImapSession, command: Command) -> None:
        with self._lock:
            self.commands[command.verb] += 1
            self.lines.append(command.line.partition(b" ")[2].rstrip(b"\r\n"))
            self.logins += command.verb in ("LOGIN", "AUTHENTICATE")
        if command.verb in ("SELECT", "EXAMINE"):
            session.folder = _name(command.arguments)

    def _hear(self, session: ImapSession, answer: Answer) -> None:
        tag, _, rest = answer.text.partition(b" ")
        if tag == b"+" and not session.client.awaits_literal:
            session.client.expects_continuation = True
        done = session.under_way.get(tag)
        if done is not None:
            session.client.expects_continuation = False
            with self._lock:
                self.logged_in += done.verb in ("LOGIN", "AUTHENTICATE") and rest.startswith(b"OK")

    def _on(self, pattern: bytes, times: int | None, act: ClientRule) -> None:
        wanted, budget = re.compile(pattern), Budget(times)

        def rule(session: ImapSession, command: Command) -> list[Step] | None:
            hit = wanted.search(command.line.partition(b" ")[2]) and budget.take()
            return act(session, command) if hit else None

        self._client_rules.append(rule)

    def _drop(self, pattern: bytes) -> None:
        wanted = re.compile(pattern)
        self._server_rules.append(lambda session, answer: None if wanted.search(answer.text) else answer.raw)

    def _replace(self, pattern: bytes, by: bytes, *, only: bytes = b"") -> None:
        wanted, where = re.compile(pattern, re.DOTALL), re.compile(only)

        def rule(session: ImapSession, answer: Answer) -> bytes:
            return wanted.sub(by, answer.raw) if where.search(answer.text) else answer.raw

        self._server_rules.append(rule)


class _CutHere(Exception):
    """The connection ends behind these octets."""

    def __init__(self, last: bytes) -> None:
        super().__init__()
        self.last = last


def _first(results: Iterable[T | None]) -> T | None:
    return next((result for result in results if result is not None), None)


def _is_list(answer: Answer) -> bool:
    return answer.text.startswith((b"* LIST ", b"* LSUB "))


def _uid(answer: Answer) -> int | None:
    match = re.match(rb"\* \d+ FETCH ", answer.text, re.IGNORECASE) and re.search(rb"\bUID (\d+)", answer.text)
    return int(match[1]) if match else None


def _without_literals(answer: Answer) -> bytes:
    raw = answer.raw
    for start, end in reversed(answer.literals):
        raw = raw[:start] + b'""' + raw[end:]
    return raw


def _name(argument: bytes) -> bytes:
    """A folder name at the start of `argument`, without its quotes."""
    quoted = re.match(rb'"((?:[^"\\]|\\.)*)"', argument)
    return re.sub(rb"\\(.)", rb"\1", quoted[1]) if quoted else argument.partition(b" ")[0].strip()


def _subject(session: ImapSession, answer: Answer) -> bytes:
    """The folder an answer speaks of: STATUS names it, the others mean the one being selected."""
    if answer.text.startswith(b"* STATUS "):
        return _name(answer.text[len(b"* STATUS ") :])
    return session.folder
