"""A mailbox of Exchange Server with the words of `MailUser`, so that a scenario told of one is told of the other.

Folders go by their display names, INBOX and Sent by those. Ids of Exchange change with a move, so messages go by
numbers here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from config.model import ExchangeAccess
from tests.contracts.exchange_owner import access_to
from tests.servers.ews import EwsServer
from tests.servers.ews import Mailbox as Box
from tests.servers.ews.fields import flag

NAMES = {"INBOX": "inbox", "Sent": "sentitems"}


@dataclass(frozen=True, kw_only=True)
class ExchangeUser:
    """See MailUser. Flags are IMAP's: `\\Flagged`, `\\Draft`, and categories as keywords."""

    server: EwsServer
    box: Box
    access: ExchangeAccess
    ids: list[str] = field(default_factory=list)
    """ItemIds by number, from 1."""

    @classmethod
    def make(cls, server: EwsServer, secrets: Path) -> "ExchangeUser":
        """Of somebody whose Outlook calls the folder of sent mail so."""
        box = server.mailbox()
        box.rename_folder("sentitems", "Sent")
        return cls(server=server, box=box, access=access_to(server, box, secrets))

    @property
    def address(self) -> str:
        return self.box.address

    @property
    def username(self) -> str:
        return self.box.address

    def append(self, folder: str, raw: bytes, flags: Sequence[str] = (), when: datetime | None = None) -> int:
        if "\\Draft" in flags:
            number = self._known(self.box.save_draft(raw, _path(folder)))
        elif folder == "Sent":
            number = self._known(self.box.send(raw, sent=when))
        else:
            number = self._known(self.box.deliver(raw, _path(folder), received=when))
        if rest := set(flags) - {"\\Draft", "\\Seen"}:
            self.flag(folder, number, *rest)
        return number

    def append_many(self, folder: str, messages: Iterable[tuple[bytes, datetime | None, Sequence[str]]]) -> int:
        return len([self.append(folder, raw, flags, when) for raw, when, flags in messages])

    def deliver(self, raw: bytes) -> None:
        self.append("INBOX", raw)

    def move(self, number: int, source: str, target: str) -> int:
        return self._known(self.box.move(self.id_of(number), _path(target)))

    def copy(self, number: int, source: str, target: str) -> int:
        return self._known(self.box.copy(self.id_of(number), _path(target)))

    def expunge(self, folder: str, *numbers: int) -> None:
        for number in numbers:
            self.box.delete(self.id_of(number))

    def flag(self, folder: str, number: int, *flags: str) -> None:
        if "\\Flagged" in flags:
            self.box.flag(self.id_of(number))
        self._draft(number, flags, draft=True)
        self._categorise(number, self._categories(number) | {name for name in flags if not name.startswith("\\")})

    def unflag(self, folder: str, number: int, *flags: str) -> None:
        if "\\Flagged" in flags:
            self.box.flag(self.id_of(number), "NotFlagged")
        self._draft(number, flags, draft=False)
        self._categorise(number, self._categories(number) - set(flags))

    def create(self, folder: str) -> None:
        self.box.create_folder(folder)

    def rename(self, old: str, new: str) -> None:
        self.box.rename_folder(_path(old), new)

    def delete(self, folder: str) -> None:
        self.box.delete_folder(_path(folder))

    def status(self, folder: str) -> dict[str, int]:
        return {"MESSAGES": len(self.box.items(_path(folder)))}

    def snapshot(self) -> object:
        return self.box.snapshot()

    def _known(self, id: str) -> int:
        self.ids.append(id)
        return len(self.ids)

    def id_of(self, number: int) -> str:
        """Its ItemId."""
        return self.ids[number - 1]

    def _draft(self, number: int, flags: Sequence[str], *, draft: bool) -> None:
        if "\\Draft" in flags:
            self.box.set(self.id_of(number), "IsDraft", flag("IsDraft", draft))

    def _categories(self, number: int) -> set[str]:
        return {name for name in self.box.item(self.id_of(number))["Categories"].split("; ") if name}

    def _categorise(self, number: int, names: set[str]) -> None:
        if names != self._categories(number):
            self.box.categorise(self.id_of(number), *sorted(names))


def _path(folder: str) -> str:
    return NAMES.get(folder, folder)
