"""Exchange Online is asked which mail an address takes part in: page by page, bounded, each address by itself."""

from pathlib import Path

import pytest

from connectors.graph.source import GraphSource
from tests.contracts.graph_owner import access_to
from tests.integration.graph_lab import Asker, mail
from tests.servers.graph import Tenant
from tests.servers.graph.mailbox import Mailbox

BOB, ZOE = "bob@customer.example", "zoe@buyer.example"


@pytest.fixture
def source(graph_tenant: Tenant, graph_anna: Mailbox, ca_file: Path, tmp_path: Path) -> GraphSource:
    return GraphSource(access_to(graph_tenant, graph_anna.address, ca_file, tmp_path), sleep=lambda _: None)


def test_all_pages_of_all_addresses_are_read_and_of_one_folder_alone(
    source: GraphSource, graph_anna: Mailbox, graph_tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.graph.search._PAGE", 2)
    wanted = {graph_anna.deliver(mail(f"From Bob {number}")).immutable_id for number in range(5)}
    wanted.add(graph_anna.deliver(mail("To Zoe", sender="x@x.example", headers=f"Cc: Zoe <{ZOE}>\r\n")).immutable_id)
    graph_anna.deliver(mail("Neither", sender="bob@customer.example.org"))
    graph_anna.deliver(mail("Elsewhere"), "archive")
    inbox = source.folders()[0]
    before = graph_tenant.http.total()
    assert source.naming(inbox, "1", [BOB, ZOE.upper(), BOB, "*@customer.example", "a b@x.example"]) == wanted
    assert graph_tenant.http.total() - before == 3


def test_an_address_in_more_mail_than_is_listed_ends_the_search(
    source: GraphSource, graph_anna: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is left out is decided anew in its turn."""
    monkeypatch.setattr("connectors.graph.search._PAGE", 2)
    monkeypatch.setattr("connectors.graph.search.MOST_FOUND", 4)
    for number in range(6):
        graph_anna.deliver(mail(f"From Bob {number}"))
    assert len(source.naming(source.folders()[0], "1", [BOB])) == 4


def test_a_search_takes_neither_a_filter_nor_an_order(graph_client: Asker) -> None:
    """As Graph refuses it, so that a client which combined them would fail here too."""
    path = f'/users/anna@firm.example/mailFolders/inbox/messages?$search="participants:{BOB}"'
    assert graph_client.get(path)["value"] == []
    assert graph_client.refused(400, "GET", f"{path}&$filter=isRead eq false") == "SearchWithFilter"
    assert graph_client.refused(400, "GET", f"{path}&$orderby=receivedDateTime desc") == "SearchWithOrderBy"
