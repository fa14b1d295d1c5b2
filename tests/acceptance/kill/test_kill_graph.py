"""Scenario 37 for Exchange Online: killed when a reminder was made there and nobody here knows, one reminder stands."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from agent.cli.main import main
from tests.acceptance.kill import state
from tests.contracts.graph_owner import access_to
from tests.servers.graph import Tenant
from tests.servers.graph.mailbox import Mailbox

ROOT = Path(__file__).parents[3]
DI, ZOE = "di@ourfirm.example", "zoe@buyer.example"
TITLE = "Send the catalogue"


@dataclass(frozen=True, kw_only=True)
class Office:
    """One folder; Di's mailbox is read and reminded in Exchange Online."""

    folder: Path
    tenant: Tenant
    mailbox: Mailbox

    def configure(self, ca_file: Path) -> None:
        access = access_to(self.tenant, DI, ca_file, self.folder)
        assert access.client_secret is not None
        (self.folder / "crm-agent.toml").write_text(
            '[organisation]\ndomains = ["ourfirm.example"]\n[[connectors]]\nname = "online"\ntype = "graph"\n'
            f'tenant_id = "{access.tenant_id}"\nclient_id = "{access.client_id}"\n'
            f'client_secret = {{ file = "{access.client_id}.secret" }}\n'
            f'endpoint = "{access.endpoint}"\nauthority = "{access.authority}"\nca_file = "{ca_file}"\n'
            f'mailboxes = [{{ address = "{DI}" }}]\n'
        )

    def start(self, *command: str) -> "subprocess.Popen[bytes]":
        """A `crm-agent` process of its own."""
        call = [sys.executable, "-c", "import sys; from agent.cli.main import main; sys.exit(main(sys.argv[1:]))"]
        whole = [*call, "--config", str(self.folder / "crm-agent.toml"), *command]
        return subprocess.Popen(whole, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def run(self, *command: str) -> None:
        assert main(["--config", str(self.folder / "crm-agent.toml"), *command]) == 0

    def states(self) -> list[str]:
        rows = state.rows(self.folder / "crm-agent.db")["reminders"]
        return [cell.removeprefix("state=") for row in rows for cell in row if cell.startswith("state=")]


def test_scenario_37_killed_between_the_item_and_its_confirmation_one_item_stands(
    graph_tenant: Tenant, ca_file: Path, tmp_path: Path
) -> None:
    """Though the server has forgotten the transaction: the next process looks first, and finds its own item."""
    mailbox = graph_tenant.mailbox(DI)
    mailbox.transaction_memory = 0.0
    office = Office(folder=tmp_path, tenant=graph_tenant, mailbox=mailbox)
    office.configure(ca_file)
    office.run("migrate")
    office.run("contacts", "add", ZOE, "--name", "Zoe Buyer")
    office.run("sync")
    office.run("reminders", "add", ZOE, "--due", "2099-05-04 09:00", "--mailbox", DI, "--title", TITLE)
    victims: list[subprocess.Popen[bytes]] = []
    graph_tenant.faults.before(lambda: victims[0].kill(), r"GET /users/[^/]+/events/\w")
    victims.append(office.start("sync"))
    assert victims[0].wait(timeout=120) == -9
    assert [event.subject for event in mailbox.calendars.events()] == [TITLE]
    assert office.states() == ["pending"]
    office.run("sync")
    assert [event.subject for event in mailbox.calendars.events()] == [TITLE]
    assert office.states() == ["in-calendar"]
    assert len(mailbox.calendars.written) == 1
