"""Every scenario here is told twice: of Exchange Online by Microsoft Graph, and of Exchange Server by EWS."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.acceptance.scenarios.exchange_user import ExchangeUser
from tests.acceptance.scenarios.exchanges.words import Owner
from tests.acceptance.scenarios.graph_user import GraphUser
from tests.acceptance.scenarios.letters import ANNA
from tests.servers.ews import EwsServer
from tests.servers.graph import Tenant
from tests.servers.graph.server import GraphServer


@pytest.fixture
def make_online(graph_server: GraphServer, ca_file: Path, tmp_path: Path) -> Iterator[Callable[[], GraphUser]]:
    """Makes mailboxes in Exchange Online, each in a tenant of its own. What breaks Graph's description fails."""
    tenants: list[Tenant] = []

    def make() -> GraphUser:
        tenants.append(graph_server.tenant())
        return GraphUser.make(tenants[-1], ca_file, tmp_path, ANNA)

    yield make
    assert not [breach for tenant in tenants for breach in tenant.violations]


@pytest.fixture
def make_on_premises(ews: EwsServer, tmp_path: Path) -> Callable[[], ExchangeUser]:
    """Makes mailboxes on Exchange Server."""
    return lambda: ExchangeUser.make(ews, tmp_path)


@pytest.fixture(params=["graph", "exchange"])
def make_user(request: pytest.FixtureRequest) -> Callable[[], Owner]:
    """Makes mailboxes with INBOX and Sent on one of the two."""
    name = "make_online" if request.param == "graph" else "make_on_premises"
    make: Callable[[], Owner] = request.getfixturevalue(name)
    return make


@pytest.fixture
def user(make_user: Callable[[], Owner]) -> Owner:
    """Anna's mailbox."""
    return make_user()


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of some dozen messages takes many pages."""
    for name, value in (("graph.lanes.PAGE", 10), ("exchange.lanes.PAGE", 10), ("exchange.reading.MOST_CHANGES", 5)):
        monkeypatch.setattr(f"connectors.{name}", value)
