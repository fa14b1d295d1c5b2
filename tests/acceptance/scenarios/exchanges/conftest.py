"""Every scenario here is told twice: of Exchange Online by Microsoft Graph, and of Exchange Server by EWS."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.acceptance.scenarios.exchange_user import ExchangeUser
from tests.acceptance.scenarios.exchanges.words import Owner
from tests.acceptance.scenarios.graph_user import GraphUser
from tests.acceptance.scenarios.letters import ANNA
from tests.contracts.exchange_owner import access_to
from tests.servers.ews import EwsServer
from tests.servers.graph import Tenant
from tests.servers.graph.server import GraphServer


@pytest.fixture(params=["graph", "exchange"])
def make_user(request: pytest.FixtureRequest, ca_file: Path, tmp_path: Path) -> Callable[[], Owner]:
    """Makes mailboxes with INBOX and Sent on one of the two."""
    if request.param == "exchange":
        ews: EwsServer = request.getfixturevalue("ews")

        def on_premises() -> ExchangeUser:
            box = ews.mailbox()
            return ExchangeUser(server=ews, box=box, access=access_to(ews, box, tmp_path))

        return on_premises
    request.getfixturevalue("graph_tenant")
    server: GraphServer = request.getfixturevalue("graph_server")

    def in_the_cloud() -> GraphUser:
        return GraphUser.make(server.tenant(), ca_file, tmp_path, ANNA)

    return in_the_cloud


@pytest.fixture
def user(make_user: Callable[[], Owner]) -> Owner:
    """Anna's mailbox."""
    return make_user()


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of some dozen messages takes many pages."""
    for name, value in (("graph.lanes.PAGE", 10), ("exchange.lanes.PAGE", 10), ("exchange.reading.MOST_CHANGES", 5)):
        monkeypatch.setattr(f"connectors.{name}", value)
