"""What goes in and out of the Graph simulator is held against Microsoft's description of Graph, where it is at hand."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.graph_lab import Asker, mail
from tests.servers.certs import Authority
from tests.servers.graph import GraphServer, Tenant, description
from tests.servers.graph.description import Description
from tests.servers.graph.mailbox import Mailbox

MESSAGES = "/users/anna@firm.example/messages"


@pytest.fixture(scope="session")
def described() -> Path:
    """The description. Skips, by name, where it is absent."""
    found = description.find()
    if found is None:
        pytest.skip(f"{description.FILE} is not at hand (see tests/servers/graph/description.py)")
    return found


@pytest.fixture
def broken(described: Path, graph_client: Asker, graph_tenant: Tenant) -> Iterator[list[str]]:
    """What was found to be wrong; the test is not failed for it."""
    assert described
    yield graph_tenant.violations
    graph_tenant.violations.clear()
    graph_client.session.close()


def test_what_fits_the_description_is_not_complained_of(
    graph_client: Asker, graph_anna: Mailbox, broken: list[str]
) -> None:
    """Words of enumerations in any case, both ways to write a path, options whose name is left to the documentation."""
    message = graph_anna.deliver(mail())
    graph_anna.change(message, importance="High")
    graph_client.get("/users('anna@firm.example')/mailFolders('inbox')/messages/delta()?$select=importance,subject")
    graph_client.get("/users/anna@firm.example/mailFolders?includeHiddenFolders=true")
    graph_client.get(f"{MESSAGES}?$select=subject,microsoft.graph.eventMessage/meetingMessageType")
    assert broken == []


@pytest.mark.parametrize(
    ("field", "value"), [("importance", "urgent"), ("subjekt", "Offer"), ("isRead", "yes"), ("toRecipients", None)]
)
def test_an_answer_that_graph_would_not_give_is_found(
    graph_client: Asker, graph_anna: Mailbox, broken: list[str], field: str, value: object
) -> None:
    """Objects are closed, types and words are Microsoft's; also where a message like it was right before."""
    message = graph_anna.deliver(mail())
    graph_client.get(MESSAGES)
    assert broken == []
    message.fields[field] = value
    message.changed()
    graph_client.get(MESSAGES)
    assert len(broken) == 1
    assert broken[0].startswith("GET users/*/messages: entry")


@pytest.mark.parametrize(
    ("path", "prefer"),
    [
        (f"{MESSAGES}?$slect=subject", "odata.maxpagesize=5"),
        (f"{MESSAGES}?$select=subject,subject", "odata.maxpagesize=5"),
        (f"{MESSAGES}?$count=perhaps", "odata.maxpagesize=5"),
        (MESSAGES, "odata.maxpagesize"),
        (MESSAGES, 'IdType="Immutable"'),
    ],
)
def test_a_request_that_graph_would_not_take_is_found(
    graph_client: Asker, broken: list[str], path: str, prefer: str
) -> None:
    """Even where the simulator answers it."""
    assert graph_client.ask("GET", path, headers={"Prefer": prefer}).status_code == 200
    assert len(broken) == 1


def test_bodies_and_batches_are_judged_too(graph_client: Asker, broken: list[str]) -> None:
    """A batch as a whole and each of its parts."""
    event = {
        "subject": "Call",
        "start": {"dateTime": "2026-12-01T08:30:00", "timeZone": "UTC"},
        "end": {"dateTime": "2026-12-01T08:45:00"},
    }
    graph_client.ask("POST", "/users/anna@firm.example/events", json=event)
    assert broken == []
    graph_client.ask("POST", "/users/anna@firm.example/events", json=event | {"location": {"displayName": 7}})
    graph_client.batch({"id": "1", "method": "GET", "url": MESSAGES.lstrip("/")})
    graph_client.batch({"id": "1", "method": "GET", "url": f"{MESSAGES}?$slect=id"})
    assert broken[0].startswith("POST users/*/events: body location")
    found = {one.partition(": ")[0] for one in broken[1:]}
    assert found == {"POST users/*/events", "POST $batch", "GET users/*/messages"}


def test_the_simulator_works_without_the_description(authority: Authority) -> None:
    """Nothing is judged then."""
    with GraphServer(authority) as server:
        tenant = server.tenant()
        tenant.mailbox("anna@firm.example").deliver(mail())
        asker = Asker(tenant, tenant.application(), authority.ca_file)
        assert len(asker.get(f"{MESSAGES}?$slect=subject")["value"]) == 1
        asker.session.close()
        assert tenant.violations == []


def test_the_description_is_looked_for_where_the_environment_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """GRAPH_SCHEMAS names the folder."""
    monkeypatch.setenv("GRAPH_SCHEMAS", str(tmp_path))
    assert description.find() is None
    (tmp_path / description.FILE).write_text("{}")
    found = description.find()
    assert found == tmp_path / description.FILE
    assert Description(found).content == {}
