"""Each mistake in the settings is one sentence with what to do, and exit code 2, as admins meet it at the command.

Nothing here is played: the mail lies on a real Dovecot, and the program runs in a process of its own.
"""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

import agent
from tests.integration.firm import Firm
from tests.servers.certs import Authority
from tests.servers.dovecot import Dovecot, DovecotUser
from tests.servers.process import free_port

Told = subprocess.CompletedProcess[str]
SOURCES = Path(agent.__file__).parents[1]


@pytest.fixture
def firm(tmp_path: Path, ca_file: Path) -> Firm:
    folder = tmp_path / "firm"
    folder.mkdir()
    return Firm(folder, ca_file)


@pytest.fixture
def user(dovecot: Dovecot) -> DovecotUser:
    """A mailbox with one message."""
    user = dovecot.user()
    user.append("INBOX", b"From: a@b.example\r\nTo: c@lab.example\r\nMessage-ID: <1@b.example>\r\n\r\nhello\r\n")
    return user


def refused(told: Told, sentence: str, advice: str | None = None) -> None:
    """Exit code 2, the sentence, and the advice on a line of its own if there is one; nothing else, no traceback."""
    lines = told.stderr.splitlines()
    assert told.returncode == 2, told.stderr
    assert sentence in lines[0]
    assert len(lines) == (1 if advice is None else 2), told.stderr
    if advice is not None:
        assert advice in lines[1]


def test_the_right_settings_are_read_so_that_each_refusal_below_is_due_to_its_mistake(
    firm: Firm, user: DovecotUser, dovecot: Dovecot
) -> None:
    firm.read(user, port=dovecot.imaps_port)
    told = firm.run("sync")
    assert (told.returncode, told.stderr) == (0, "")
    assert "1 skipped" in told.stdout


def test_a_wrong_password(firm: Firm, user: DovecotUser, dovecot: Dovecot) -> None:
    firm.secret("wrong", "wrong")
    address = firm.read(user, port=dovecot.imaps_port, password='{ file = "wrong" }')
    told = firm.run("sync")
    refused(told, f"{address}: 127.0.0.1:{dovecot.imaps_port} refused the credentials", "check `username`")


def test_another_certificate_authority(firm: Firm, user: DovecotUser, dovecot: Dovecot, tmp_path: Path) -> None:
    other = Authority(tmp_path).ca_file
    firm.read(user, port=dovecot.imaps_port, ca_file=f'"{other}"')
    told = firm.run("sync")
    refused(
        told, f"is not accepted by the authorities in ca_file {other}", "set `ca_file` to the authority that signed"
    )


def test_no_certificate_authority(firm: Firm, user: DovecotUser, dovecot: Dovecot) -> None:
    firm.read(user, port=dovecot.imaps_port, ca_file="")
    told = firm.run("sync")
    refused(told, "is not accepted by the authorities of this system", "set `ca_file` to the authority that signed")


def test_a_port_where_nobody_listens(firm: Firm, user: DovecotUser) -> None:
    port = free_port()
    address = firm.read(user, port=port)
    told = firm.run("sync")
    refused(told, f"{address}: 127.0.0.1:{port} refused the connection", "check `host` and `port`")


def test_a_server_that_answered_before_may_be_down_and_is_no_mistake(
    firm: Firm, make_dovecot: Callable[..., Dovecot]
) -> None:
    server = make_dovecot()
    firm.read(server.user(), port=server.imaps_port)
    assert firm.run("sync").returncode == 0
    server.halt()
    told = firm.run("sync")
    assert told.returncode == 1
    assert "refused the connection" in told.stderr


def test_a_host_that_does_not_exist(firm: Firm, user: DovecotUser) -> None:
    firm.read(user, port=993, host='"mail.nowhere.invalid"')
    refused(firm.run("sync"), "the host name mail.nowhere.invalid cannot be resolved", "check `host`")


def test_tls_spoken_to_a_plain_port(firm: Firm, user: DovecotUser, dovecot: Dovecot) -> None:
    firm.read(user, port=dovecot.imap_port)
    told = firm.run("sync")
    refused(told, f"127.0.0.1:{dovecot.imap_port} does not speak TLS from the start", 'set `security = "starttls"`')


