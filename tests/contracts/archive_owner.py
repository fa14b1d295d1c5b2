"""The owners of archives: mail programs that write Maildirs, mbox and .eml files, in the words of the contract."""

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

from imapclient.imap_utf7 import encode as utf7

from config.model import ArchiveAccess, Mailbox, Reminders
from connectors.maildir import ArchiveSource, open_source
from connectors.message import NO_FLAGS, Flags


def mailbox_at(path: Path) -> Mailbox:
    """The settings of an archive."""
    return Mailbox(
        address="anna@ourfirm.example",
        connector="archive",
        access=ArchiveAccess(path=path),
        timezone="UTC",
        capture="full",
        reminders=Reminders(),
    )


def everything_in(root: Path) -> dict[str, tuple[bytes, int]]:
    """Every file with its content and its time stamp."""
    files = [root] if root.is_file() else [path for path in root.rglob("*") if path.is_file()]
    return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


class MaildirOwner:
    """Delivers as Dovecot does: the unique name says when it was saved, the file's time when it was received."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._saved = 1_790_000_000
        self._make(root)

    def _make(self, path: Path) -> None:
        for part in ("cur", "new", "tmp"):
            (path / part).mkdir(parents=True)

    def _path(self, folder: str) -> Path:
        if folder == "INBOX":
            return self.root
        return self.root / f".{utf7(folder).decode('ascii').replace('.', '&AC4-')}"

    def open(self) -> ArchiveSource:
        return open_source(mailbox_at(self.root))

    def _unique(self) -> str:
        self._saved += 1
        return f"{self._saved}.M{self._saved % 999983}P7.mail,S=1"

    def append(self, folder: str, raw: bytes, when: datetime, flags: Flags = NO_FLAGS) -> str:
        id = self._unique()
        letters = self._letters(folder, flags)
        place = f"cur/{id}:2,{letters}" if letters else f"new/{id}"
        path = self._path(folder) / place
        path.write_bytes(raw)
        os.utime(path, (when.timestamp(), when.timestamp()))
        return id

    def _letters(self, folder: str, flags: Flags) -> str:
        words = sorted(flags.categories)
        if words:
            lines = "".join(f"{number} {word}\n" for number, word in enumerate(words))
            (self._path(folder) / "dovecot-keywords").write_text(lines)
        return ("F" if flags.flagged else "") + "".join(chr(ord("a") + number) for number in range(len(words)))

    def _file(self, folder: str, id: str) -> Path:
        return next(path for part in ("cur", "new") for path in (self._path(folder) / part).glob(f"{id}*"))

    def create(self, folder: str) -> None:
        self._make(self._path(folder))

    def remove(self, folder: str) -> None:
        shutil.rmtree(self._path(folder))

    def move(self, folder: str, id: str, target: str) -> str:
        moved = self._unique()
        self._file(folder, id).rename(self._path(target) / "cur" / f"{moved}:2,")
        return moved

    def copy(self, folder: str, id: str, target: str) -> str:
        copied = self._unique()
        shutil.copy2(self._file(folder, id), self._path(target) / "cur" / f"{copied}:2,")
        return copied

    def expunge(self, folder: str, *ids: str) -> None:
        for id in ids:
            self._file(folder, id).unlink()

    def flag(self, folder: str, id: str, flags: Flags) -> None:
        self._file(folder, id).rename(self._path(folder) / "cur" / f"{id}:2,{self._letters(folder, flags)}")

    def renumber(self, folder: str) -> None:
        raise NotImplementedError

    def snapshot(self) -> object:
        return everything_in(self.root)


class EmlOwner:
    """Saves messages as files with the time of the message."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._count = 0
        (root / "Older").mkdir(parents=True)
        (root / "Older" / "one.eml").write_bytes(b"Subject: proves that this is an archive\r\n\r\n")

    def _path(self, folder: str) -> Path:
        return self.root if folder == "INBOX" else self.root / folder

    def open(self) -> ArchiveSource:
        return open_source(mailbox_at(self.root))

    def append(self, folder: str, raw: bytes, when: datetime, flags: Flags = NO_FLAGS) -> str:
        self._count += 1
        path = self._path(folder) / f"{self._count:05}.eml"
        path.write_bytes(raw)
        moment = when.timestamp() + self._count / 1000
        os.utime(path, (moment, moment))
        return path.name

    def create(self, folder: str) -> None:
        self._path(folder).mkdir()

    def remove(self, folder: str) -> None:
        shutil.rmtree(self._path(folder))

    def move(self, folder: str, id: str, target: str) -> str:
        (self._path(folder) / id).rename(self._path(target) / id)
        return id

    def copy(self, folder: str, id: str, target: str) -> str:
        shutil.copy2(self._path(folder) / id, self._path(target) / id)
        return id

    def expunge(self, folder: str, *ids: str) -> None:
        for id in ids:
            (self._path(folder) / id).unlink()

    def flag(self, folder: str, id: str, flags: Flags) -> None:
        raise NotImplementedError

    def renumber(self, folder: str) -> None:
        raise NotImplementedError

    def snapshot(self) -> object:
        return everything_in(self.root)


class MboxOwner:
    """One mbox file, appended to and compacted as mail programs do. Ids are found by a fresh look at the file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._letters: list[tuple[bytes, datetime, Flags]] = []
        path.touch()

    def open(self) -> ArchiveSource:
        return open_source(mailbox_at(self.path))

    def append(self, folder: str, raw: bytes, when: datetime, flags: Flags = NO_FLAGS) -> str:
        self._letters.append((raw, when, flags))
        with self.path.open("ab") as file:
            file.write(_as_mbox(raw, when, flags))
        return self._ids()[-1]

    def _ids(self) -> list[str]:
        source = self.open()
        (folder,) = source.folders()
        return [entry.id for entry in source._shelf(folder).entries()]

    def _rewrite(self) -> None:
        self.path.write_bytes(b"".join(_as_mbox(*letter) for letter in self._letters))

    def expunge(self, folder: str, *ids: str) -> None:
        kept = [letter for id, letter in zip(self._ids(), self._letters, strict=True) if id not in ids]
        self._letters = kept
        self._rewrite()

    def flag(self, folder: str, id: str, flags: Flags) -> None:
        place = self._ids().index(id)
        raw, when, _ = self._letters[place]
        self._letters[place] = (raw, when, flags)
        self._rewrite()

    def create(self, folder: str) -> None:
        raise NotImplementedError

    remove = create

    def move(self, folder: str, id: str, target: str) -> str:
        raise NotImplementedError

    copy = move

    def renumber(self, folder: str) -> None:
        raise NotImplementedError

    def snapshot(self) -> object:
        return everything_in(self.path)


def _as_mbox(raw: bytes, when: datetime, flags: Flags) -> bytes:
    """mboxrd: `From ` lines quoted, whatever quotes they have; flags in fields of their own."""
    separator = f"From sender@customer.example {when.astimezone(UTC):%a %b %d %H:%M:%S %Y}\n".encode()
    header, middle, body = raw.replace(b"\r\n", b"\n").partition(b"\n\n")
    lines = b"\nX-Status: F" if flags.flagged else b""
    lines += b"\nX-Keywords: " + " ".join(sorted(flags.categories)).encode() if flags.categories else b""
    content = header + lines + middle + body
    quoted = b"\n".join(
        b">" + line if line.lstrip(b">").startswith(b"From ") else line for line in content.split(b"\n")
    )
    return separator + quoted + b"\n\n"
