"""Scenario 37 for Exchange Server: killed between the write of a calendar item and the commit, one item it is.

The server kills the process at the moment that matters: the item is made, and its answer never arrives. Four looks keep
a second one away (the reading of the calendar before anything is written, the search of whoever publishes, that of
whoever creates, and the one for twins after it); each is enough, and without all of them there are two.
"""

import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent.cli.main import main
from tests.acceptance.kill import state
from tests.servers.ews import EwsServer, Mailbox

ROOT = Path(__file__).parents[3]
CUSTOMER = "kim@customer.example"


@pytest.fixture
def box(ews: EwsServer) -> Mailbox:
    """With a flagged mail from a customer."""
    box = ews.mailbox()
    date = datetime.now(UTC) - timedelta(days=9)
    header = f"From: {CUSTOMER}\r\nTo: {box.address}\r\nSubject: Offer\r\nMessage-ID: <1@mail.example>\r\n"
    box.flag(box.deliver(f"{header}Date: {date:%a, %d %b %Y %H:%M:%S +0000}\r\n\r\nHello.\r\n".encode(), received=date))
    return box


def install(folder: Path, server: EwsServer, box: Mailbox) -> None:
    password = folder / "mail.secret"
    password.write_text(box.password)
    password.chmod(0o600)
    (folder / "crm-agent.toml").write_text(
        f"""
[organisation]
domains = ["ourfirm.example"]
timezone = "Europe/Berlin"
[reminders]
flagged = {{ after = "3 working days" }}
[[connectors]]
name = "lab"
type = "exchange"
endpoint = "{server.url}"
auth = "basic"
access = "delegate"
ca_file = "{server.ca_file}"
username = "{{address}}"
password = {{ file = "mail.secret" }}
mailboxes = [{{ address = "{box.address}" }}]
"""
    )


def run(folder: Path, *command: str) -> int:
    """The exit code of a command, in this process."""
    return main(["--config", str(folder / "crm-agent.toml"), *command])


def sync_until_killed(folder: Path, server: EwsServer, operation: str) -> tuple[int, str]:
    """Exit code and words of a process that the server kills once it has done this operation."""
    words = [sys.executable, "-m", "agent.cli", "--config", str(folder / "crm-agent.toml"), "sync"]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as victim:

        def kill(answer: bytes) -> bytes:
            victim.send_signal(signal.SIGKILL)
            return answer

        server.faults.rewrite(kill, operation, times=1)
        said, _ = victim.communicate(timeout=120)
    return victim.returncode, said.decode()


@pytest.mark.parametrize("operation", ["CreateItem", "DeleteItem"])
def test_scenario_37_killed_between_a_calendar_write_and_its_commit_the_outcome_is_the_undisturbed_one(
    ews: EwsServer, box: Mailbox, tmp_path: Path, operation: str
) -> None:
    install(tmp_path, ews, box)
    assert run(tmp_path, "contacts", "add", CUSTOMER, "--name", "Kim") == 0
    if operation == "DeleteItem":
        assert run(tmp_path, "sync") == 0
        box.flag(box.items()[0].id, "Complete")
    code, said = sync_until_killed(tmp_path, ews, operation)
    assert code == -signal.SIGKILL, said
    items, standing = (1, "in-calendar") if operation == "CreateItem" else (0, "not-needed")
    assert len(box.items("calendar")) == items
    assert run(tmp_path, "sync") == 0
    (row,) = state.rows(tmp_path / "crm-agent.db")["reminders"]
    assert (len(box.items("calendar")), f"state={standing}" in row) == (items, True)
    assert (ews.operations["CreateItem"], ews.operations["DeleteItem"]) == (1, 1 - items)
