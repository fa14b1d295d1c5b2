"""A mailbox of the Graph simulator, in the words of the contract of mailboxes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from config.model import GraphAccess
from config.secrets import Secret
from connectors.graph.source import GraphSource
from connectors.message import NO_FLAGS, Flags
from tests.servers.graph import Application, Tenant
from tests.servers.graph.items import Folder, Message
from tests.servers.graph.mailbox import Mailbox


def access_to(
    tenant: Tenant, user: str, ca_file: Path, folder: Path, application: Application | None = None
) -> GraphAccess:
    """How to reach a mailbox of the tenant with the secret of an application, its own one unless one is given."""
    application = application or tenant.application()
    secret = folder / f"{application.client_id}.secret"
    secret.touch(mode=0o600)
    secret.write_text(application.secret)
    return GraphAccess(
        user=user,
        tenant_id=tenant.id,
        client_id=application.client_id,
        client_secret=Secret(file=secret),
        endpoint=tenant.resource,
        authority=tenant.authority,
        ca_file=ca_file,
    )


@dataclass(frozen=True, kw_only=True)
class GraphOwner:
    """Folders go by their display names, messages by their immutable ids. page: how many are asked for at once."""

    tenant: Tenant
    mailbox: Mailbox
    access: GraphAccess
    page: int = 250
    sent: dict[str, Message] = field(default_factory=dict)

    def open(self) -> GraphSource:
        return GraphSource(self.access, page=self.page, sleep=lambda _: None)

    def append(self, folder: str, raw: bytes, when: datetime, flags: Flags = NO_FLAGS) -> str:
        message = self.mailbox.deliver(raw, self._folder(folder), received=when, fields=_fields(flags))
        return self._known(message)

    def create(self, folder: str) -> None:
        self.mailbox.create_folder(folder)

    def remove(self, folder: str) -> None:
        self.mailbox.delete_folder(self._folder(folder))

    def move(self, folder: str, id: str, target: str) -> str:
        return self._known(self.mailbox.move(self.sent[id], self._folder(target)))

    def copy(self, folder: str, id: str, target: str) -> str:
        return self._known(self.mailbox.copy(self.sent[id], self._folder(target)))

    def expunge(self, folder: str, *ids: str) -> None:
        for id in ids:
            self.mailbox.delete(self.sent[id])

    def flag(self, folder: str, id: str, flags: Flags) -> None:
        self.mailbox.change(self.sent[id], **_fields(flags))

    def renumber(self, folder: str) -> None:
        raise NotImplementedError

    def snapshot(self) -> object:
        return self.mailbox.snapshot()

    def _folder(self, name: str) -> Folder:
        return next(folder for folder in self.mailbox.folders.values() if folder.name == name)

    def _known(self, message: Message) -> str:
        self.sent[message.immutable_id] = message
        return message.immutable_id


def _fields(flags: Flags) -> Mapping[str, Any]:
    return {
        "isDraft": flags.draft,
        "categories": sorted(flags.categories),
        "flag": {"flagStatus": "flagged" if flags.flagged else "notFlagged"},
    }
