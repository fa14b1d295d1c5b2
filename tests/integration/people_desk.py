"""A firm whose people decide on the command line: one mailbox on a real server, on either database."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.cli.main import main
from tests.integration.firm import Firm
from tests.servers.dovecot import Dovecot, DovecotUser
from tests.servers.postgres import Postgres

CSV = """\
name,email
Jane Doe,jane@acme.example
Max One,office@globex.example
Mia Two,office@globex.example
"""
HEADERS = "From: {sender}\r\nTo: {to}\r\nSubject: {subject}\r\nMessage-ID: <{id}>\r\n"
BODY = "Date: Fri, 20 Nov 2026 10:00:00 +0100\r\n\r\nCan you send the offer?\r\n"


class Desk(Firm):
    """The firm with the program in this process: these tests give many commands."""

    capture: pytest.CaptureFixture[str]

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        code = main(["--config", str(self.config), *arguments])
        out, err = self.capture.readouterr()
        return subprocess.CompletedProcess(arguments, code, out, err)


@pytest.fixture(params=["sqlite", "postgresql"])
def firm(request: pytest.FixtureRequest, tmp_path: Path, ca_file: Path, capsys: pytest.CaptureFixture[str]) -> Firm:
    firm = Desk(tmp_path, ca_file)
    firm.capture = capsys
    if request.param == "postgresql":
        postgres: Postgres = request.getfixturevalue("postgres")
        firm.secret("store.key", "a key that only tests know, and long enough")
        firm.write(f'[store]\nurl = "{postgres.database()}"\nkey = {{ file = "store.key" }}\n')
    (tmp_path / "people.csv").write_text(CSV)
    return firm


@pytest.fixture
def user(firm: Firm, dovecot: Dovecot) -> DovecotUser:
    user = dovecot.user(domain="ourfirm.example")
    firm.read(user, port=dovecot.imaps_port)
    assert firm.run("contacts", "import", str(firm.folder / "people.csv")).returncode == 0
    return user


@pytest.fixture
def deliver(firm: Firm, user: DovecotUser) -> Callable[..., str]:
    """Delivers one message and reads it; its Message-ID."""

    def deliver(id: str, sender: str, *, to: str = "", more: str = "") -> str:
        head = HEADERS.format(sender=sender, to=", ".join(filter(None, (user.address, to))), subject=id, id=id)
        user.append("INBOX", (head + more + BODY).encode())
        ok(firm, "sync")
        return id

    return deliver


def ok(firm: Firm, *words: str) -> str:
    told = firm.run(*words)
    assert (told.returncode, told.stderr) == (0, ""), told.stderr
    return told.stdout


def id_of(firm: Firm, name: str) -> str:
    return next(str(one["id"]) for one in firm.rows("contacts", "list") if one["name"] == name)
