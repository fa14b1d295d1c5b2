"""A user of an IMAP server of the lab, in the words of the contract of mailboxes."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from config.model import ImapAccess, Mailbox, Reminders
from config.secrets import Secret
from connectors.imap import ImapSource, open_source
from connectors.message import NO_FLAGS, Flags
from tests.servers.mailuser import BulkMessage, MailUser


@dataclass(frozen=True, kw_only=True)
class ImapOwner:
    """user: the mailbox. server: where it lies. folder: for the file with the password."""

    user: MailUser
    server: Any
    secrets: Path

    def open(self) -> ImapSource:
        secret = self.secrets / "password"
        if not secret.exists():
            secret.touch(mode=0o600)
            secret.write_text(self.user.password)
        access = ImapAccess(
            host="127.0.0.1",
            port=self.server.imaps_port,
            ca_file=self.server.ca_file,
            username=self.user.username,
            password=Secret(file=secret),
        )
        return open_source(
            Mailbox(
                address=self.user.address,
                connector="lab",
                access=access,
                timezone="UTC",
                capture="full",
                reminders=Reminders(),
            )
        )

    def append(self, folder: str, raw: bytes, when: datetime, flags: Flags = NO_FLAGS) -> str:
        return str(self.user.append(folder, raw, _words(flags), when))

    def append_many(self, folder: str, messages: Iterable[BulkMessage]) -> int:
        return self.user.append_many(folder, messages)

    def create(self, folder: str) -> None:
        self.user.create(folder)

    def remove(self, folder: str) -> None:
        self.user.delete(folder)

    def move(self, folder: str, id: str, target: str) -> str:
        return str(self.user.move(int(id), folder, target))

    def copy(self, folder: str, id: str, target: str) -> str:
        return str(self.user.copy(int(id), folder, target))

    def expunge(self, folder: str, *ids: str) -> None:
        self.user.expunge(folder, *map(int, ids))

    def flag(self, folder: str, id: str, flags: Flags) -> None:
        self.user.unflag(folder, int(id), r"\Flagged", r"\Draft")
        if words := _words(flags):
            self.user.flag(folder, int(id), *words)

    def renumber(self, folder: str) -> None:
        self.user.set_uidvalidity(folder, self.user.uidvalidity(folder) + 7)  # type: ignore[attr-defined]  # Dovecot's

    def snapshot(self) -> object:
        return self.user.snapshot()


def _words(flags: Flags) -> list[str]:
    words = [r"\Flagged"] if flags.flagged else []
    return [*words, *([r"\Draft"] if flags.draft else []), *sorted(flags.categories)]
