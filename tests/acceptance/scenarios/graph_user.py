"""A mailbox of Exchange Online with the words of `MailUser`, so that a scenario told of one is told of the other.

Folders go by their display names, messages by a number that lasts.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from config.model import GraphAccess
from tests.contracts.graph_owner import access_to
from tests.servers.graph import Tenant
from tests.servers.graph.items import Folder, Message
from tests.servers.graph.mailbox import Mailbox

NAMES = {"inbox": "INBOX", "sentitems": "Sent"}


@dataclass(frozen=True, kw_only=True)
class GraphUser:
    """See MailUser. Flags are IMAP's: `\\Flagged`, `\\Draft`, and categories as keywords."""

    tenant: Tenant
    mailbox: Mailbox
    access: GraphAccess

    @classmethod
    def make(cls, tenant: Tenant, ca_file: Path, secrets: Path, address: str) -> "GraphUser":
        mailbox = tenant.mailbox(address, names=NAMES)
        return cls(tenant=tenant, mailbox=mailbox, access=access_to(tenant, address, ca_file, secrets))

    @property
    def address(self) -> str:
        return self.mailbox.address

    @property
    def username(self) -> str:
        return self.mailbox.address

    def append(self, folder: str, raw: bytes, flags: Sequence[str] = (), when: datetime | None = None) -> int:
        message = self.mailbox.deliver(raw, self._folder(folder), received=when, draft="\\Draft" in flags)
        if set(flags) - {"\\Draft", "\\Seen"}:
            self.flag(folder, message.number, *flags)
        return message.number

    def append_many(self, folder: str, messages: Iterable[tuple[bytes, datetime | None, Sequence[str]]]) -> int:
        return len([self.append(folder, raw, flags, when) for raw, when, flags in messages])

    def deliver(self, raw: bytes) -> None:
        self.mailbox.deliver(raw)

    def move(self, number: int, source: str, target: str) -> int:
        return self.mailbox.move(self._message(source, number), self._folder(target)).number

    def copy(self, number: int, source: str, target: str) -> int:
        return self.mailbox.copy(self._message(source, number), self._folder(target)).number

    def expunge(self, folder: str, *numbers: int) -> None:
        for number in numbers:
            self.mailbox.delete(self._message(folder, number))

    def flag(self, folder: str, number: int, *flags: str) -> None:
        message = self._message(folder, number)
        categories = {*message.fields["categories"], *(name for name in flags if not name.startswith("\\"))}
        if "\\Draft" in flags:
            self.mailbox.change(message, isDraft=True)
        if "\\Flagged" in flags:
            self.mailbox.flag(message)
        self.mailbox.categorise(message, *sorted(categories))

    def unflag(self, folder: str, number: int, *flags: str) -> None:
        message = self._message(folder, number)
        if "\\Draft" in flags:
            self.mailbox.change(message, isDraft=False)
        if "\\Flagged" in flags:
            self.mailbox.flag(message, status="notFlagged")
        self.mailbox.categorise(message, *(name for name in message.fields["categories"] if name not in flags))

    def create(self, folder: str) -> None:
        """With all that lie above it, where they are missing."""
        parent = self.mailbox.root
        for name in folder.split("/"):
            below = {child.name: child for child in self.mailbox.children(parent)}
            parent = below.get(name) or self.mailbox.create_folder(name, parent)

    def rename(self, old: str, new: str) -> None:
        self.mailbox.rename_folder(self._folder(old), new)

    def delete(self, folder: str) -> None:
        self.mailbox.delete_folder(self._folder(folder))

    def uids(self, folder: str) -> list[int]:
        return sorted(self._folder(folder).messages)

    def fetch(self, folder: str, number: int) -> bytes:
        return self._message(folder, number).raw

    def status(self, folder: str) -> dict[str, int]:
        return {"MESSAGES": len(self._folder(folder).messages)}

    def snapshot(self) -> object:
        return self.mailbox.snapshot()

    def _folder(self, path: str) -> Folder:
        place = self.mailbox.root
        for name in path.split("/"):
            place = next(child for child in self.mailbox.children(place) if child.name == name)
        return place

    def _message(self, folder: str, number: int) -> Message:
        return self._folder(folder).messages[number]
