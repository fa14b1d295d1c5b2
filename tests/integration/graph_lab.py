"""Plain requests to the Graph simulator, written from Microsoft's documentation: any client could send them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.servers.graph import Application, GraphServer, Tenant
from tests.servers.graph.mailbox import Mailbox

IMMUTABLE = {"Prefer": 'IdType="ImmutableId"'}
OWN_PROPERTY = "String {66f5a359-4659-4830-9070-00047ec6ac6e} Name ReminderKey"


class Asker:
    """A session with a token. It asks below `/v1.0`, or the whole URL of a link, and verifies the server."""

    def __init__(self, tenant: Tenant, application: Application, ca_file: Path) -> None:
        self.tenant, self.application = tenant, application
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = str(ca_file)
        self.sign_in()

    def sign_in(self) -> None:
        """Take a new token."""
        self.session.headers["Authorization"] = f"Bearer {self.tenant.token(self.application)}"

    def ask(self, method: str, path: str, **how: Any) -> requests.Response:  # of requests
        """One request, whatever the answer."""
        url = path if path.startswith("https://") else f"{self.tenant.endpoint}{path}"
        return self.session.request(method, url, timeout=30, **how)

    def get(self, path: str, **headers: str) -> Any:  # noqa: ANN401  # JSON
        """The JSON of an answer that must be good."""
        answer = self.ask("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def refused(self, status: int, method: str, path: str, **how: Any) -> str:  # of requests
        """The error code of an answer that must have this status."""
        answer = self.ask(method, path, **how)
        assert answer.status_code == status, answer.text
        return str(answer.json()["error"]["code"])

    def pages(self, path: str, **headers: str) -> tuple[list[list[dict[str, Any]]], str]:
        """All pages of a round of changes, and its deltaLink."""
        found = []
        while True:
            page = self.get(path, **headers)
            found.append(page["value"])
            if "@odata.deltaLink" in page:
                return found, page["@odata.deltaLink"]
            path = page["@odata.nextLink"]

    def round(self, path: str, **headers: str) -> tuple[list[dict[str, Any]], str]:
        """All entries of a round of changes, and its deltaLink."""
        pages, link = self.pages(path, **headers)
        return [entry for page in pages for entry in page], link

    def batch(self, *parts: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """Responses of a batch by their id."""
        answer = self.ask("POST", "/$batch", json={"requests": list(parts)})
        assert answer.status_code == 200, answer.text
        return {part["id"]: part for part in answer.json()["responses"]}


def mail(
    subject: str = "Offer", *, sender: str = "Bob Miller <bob@customer.example>", headers: str = "", text: str = "Hello"
) -> bytes:
    """A message as it comes over SMTP. headers: further lines, each with its line end."""
    name = subject.replace(" ", "-").encode("ascii", "ignore").decode()
    return (
        f"From: {sender}\r\nTo: Anna <anna@firm.example>\r\nSubject: {subject}\r\n"
        f"Date: Mon, 2 Nov 2026 10:00:00 +0100\r\nMessage-ID: <{name}@customer.example>\r\n{headers}\r\n{text}\r\n"
    ).encode()


@pytest.fixture
def graph_anna(graph_tenant: Tenant) -> Mailbox:
    """The mailbox of anna@firm.example in a tenant of the test's own."""
    return graph_tenant.mailbox("anna@firm.example", name="Anna Smith")


@pytest.fixture
def graph_client(graph_tenant: Tenant, graph_server: GraphServer, graph_anna: Mailbox) -> Iterator[Asker]:
    """A client with every permission."""
    asker = Asker(graph_tenant, graph_tenant.application(), graph_server.ca_file)
    yield asker
    asker.session.close()
