"""What the IMAP tests share: sources on servers of the lab, small mail, and whole passes over a folder."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from config.model import FolderChoice, ImapAccess, Mailbox, Reminders
from config.secrets import Secret
from connectors.imap import ImapSource, open_source
from connectors.message import Cursor, Envelope, Folder, Page
from connectors.oauth import TokenCache
from tests.servers.dovecot import DovecotUser


class Server(Protocol):
    """What is needed of a server: an address and the authority of its certificate."""

    host: str
    ca_file: Path
    imaps_port: int


class Lab:
    """Makes sources and closes them; secrets lie in files as they must."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: list[ImapSource] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for source in self._open:
            source.close()

    def secret(self, value: str) -> Secret:
        path = self._folder / f"secret-{abs(hash(value))}"
        path.touch(mode=0o600)
        path.write_text(value)
        return Secret(file=path)

    def mailbox(
        self,
        user: Any,  # noqa: ANN401  # any user of the lab
        server: Any,  # noqa: ANN401  # any server of the lab
        *,
        port: int | None = None,
        folders: FolderChoice | None = None,
        **access: Any,  # any server of the lab
    ) -> Mailbox:
        settings = {
            "host": "127.0.0.1",
            "port": port or server.imaps_port,
            "ca_file": server.ca_file,
            "username": user.username,
        }
        if "oauth" not in access:
            settings["password"] = self.secret(user.password)
        return Mailbox(
            address=user.address,
            connector="lab",
            access=ImapAccess(**(settings | access)),
            timezone="UTC",
            capture="full",
            folders=folders or FolderChoice(),
            reminders=Reminders(),
        )

    def source(self, user: Any, server: Any, *, tokens: TokenCache | None = None, **settings: Any) -> ImapSource:  # noqa: ANN401  # any server of the lab
        source = open_source(self.mailbox(user, server, **settings), tokens=tokens)
        self._open.append(source)
        return source


def inbox(source: ImapSource) -> Folder:
    return next(folder for folder in source.folders() if folder.role == "inbox")


def first_contact(source: ImapSource, folder: Folder) -> tuple[Cursor, Cursor]:
    """(forward, history)"""
    (page,) = source.changes(folder, None)
    assert page.cursor is not None
    assert page.history is not None
    return page.cursor, page.history


def news(source: ImapSource, folder: Folder, cursor: Cursor) -> tuple[list[Page], Cursor]:
    """All pages since the cursor, and the cursor after them."""
    pages = list(source.changes(folder, cursor))
    moved = [page.cursor for page in pages if page.cursor is not None]
    return pages, (moved[-1] if moved else cursor)


def past(
    source: ImapSource, folder: Folder, cursor: Cursor, since: date | None = None
) -> tuple[list[Envelope], Cursor]:
    """All envelopes of the history lane, and its cursor after them."""
    pages = list(source.history(folder, cursor, since))
    moved = [page.cursor for page in pages if page.cursor is not None]
    return [e for page in pages for e in page.envelopes], (moved[-1] if moved else cursor)


def envelopes(pages: Sequence[Page]) -> list[str]:
    return [e.message_id or "" for page in pages for e in page.envelopes]


def mail(number: int | str, *, subject: str = "", body: str = "Hello.\r\n", header: str = "") -> bytes:
    """A small message with Message-ID m<number>@lab.example. `header`: more lines, each with its CRLF."""
    if "content-type" not in header.lower():
        header += "Content-Type: text/plain; charset=utf-8\r\n"
    return (
        f"From: Sender {number} <sender{number}@customer.example>\r\nTo: anna@lab.example\r\n"
        f"Subject: {subject or f'Mail {number}'}\r\nDate: Sat, 21 Nov 2026 10:00:00 +0100\r\n"
        f"Message-ID: <m{number}@lab.example>\r\n{header}\r\n{body}"
    ).encode()


def fill(user: DovecotUser, count: int, *, start: int = 1, folder: str = "INBOX") -> None:
    """So many numbered messages."""
    user.append_many(folder, [(mail(n), None, ()) for n in range(start, start + count)])


def names(*numbers: int) -> list[str]:
    """The ids of numbered messages."""
    return [f"m{n}@lab.example" for n in numbers]
