"""What a person does in a mail program, done over IMAP by the tests: the same words for every IMAP server of the lab.

Each action opens its own short session and closes it. Sessions come from 127.0.0.2, so they neither count against a
limit of connections per address nor appear among those of the program under test. Folder names are plain Unicode.
"""

import contextlib
import imaplib
import re
import smtplib
import socket
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from imapclient.imap_utf7 import encode as utf7

Snapshot = dict[str, dict[int, tuple[frozenset[str], int]]]
"""Folder name (as on the wire) -> UID -> (flags, size in octets)."""

BulkMessage = tuple[bytes, datetime | None, Sequence[str]]
"""Raw message, server time, flags."""

_BATCH_MESSAGES = 500
_BATCH_OCTETS = 8 * 1024 * 1024
_LARGE_STEP = 1024 * 1024


class Refused(Exception):
    """The server answered NO or BAD to something a test wanted done."""


class _Session(imaplib.IMAP4):
    """imaplib from another loopback address."""

    def _create_socket(self, timeout: float | None) -> socket.socket:
        return socket.create_connection((self.host, self.port), timeout, source_address=("127.0.0.2", 0))


@dataclass(frozen=True, kw_only=True)
class MailUser:
    """One mailbox on a server of the lab, and everything its owner can do to it."""

    host: str
    port: int
    address: str
    username: str
    password: str
    lmtp_port: int | None = None

    @contextlib.contextmanager
    def session(self, folder: str | None = None, *, readonly: bool = False) -> Iterator[imaplib.IMAP4]:
        """A signed-in imaplib session, with `folder` selected (or examined) if given."""
        imap = _Session(self.host, self.port, timeout=60)
        try:
            _ok(imap.login(self.username, self.password))
            if folder is not None:
                _ok(imap.select(_quoted(folder), readonly=readonly))
            yield imap
        finally:
            with contextlib.suppress(imaplib.IMAP4.error, OSError):
                imap.logout()

    def append(self, folder: str, raw: bytes, flags: Sequence[str] = (), when: datetime | None = None) -> int:
        """Put a message into a folder as a mail program does (APPEND); its UID. `when` is the server time, aware."""
        with self.session() as imap:
            _ok(imap.append(_quoted(folder), " ".join(flags), _date(when), raw))
            return _code(imap, "APPENDUID")[-1]

    def append_many(self, folder: str, messages: Iterable[BulkMessage]) -> int:
        """Put very many messages into a folder (MULTIAPPEND, RFC 3502), some thousands a second; how many."""
        count = 0
        with self.session() as imap:
            for batch in _batches(messages):
                _multiappend(imap, folder, batch)
                count += len(batch)
        return count

    def append_large(self, folder: str, head: bytes, size: int) -> int:
        """Put a message of `size` octets into a folder without holding it in memory; its UID.

        `head`: the header and whatever else comes first; the rest is filled with lines of base64 letters.
        """
        line = b"QUJD" * 19 + b"\r\n"
        with self.session() as imap:
            imap.send(b"large APPEND %s {%d+}\r\n%s" % (_quoted(folder).encode(), size, head))
            for start in range(len(head), size, _LARGE_STEP):
                count = min(_LARGE_STEP, size - start)
                imap.send((line * (count // len(line) + 1))[:count])
            imap.send(b"\r\n")
            return _appended(imap, b"large")

    def deliver(self, raw: bytes, *, sender: str = "bounce@sender.example") -> None:
        """A real delivery into INBOX through LMTP."""
        if self.lmtp_port is None:
            raise Refused("this server takes no deliveries")
        with smtplib.LMTP("127.0.0.1", self.lmtp_port) as lmtp:
            lmtp.sendmail(sender, [self.address], raw)

    def move(self, uid: int, source: str, target: str) -> int:
        """MOVE one message; its UID in the target."""
        return self._transfer("MOVE", uid, source, target)

    def copy(self, uid: int, source: str, target: str) -> int:
        """COPY one message; its UID in the target."""
        return self._transfer("COPY", uid, source, target)

    def _transfer(self, verb: str, uid: int, source: str, target: str) -> int:
        with self.session(source) as imap:
            _ok(imap.uid(verb, str(uid), _quoted(target)))
            return _code(imap, "COPYUID")[-1]

    def expunge(self, folder: str, *uids: int) -> None:
        """Delete these messages for good."""
        with self.session(folder) as imap:
            _ok(imap.uid("STORE", _set(uids), "+FLAGS.SILENT", r"(\Deleted)"))
            _ok(imap.expunge())

    def flag(self, folder: str, uid: int, *flags: str) -> None:
        """Set flags or keywords on a message."""
        with self.session(folder) as imap:
            _ok(imap.uid("STORE", str(uid), "+FLAGS.SILENT", f"({' '.join(flags)})"))

    def unflag(self, folder: str, uid: int, *flags: str) -> None:
        """Remove flags or keywords from a message."""
        with self.session(folder) as imap:
            _ok(imap.uid("STORE", str(uid), "-FLAGS.SILENT", f"({' '.join(flags)})"))

    def create(self, folder: str) -> None:
        """Create a folder."""
        with self.session() as imap:
            _ok(imap.create(_quoted(folder)))

    def rename(self, old: str, new: str) -> None:
        """Rename a folder; its messages keep UIDs and UIDVALIDITY where the server is kind."""
        with self.session() as imap:
            _ok(imap.rename(_quoted(old), _quoted(new)))

    def delete(self, folder: str) -> None:
        """Delete a folder with all messages in it."""
        with self.session() as imap:
            _ok(imap.delete(_quoted(folder)))

    def folders(self) -> list[str]:
        """Names of all selectable folders, as on the wire (modified UTF-7)."""
        with self.session() as imap:
            return _folders(imap)

    def uids(self, folder: str) -> list[int]:
        """All UIDs of a folder, ascending."""
        with self.session(folder, readonly=True) as imap:
            found = _ok(imap.uid("SEARCH", "ALL"))
            return sorted(int(uid) for line in found if line for uid in line.split())

    def fetch(self, folder: str, uid: int) -> bytes:
        """The raw message, without setting Seen."""
        with self.session(folder, readonly=True) as imap:
            for part in _ok(imap.uid("FETCH", str(uid), "(BODY.PEEK[])")):
                if isinstance(part, tuple):
                    raw: bytes = part[1]
                    return raw
        raise Refused(f"no message {uid}")

    def status(self, folder: str) -> dict[str, int]:
        """MESSAGES, UIDNEXT and UIDVALIDITY of a folder."""
        with self.session() as imap:
            line = _ok(imap.status(_quoted(folder), "(MESSAGES UIDNEXT UIDVALIDITY)"))[0]
            return {key.decode(): int(value) for key, value in re.findall(rb"([A-Z]+) (\d+)", line.rpartition(b"(")[2])}

    def uidvalidity(self, folder: str) -> int:
        """The folder's UIDVALIDITY now."""
        return self.status(folder)["UIDVALIDITY"]

    def snapshot(self) -> Snapshot:
        """Everything another program could have changed here: folders, UIDs, flags (`\\Recent` too) and sizes."""
        with self.session() as imap:
            return {name: _contents(imap, name) for name in _folders(imap)}


def _contents(imap: imaplib.IMAP4, wire_name: str) -> dict[int, tuple[frozenset[str], int]]:
    _ok(imap.select(_escaped(wire_name), readonly=True))
    messages = {}
    for line in _ok(imap.uid("FETCH", "1:*", "(UID FLAGS RFC822.SIZE)")):
        if not line:
            continue
        text = line.decode()
        flags = re.search(r"FLAGS \(([^)]*)\)", text)
        uid, size = re.search(r"UID (\d+)", text), re.search(r"RFC822\.SIZE (\d+)", text)
        if flags and uid and size:
            messages[int(uid[1])] = (frozenset(flags[1].split()), int(size[1]))
    return messages


def _folders(imap: imaplib.IMAP4) -> list[str]:
    names = []
    for line in _ok(imap.list()):
        if isinstance(line, tuple):  # a name sent as a literal
            names.append(line[1].decode())
            continue
        match = re.match(rb'\(([^)]*)\) (?:"[^"]*"|NIL) (?:"((?:[^"\\]|\\.)*)"|(.+))$', line or b"")
        if match and rb"\noselect" not in match[1].lower():
            quoted, atom = match[2], match[3]
            names.append((re.sub(rb"\\(.)", rb"\1", quoted) if quoted is not None else atom).decode())
    return sorted(names)


def _batches(messages: Iterable[BulkMessage]) -> Iterator[list[BulkMessage]]:
    batch: list[BulkMessage] = []
    octets = 0
    for message in messages:
        batch.append(message)
        octets += len(message[0])
        if len(batch) >= _BATCH_MESSAGES or octets >= _BATCH_OCTETS:
            yield batch
            batch, octets = [], 0
    if batch:
        yield batch


def _multiappend(imap: imaplib.IMAP4, folder: str, batch: list[BulkMessage]) -> None:
    command = [b"bulk APPEND ", _quoted(folder).encode()]
    for raw, when, flags in batch:
        date = f"{_date(when)} " if when else ""
        command += [f" ({' '.join(flags)}) {date}{{{len(raw)}+}}\r\n".encode(), raw]
    imap.send(b"".join([*command, b"\r\n"]))
    _appended(imap, b"bulk")


def _appended(imap: imaplib.IMAP4, tag: bytes) -> int:
    """Read up to the tagged answer of an APPEND; the last UID it names."""
    while not (line := imap.readline()).startswith(tag + b" "):
        if not line:
            raise Refused("the server hung up")
    uid = re.match(rb"\w+ OK \[APPENDUID \d+ (?:[\d:,]*[:,])?(\d+)\]", line)
    if uid is None:
        raise Refused(line.decode(errors="replace"))
    return int(uid[1])


def _quoted(folder: str) -> str:
    return _escaped(utf7(folder).decode())


def _escaped(wire_name: str) -> str:
    escaped = wire_name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _date(when: datetime | None) -> str:
    return imaplib.Time2Internaldate(when) if when else ""


def _set(uids: Sequence[int]) -> str:
    return ",".join(map(str, uids))


def _ok(answer: tuple[str, list]) -> list:  # type: ignore[type-arg]  # imaplib hands out bytes, tuples and None
    status, data = answer
    if status != "OK":
        raise Refused(str(data))
    return data


def _code(imap: imaplib.IMAP4, name: str) -> list[int]:
    """The numbers of a response code such as `[APPENDUID 1 7]` (RFC 4315)."""
    _, data = imap.response(name)
    if not data or data[0] is None:
        raise Refused(f"no {name} in the answer")
    return [int(number) for number in re.findall(rb"\d+", data[-1])]
