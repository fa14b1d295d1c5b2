"""`crm-agent sign-in` as a person meets it: a code to type elsewhere, and a mailbox that is read from then on."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.firm import Firm
from tests.servers.dovecot import Dovecot, DovecotUser
from tests.unit.program import PROGRAM


@pytest.fixture
def firm(tmp_path: Path, ca_file: Path) -> Firm:
    return Firm(tmp_path, ca_file)


@pytest.fixture
def user(dovecot: Dovecot) -> DovecotUser:
    return dovecot.user()


def oauth(server: Dovecot, flow: str = "device") -> str:
    tokens = server.tokens
    return (
        f'{{ provider = "custom", client_id = "{tokens.client_id}", token_url = "{tokens.token_url}",'
        f' device_url = "{tokens.device_url}", scope = "mail", flow = "{flow}",'
        f' client_secret = {{ file = "client" }} }}'
    )


def read_by_token(firm: Firm, user: DovecotUser, server: Dovecot, flow: str = "device") -> None:
    firm.secret("client", server.tokens.client_secret)
    firm.read(user, port=server.imaps_port, password="", oauth=oauth(server, flow))


def signing_in(firm: Firm, user: DovecotUser, answer: Callable[[str], None]) -> tuple[int, str, str]:
    """Runs the command; `answer` gets the code it shows. Exit code, stdout and stderr."""
    command = [*PROGRAM, "--config", str(firm.config), "sign-in", "--mailbox", user.address]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        shown = program.stdout.readline() + program.stdout.readline()
        if "Type" in shown:
            answer(shown.split()[-1])
        out, err = program.communicate(timeout=60)
    return program.returncode, shown + out, err


def state(firm: Firm) -> str:
    (row,) = firm.rows("mailboxes")
    return str(row["state"])


def test_a_mailbox_that_needs_a_sign_in_is_read_after_it(firm: Firm, user: DovecotUser, dovecot: Dovecot) -> None:
    read_by_token(firm, user, dovecot)
    before = firm.run("sync")
    assert before.returncode == 2
    assert "nobody has signed in to this mailbox yet" in before.stderr
    assert "crm-agent sign-in" in before.stderr
    assert state(firm) == "needs-sign-in"
    code, out, err = signing_in(firm, user, lambda code: dovecot.tokens.approve(code, user.username))
    assert (code, err) == (0, "")
    assert f"{dovecot.tokens.url}/activate" in out
    assert f"signed in: {user.address}" in out
    assert state(firm) == "waiting"
    assert firm.run("sync").returncode == 0
    assert state(firm) == "ok"


def test_no_token_stands_in_the_database_as_text(firm: Firm, user: DovecotUser, dovecot: Dovecot) -> None:
    read_by_token(firm, user, dovecot)
    assert signing_in(firm, user, lambda code: dovecot.tokens.approve(code, user.username))[0] == 0
    kept = b"".join(path.read_bytes() for path in firm.folder.glob("crm-agent.db*"))
    assert b"access_token" not in kept
    assert b"refresh_token" not in kept


def test_who_says_no_leaves_everything_as_it_was(firm: Firm, user: DovecotUser, dovecot: Dovecot) -> None:
    read_by_token(firm, user, dovecot)
    code, _, err = signing_in(firm, user, dovecot.tokens.deny)
    assert code == 1
    assert err.splitlines()[0] == "the sign-in is no longer valid (access_denied)"
    assert "Traceback" not in err
    assert firm.run("sync").returncode == 2


def test_another_account_than_the_mailbox_wants_is_told_and_lifts_nothing(
    firm: Firm, user: DovecotUser, dovecot: Dovecot
) -> None:
    read_by_token(firm, user, dovecot)
    assert firm.run("sync").returncode == 2
    code, _, err = signing_in(firm, user, lambda code: dovecot.tokens.approve(code, dovecot.user().username))
    assert code == 1
    assert f"refuses the account that signed in: sign in again as {user.address}" in err
    assert state(firm) == "needs-sign-in"


def test_a_mailbox_with_a_password_is_told_to_renew_that(firm: Firm, user: DovecotUser, dovecot: Dovecot) -> None:
    firm.read(user, port=dovecot.imaps_port)
    told = firm.run("sign-in", "--mailbox", user.address)
    assert (told.returncode, told.stdout) == (2, "")
    assert told.stderr == f"{user.address} signs in with a password: renew the secret that `password` names\n"


def test_an_application_needs_nobody_to_sign_in(firm: Firm, user: DovecotUser, dovecot: Dovecot) -> None:
    read_by_token(firm, user, dovecot, flow="client-credentials")
    told = firm.run("sign-in", "--mailbox", user.address)
    assert (told.returncode, told.stdout) == (2, "")
    assert "with the application's own secret: nobody has to sign in" in told.stderr
    assert len(told.stderr.splitlines()) == 1


def test_a_mailbox_that_is_not_configured_is_wrong_use(firm: Firm, user: DovecotUser, dovecot: Dovecot) -> None:
    firm.read(user, port=dovecot.imaps_port)
    told = firm.run("sign-in", "--mailbox", "nobody@lab.example")
    assert (told.returncode, told.stdout) == (2, "")
    assert told.stderr.startswith("no mailbox nobody@lab.example in the configuration")
