"""A person with a mailbox on the Exchange server of the lab, in the words of the contract of mailboxes."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from config.model import ExchangeAccess, Mailbox, Reminders
from config.secrets import Secret
from connectors.exchange import ExchangeSource, open_source
from connectors.message import NO_FLAGS, Flags
from tests.servers.ews import EwsServer
from tests.servers.ews import Mailbox as Box


def access_to(server: EwsServer, box: Box, secrets: Path, **changes: Any) -> ExchangeAccess:
    """How the agent signs in as the owner. The password lies in a file below `secrets`."""
    secret = secrets / f"password of {box.address}"
    if not secret.exists():
        secret.touch(mode=0o600)
    secret.write_text(box.password)
    return ExchangeAccess.model_validate(
        {
            "user": box.address,
            "endpoint": server.url,
            "auth": "basic",
            "username": box.address,
            "password": Secret(file=secret),
            "access": "delegate",
            "ca_file": server.ca_file,
            **changes,
        }
    )


def mailbox_of(access: ExchangeAccess) -> Mailbox:
    return Mailbox(
        address=access.user, connector="lab", access=access, timezone="Europe/Berlin", capture="full",
        reminders=Reminders(),
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class ExchangeOwner:
    """box: the mailbox. secrets: for the file with the password."""

    box: Box
    server: EwsServer
    secrets: Path

    def open(self) -> ExchangeSource:
        return open_source(mailbox_of(access_to(self.server, self.box, self.secrets)))

    def append(self, folder: str, raw: bytes, when: datetime, flags: Flags = NO_FLAGS) -> str:
        id = self.box.deliver(raw, _path(folder), received=when)
        if flags != NO_FLAGS:
            self.flag(folder, id, flags)
        return id

    def create(self, folder: str) -> None:
        self.box.create_folder(folder)

    def remove(self, folder: str) -> None:
        self.box.delete_folder(_path(folder))

    def move(self, folder: str, id: str, target: str) -> str:
        return self.box.move(id, _path(target))

    def copy(self, folder: str, id: str, target: str) -> str:
        return self.box.copy(id, _path(target))

    def expunge(self, folder: str, *ids: str) -> None:
        for id in ids:
            self.box.delete(id)

    def flag(self, folder: str, id: str, flags: Flags) -> None:
        self.box.flag(id, "Flagged" if flags.flagged else "NotFlagged")
        self.box.categorise(id, *sorted(flags.categories))

    def renumber(self, folder: str) -> None:
        raise NotImplementedError("an id of Exchange never changes its meaning")

    def snapshot(self) -> object:
        return self.box.snapshot()


def _path(folder: str) -> str:
    return "inbox" if folder == "INBOX" else folder
