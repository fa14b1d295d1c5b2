"""A secret is read where it is kept, when it is needed, and never from a place that others can read."""

import stat
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked

from config.secrets import Secret, SecretError


class Ring(KeyringBackend):
    """A keyring in memory; `locked` makes it refuse, as a desktop's does before sign-in."""

    priority = 1
    locked = False

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # keyring is typed in parts
        self.entries: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise KeyringLocked("the collection is locked")
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.entries[service, username] = password


@pytest.fixture
def ring() -> Iterator[Ring]:
    before = keyring.get_keyring()
    ring = Ring()
    keyring.set_keyring(ring)
    yield ring
    keyring.set_keyring(before)


def test_a_variable_is_read_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = Secret(env="CRM_TEST_SECRET")
    monkeypatch.setenv("CRM_TEST_SECRET", "one")
    assert secret.read() == "one"
    monkeypatch.setenv("CRM_TEST_SECRET", "two")
    assert secret.read() == "two"


@pytest.mark.parametrize("value", [None, ""])
def test_a_variable_that_is_not_set_or_empty_is_refused(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    monkeypatch.delenv("CRM_TEST_SECRET", raising=False)
    if value is not None:
        monkeypatch.setenv("CRM_TEST_SECRET", value)
    with pytest.raises(SecretError, match="environment variable CRM_TEST_SECRET is not set"):
        Secret(env="CRM_TEST_SECRET").read()


@pytest.mark.parametrize(
    ("written", "read"), [("x\n", "x"), ("x\r\n", "x"), (" x y ", " x y "), ("ä\n\n", "ä"), ("a\nb\n", "a\nb")]
)
def test_a_file_is_read_without_its_last_line_end_and_otherwise_unchanged(
    tmp_path: Path, written: str, read: str
) -> None:
    path = tmp_path / "secret"
    path.write_bytes(written.encode())
    path.chmod(0o600)
    assert Secret(file=path).read() == read


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o602, 0o620, 0o660, 0o444, 0o601, 0o777])
def test_a_file_that_others_can_use_in_any_way_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "secret"
    path.write_text("hunter2")
    path.chmod(mode)
    with pytest.raises(SecretError, match=f"can be read by others: run chmod 600 {path}") as refused:
        Secret(file=path).read()
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("mode", [stat.S_IRUSR, stat.S_IRUSR | stat.S_IWUSR])
def test_a_file_of_its_owner_alone_is_read(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "secret"
    path.write_text("x")
    path.chmod(mode)
    assert Secret(file=path).read() == "x"


def test_a_file_that_is_empty_missing_or_no_text_says_so(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    with pytest.raises(SecretError, match="cannot be read: No such file"):
        Secret(file=path).read()
    path.touch(0o600)
    with pytest.raises(SecretError, match="is empty"):
        Secret(file=path).read()
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(SecretError, match="it is not UTF-8 text"):
        Secret(file=path).read()


def test_a_keyring_entry_is_read_by_service_and_user(ring: Ring) -> None:
    keyring.set_password("imap", "anna@x.example", "from the ring")
    assert Secret(keyring="imap/anna@x.example").read() == "from the ring"


def test_a_keyring_without_the_entry_or_locked_says_so(ring: Ring) -> None:
    with pytest.raises(SecretError, match="store it with `keyring set imap anna`"):
        Secret(keyring="imap/anna").read()
    ring.locked = True
    with pytest.raises(SecretError, match="cannot be read: the collection is locked"):
        Secret(keyring="imap/anna").read()


def test_a_systemd_credential_may_show_group_bits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """systemd gives its service access by an ACL whose mask looks like mode 0440; nobody else may enter the folder."""
    credential = tmp_path / "imap-master"
    credential.write_text("word\n")
    credential.chmod(0o440)
    with pytest.raises(SecretError, match="can be read by others"):
        Secret(file=credential).read()
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert Secret(file=credential).read() == "word"


def test_a_credential_that_everybody_can_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    credential = tmp_path / "imap-master"
    credential.write_text("word")
    credential.chmod(0o444)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    with pytest.raises(SecretError, match="can be read by others"):
        Secret(file=credential).read()
