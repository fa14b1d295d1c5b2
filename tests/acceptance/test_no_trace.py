"""Mail that matches nobody leaves nothing behind: no address, name, subject or text in any file of ours.

A real process reads a real mailbox; every byte it
left is searched: the database, its WAL, the log, temporary files.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.scenarios.letters import letter
from tests.servers.dovecot import Dovecot

SECRETS = {
    "address": "zebedee.quartz@hidden-planet.example",
    "name": "Zebedee Quartzenbauer",
    "subject": "Kohlrabi-Verschwörung Teil sieben",
    "text": "the periwinkle walks at midnight",
    "recipient": "umbrella.koala@hidden-planet.example",
    "message id": "marzipan-90210@hidden-planet.example",
    "only referred to": "root-4711@secret-stranger.example",
    "attachment": "dossier-octopus.pdf",
}
"""What a stranger's mail holds, by where."""


def _strangers_mail() -> bytes:
    return (
        f"From: {SECRETS['name']} <{SECRETS['address']}>\r\nTo: anna@ourfirm.example, {SECRETS['recipient']}\r\n"
        f"Subject: {SECRETS['subject']}\r\nMessage-ID: <{SECRETS['message id']}>\r\n"
        f"References: <{SECRETS['only referred to']}>\r\nDate: Mon, 02 Nov 2026 10:00:00 +0100\r\nMIME-Version: 1.0\r\n"
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
        f"{SECRETS['text']}\r\n--b\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; "
        f"filename={SECRETS['attachment']}\r\n\r\nx\r\n--b--\r\n"
    ).encode()


@pytest.fixture
def installation(tmp_path: Path, dovecot: Dovecot) -> Path:
    """A folder with a configuration for one mailbox that holds a customer's and strangers' mail."""
    user = dovecot.user()
    user.append("INBOX", letter(subject="From a customer", from_="kim@customer.example"))
    user.append("INBOX", _strangers_mail())
    user.append("Sent", _strangers_mail())
    quoted = _strangers_mail().decode()
    user.append("INBOX", letter(from_="bob@ourfirm.example", subject=f"Fwd: {SECRETS['subject']}", text=quoted))
    for name, value in (("password", user.password),):
        (tmp_path / name).write_text(value)
        (tmp_path / name).chmod(0o600)
    (tmp_path / "crm-agent.toml").write_text(
        f"""
[organisation]
domains = ["ourfirm.example"]
[[connectors]]
name = "lab"
type = "imap"
host = "127.0.0.1"
port = {dovecot.imaps_port}
ca_file = "{dovecot.ca_file}"
  [[connectors.mailboxes]]
  address = "anna@ourfirm.example"
  username = "{user.username}"
  password = {{ file = "password" }}
"""
    )
    (tmp_path / "tmp").mkdir()
    return tmp_path


def _run(folder: Path, *command: str) -> None:
    with (folder / "log").open("ab") as log:
        done = subprocess.run(
            [sys.executable, "-m", "agent.cli", "--config", folder / "crm-agent.toml", *command],
            env={**os.environ, "TMPDIR": str(folder / "tmp")},
            stdout=log,
            stderr=log,
            timeout=120,
            check=False,
        )
    assert done.returncode == 0, (folder / "log").read_text()


def _found(folder: Path, words: str) -> list[str]:
    """Files that hold the words, in whatever case of the first letters and either common encoding."""
    spellings = {words.encode(), words.lower().encode(), words.encode("utf-16-le"), words.encode("latin-1", "replace")}
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path.name for path in files if any(spelling in path.read_bytes() for spelling in spellings)]


def test_strangers_leave_no_trace_in_any_file(installation: Path) -> None:
    """Neither a first pass, nor one after contacts were added (which reads their headers again), writes them down."""
    _run(installation, "contacts", "add", "kim@customer.example", "--name", "Kim Kunde")
    _run(installation, "sync")
    _run(installation, "contacts", "add", "lea@other.example", "--name", "Lea Leser")
    _run(installation, "sync")
    _run(installation, "reconcile")
    assert _found(installation, "From a customer"), "the search finds what is kept"
    assert {what: _found(installation, words) for what, words in SECRETS.items() if _found(installation, words)} == {}


def test_the_local_parts_alone_leave_no_trace_either(installation: Path) -> None:
    """Not even halves of an address, as an index of words would keep them."""
    _run(installation, "contacts", "add", "kim@customer.example", "--name", "Kim Kunde")
    _run(installation, "sync")
    for words in ("zebedee", "Quartzenbauer", "hidden-planet", "umbrella.koala", "secret-stranger", "octopus"):
        assert _found(installation, words) == []
