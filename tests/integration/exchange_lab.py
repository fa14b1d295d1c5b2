"""A mailbox on the Exchange Server of the lab, and the connector that opens it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from config.model import FolderChoice
from connectors.exchange import ExchangeSource
from connectors.message import Folder
from tests.contracts.exchange_owner import access_to
from tests.servers.ews import EwsServer, Mailbox

Open = Callable[..., ExchangeSource]


@pytest.fixture
def box(ews: EwsServer) -> Mailbox:
    return ews.mailbox()


@pytest.fixture
def opened(ews: EwsServer, box: Mailbox, tmp_path: Path) -> Open:
    """Opens the mailbox with these settings."""

    def open_it(**changes: object) -> ExchangeSource:
        return ExchangeSource(access_to(ews, box, tmp_path, **changes), FolderChoice())

    return open_it


def inbox(source: ExchangeSource) -> Folder:
    return source.folders()[0]