def test_a_folder_that_does_not_exist_while_the_others_are_read(
    firm: Firm, user: DovecotUser, dovecot: Dovecot
) -> None:
    address = firm.read(user, port=dovecot.imaps_port, folders='["INBOX", "Customers"]')
    told = firm.run("sync")
    refused(told, f"{address}: no such folder: Customers", "correct the names in `folders`")
    assert "1 skipped" in told.stdout
    watched = firm.run("mailboxes", "check")
    assert watched.returncode == 1
    assert "folder Customers is not read: the server has no such folder" in watched.stdout + watched.stderr
    firm.config.write_text(firm.config.read_text().replace(', "Customers"', ""))
    firm.run("sync")
    assert firm.run("mailboxes", "check").returncode == 0


def test_one_mailbox_with_a_mistake_holds_no_other_up(firm: Firm, user: DovecotUser, dovecot: Dovecot) -> None:
    firm.secret("wrong", "wrong")
    firm.read(dovecot.user(), port=dovecot.imaps_port, password='{ file = "wrong" }')
    firm.read(user, port=dovecot.imaps_port)
    told = firm.run("sync")
    refused(told, "refused the credentials", "check `username`")
    assert "1 skipped" in told.stdout


@pytest.mark.parametrize("command", [("sync",), ("config", "check"), ("run",)], ids=" ".join)
def test_plain_text_off_loopback(firm: Firm, user: DovecotUser, command: tuple[str, ...]) -> None:
    firm.read(user, port=143, host='"mail.ourfirm.example"', security='"none"', ca_file="")
    refused(firm.run(*command), "connectors.security: mail and passwords would reach mail.ourfirm.example in plain")


@pytest.mark.parametrize(
    ("secret", "sentence"),
    [
        ('{ env = "NO_SUCH_VARIABLE_HERE" }', "environment variable NO_SUCH_VARIABLE_HERE is not set"),
        ('{ file = "absent" }', "absent cannot be read: No such file or directory"),
        ('{ file = "open" }', "can be read by others: run chmod 600"),
        ('{ file = "empty" }', "is empty"),
        ('"secret"', "a secret in plain text, write { env ="),
    ],
    ids=["unset", "absent", "open", "empty", "plain"],
)
def test_a_secret_that_cannot_be_had(
    firm: Firm, user: DovecotUser, dovecot: Dovecot, secret: str, sentence: str
) -> None:
    firm.secret("open", user.password, mode=0o644)
    firm.secret("empty", "")
    firm.read(user, port=dovecot.imaps_port, password=secret)
    told = firm.run("sync")
    refused(told, sentence)
    assert told.stderr.startswith(f"{firm.config}:")


def test_an_unknown_key(firm: Firm, user: DovecotUser, dovecot: Dovecot) -> None:
    firm.read(user, port=dovecot.imaps_port, folder='["INBOX"]')
    refused(firm.run("sync"), "unknown key folder, write folders")


def test_a_mailbox_named_twice(firm: Firm, user: DovecotUser, dovecot: Dovecot) -> None:
    firm.read(user, port=dovecot.imaps_port)
    firm.write(f'\n[[connectors.mailboxes]]\naddress = "{user.address.upper()}"\npassword = {{ env = "X" }}\n')
    told = firm.run("sync", X="x")
    refused(told, f'"{user.address.upper()}" is named already at {firm.config}:')


def test_every_mistake_is_told_at_once(firm: Firm, user: DovecotUser, dovecot: Dovecot) -> None:
    firm.read(user, port=dovecot.imaps_port, folder='["INBOX"]', password='{ file = "absent" }')
    told = firm.run("sync")
    assert told.returncode == 2
    assert [line.startswith(f"{firm.config}:") for line in told.stderr.splitlines()] == [True, True]


def test_no_mailbox_at_all(firm: Firm) -> None:
    refused(firm.run("sync"), "no mailbox is named")


def test_no_configuration_at_all(tmp_path: Path, firm: Firm) -> None:
    firm.config.unlink()
    refused(firm.run("sync"), str(firm.config))


# The database


@pytest.fixture
def synced(firm: Firm, user: DovecotUser, dovecot: Dovecot) -> Firm:
    """A firm whose mail has been read once."""
    firm.read(user, port=dovecot.imaps_port)
    told = firm.run("sync")
    assert told.returncode == 0, told.stderr
    return firm


