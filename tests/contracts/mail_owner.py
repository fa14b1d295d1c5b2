"""The mailbox from its owner's side, and what the halves of the mailbox contract share."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Protocol, runtime_checkable

import pytest

from connectors.base import MailSource
from connectors.message import NO_FLAGS, Cursor, Envelope, Flags, Folder, Page
from tests.servers.mailuser import BulkMessage


class Owner(Protocol):
    """The mailbox from its owner's side. Folders are called by their readable names; ids are those of the source."""

    def open(self) -> MailSource:
        """The mailbox once more, as a restarted agent would open it."""

    def append(self, folder: str, raw: bytes, when: datetime, flags: Flags = NO_FLAGS) -> str:
        """Puts a message into a folder; `when` is its server time."""

    def create(self, folder: str, /) -> object: ...

    def remove(self, folder: str) -> None:
        """Removes a folder with all that is in it."""

    def move(self, folder: str, id: str, target: str) -> str:
        """The id in the target."""

    def copy(self, folder: str, id: str, target: str) -> str: ...

    def expunge(self, folder: str, *ids: str) -> None: ...

    def flag(self, folder: str, id: str, flags: Flags) -> None:
        """Replaces the flags of a message."""

    def renumber(self, folder: str, /) -> object:
        """All ids of the folder change their meaning."""

    def snapshot(self) -> object:
        """Everything a mail program could see: ids, contents, flags of all folders."""


@runtime_checkable
class AppendsMany(Protocol):
    """An owner who can put many messages into a folder at once."""

    def append_many(self, folder: str, messages: Iterable[BulkMessage]) -> object: ...


START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def letter(number: int | str, *, body: str = "Hello.\r\n") -> bytes:
    """A small message with Message-ID m<number>@lab.example."""
    return (
        f"From: Sender {number} <sender{number}@customer.example>\r\nTo: anna@lab.example\r\n"
        f"Subject: Mail {number}\r\nDate: Mon, 02 Mar 2026 10:00:00 +0100\r\nMessage-ID: <m{number}@lab.example>\r\n"
        f"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{body}"
    ).encode()


def names(*numbers: int) -> list[str]:
    return [f"m{number}@lab.example" for number in numbers]


def envelopes(pages: Iterable[Page]) -> list[Envelope]:
    return [envelope for page in pages for envelope in page.envelopes]


def message_ids(pages: Iterable[Page]) -> list[str]:
    return [envelope.message_id or "" for envelope in envelopes(pages)]


def last_cursor(pages: Sequence[Page], before: Cursor) -> Cursor:
    return next((page.cursor for page in reversed(pages) if page.cursor is not None), before)


class MailSourceDesk:
    """What a back end provides and may switch off."""

    can_flag = True
    can_delete = True
    can_renumber = True
    can_keyword = True
    can_create = True
    knows_size = True
    replays = False
    """Whether changes may hand out once more what was listed before, as delta queries do; the store knows better."""
    odd_names: Sequence[str] = ('Año & "x"', "日本", "R&D", "a.b c", "100% [x]*", "tab's ünd ~")
    """Folder names that the back end must be able to hold and read back."""

    @pytest.fixture
    def owner(self) -> Owner:
        raise NotImplementedError

    @pytest.fixture
    def source(self, owner: Owner) -> Iterator[MailSource]:
        source = owner.open()
        yield source
        source.close()

    def fill(self, owner: Owner, *numbers: int, folder: str = "INBOX") -> list[str]:
        """Messages with these numbers, a day apart by number; their ids."""
        return [owner.append(folder, letter(number), START + timedelta(days=number)) for number in numbers]

    def fill_many(self, owner: Owner, numbers: Iterable[int]) -> None:
        """`fill`, in as few steps as the mailbox takes them."""
        if isinstance(owner, AppendsMany):
            owner.append_many("INBOX", [(letter(number), START + timedelta(days=number), ()) for number in numbers])
        else:
            self.fill(owner, *numbers)

    def folder(self, source: MailSource, name: str = "INBOX") -> Folder:
        return next(folder for folder in source.folders() if folder.name == name)

    def first_contact(self, source: MailSource, folder: Folder) -> tuple[Cursor, Cursor, str]:
        """(forward, history, validity)"""
        (page,) = source.changes(folder, None)
        assert page.cursor is not None
        assert page.history is not None
        return page.cursor, page.history, page.validity

    def news(self, source: MailSource, folder: Folder, cursor: Cursor) -> tuple[list[Page], Cursor]:
        pages = list(source.changes(folder, cursor))
        return pages, last_cursor(pages, cursor)

    def past(
        self, source: MailSource, folder: Folder, cursor: Cursor, since: date | None = None
    ) -> tuple[list[Page], Cursor]:
        pages = list(source.history(folder, cursor, since))
        return pages, last_cursor(pages, cursor)
