"""A mailbox of the Graph simulator with mail in it, for tests of what goes wrong on the way."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from config.model import GraphAccess
from connectors.graph.source import GraphSource
from connectors.message import Cursor, Folder, Page
from tests.contracts.graph_owner import access_to
from tests.contracts.mail_owner import letter
from tests.servers.graph import Tenant
from tests.servers.graph.items import Message
from tests.servers.graph.mailbox import Mailbox

MORNING = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@dataclass(kw_only=True)
class Lab:
    """waits: the seconds that the source would have slept."""

    tenant: Tenant
    mailbox: Mailbox
    access: GraphAccess
    waits: list[float]

    @classmethod
    def make(cls, tenant: Tenant, ca_file: Path, folder: Path) -> "Lab":
        mailbox = tenant.mailbox("anna@lab.example")
        return cls(tenant=tenant, mailbox=mailbox, access=access_to(tenant, mailbox.address, ca_file, folder), waits=[])

    def open(self, *, page: int = 250) -> GraphSource:
        return GraphSource(self.access, page=page, sleep=self.waits.append)

    def fill(self, *numbers: int) -> list[Message]:
        return [
            self.mailbox.deliver(letter(number), received=MORNING + timedelta(minutes=number)) for number in numbers
        ]


def inbox(source: GraphSource) -> Folder:
    return source.folders()[0]


def begin(source: GraphSource, folder: Folder) -> tuple[Cursor, Cursor]:
    """(forward, history)"""
    (page,) = source.changes(folder, None)
    assert page.cursor is not None
    assert page.history is not None
    return page.cursor, page.history


def forward_of(pages: Sequence[Page], before: Cursor) -> Cursor:
    """Where forward goes on after these pages of history."""
    return next((page.forward for page in reversed(pages) if page.forward is not None), before)