@pytest.fixture
def later_version(tmp_path: Path) -> Callable[..., Told]:
    """Runs the program as it will be one day: the same with one more migration."""
    folder = tmp_path / "later"
    for package in ("agent", "config", "connectors", "matchers"):
        shutil.copytree(SOURCES / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    migrations = folder / "agent/store/migrations"
    head = ScriptDirectory(str(migrations)).get_current_head()
    (migrations / "versions/9999_later.py").write_text(
        "import sqlalchemy as sa\nfrom alembic import op\n\n"
        f'revision = "9999"\ndown_revision = "{head}"\n\n\n'
        'def upgrade() -> None:\n    op.create_table("of_a_later_version", sa.Column("id", sa.Integer()))\n'
    )

    def run(firm: Firm, *arguments: str) -> Told:
        command = [sys.executable, "-m", "agent.cli", "--config", str(firm.config), *arguments]
        environment = {**os.environ, "PYTHONPATH": str(folder)}
        return subprocess.run(
            command, capture_output=True, text=True, timeout=60, check=False, env=environment, cwd=folder
        )

    return run


def test_a_database_that_a_later_version_made(synced: Firm, later_version: Callable[..., Told]) -> None:
    assert later_version(synced, "migrate").stdout == "the database was upgraded to this version's schema\n"
    for command in (("sync",), ("migrate",), ("interactions", "list"), ("run",)):
        told = synced.run(*command)
        refused(told, "the database was made by a newer crm-agent: install that version, or restore a backup")
        assert told.stdout == ""


def test_a_database_with_an_older_schema_names_the_command_that_upgrades_it(
    synced: Firm, later_version: Callable[..., Told]
) -> None:
    for command in (("sync",), ("interactions", "list"), ("run",)):
        told = later_version(synced, *command)
        refused(told, "the database has an older schema: stop the service and run `crm-agent migrate`")
    assert later_version(synced, "migrate").returncode == 0
    assert later_version(synced, "sync").returncode == 0


def test_a_revision_nobody_knows_is_taken_for_a_later_one(synced: Firm) -> None:
    with sqlite3.connect(synced.database) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'unknown'")
    refused(synced.run("sync"), "the database was made by a newer crm-agent")


def test_a_key_that_is_not_the_databases(synced: Firm) -> None:
    (synced.folder / "installation.key").unlink()
    refused(synced.run("sync"), "the store key is not the one this database was made with: restore the key")


def test_a_key_that_others_can_read(synced: Firm) -> None:
    (synced.folder / "installation.key").chmod(0o644)
    refused(synced.run("sync"), "installation.key can be read by others: run chmod 600")


def test_a_key_that_the_service_cannot_read(synced: Firm) -> None:
    """A folder in its place cannot be read by root either, as whom the tests may run."""
    (synced.folder / "installation.key").unlink()
    (synced.folder / "installation.key").mkdir(mode=0o700)
    refused(synced.run("sync"), "installation.key cannot be read: Is a directory; let the service read it")


def test_a_file_that_is_no_database(synced: Firm) -> None:
    for path in synced.folder.glob("crm-agent.db*"):
        path.write_text("this is a text file" * 100)
    refused(synced.run("sync"), "the database cannot be read: file is not a database; check store.url")


@pytest.mark.parametrize(
    ("store", "sentence"),
    [
        ('url = "sqlite:////no/such/folder/crm.db"', "/no/such/folder/installation.key cannot be written"),
        ('url = "mysql://db/crm"\nkey = { file = "key" }', "store.url: is neither SQLite nor PostgreSQL"),
        ('url = "postgresql+psycopg://db/crm"', "store: key is missing, which PostgreSQL needs"),
        ('url = "sqlite:///crm.db"\npassword = { file = "key" }', "store.password: an SQLite file has no password"),
    ],
)
def test_a_database_that_cannot_be_used(
    firm: Firm, user: DovecotUser, dovecot: Dovecot, store: str, sentence: str
) -> None:
    firm.secret("key", "a key that only tests know, and long enough")
    firm.write(f"[store]\n{store}\n")
    firm.read(user, port=dovecot.imaps_port)
    refused(firm.run("sync"), sentence)


def test_a_database_that_does_not_answer_may_answer_later(firm: Firm, user: DovecotUser, dovecot: Dovecot) -> None:
    firm.secret("key", "a key that only tests know, and long enough")
    firm.write(f'[store]\nurl = "postgresql+psycopg://crm@127.0.0.1:{free_port()}/crm"\nkey = {{ file = "key" }}\n')
    firm.read(user, port=dovecot.imaps_port)
    told = firm.run("sync")
    assert told.returncode == 1
    assert told.stderr.startswith("the database does not answer: ")
    assert len(told.stderr.splitlines()) == 1
