"""Where output goes must not matter: other locales, closed streams, full disks, files nobody made yet."""

import json
import sqlite3
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.program import PROGRAM, run_program

Told = subprocess.CompletedProcess[str]
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.fixture
def firm(tmp_path: Path) -> Path:
    """A configuration with one mailbox, an empty Maildir, and nothing made yet."""
    for name in ("cur", "new", "tmp"):
        (tmp_path / "di" / name).mkdir(parents=True)
    config = tmp_path / "crm-agent.toml"
    config.write_text(
        '[[connectors]]\nname = "archive"\ntype = "maildir"\n'
        'mailboxes = [{ address = "di@ourfirm.example", path = "di" }]\n'
    )
    return config


@pytest.fixture
def run(firm: Path) -> Callable[..., Told]:
    def run(*arguments: str, **environment: str) -> Told:
        return run_program("--config", str(firm), *arguments, **environment)

    return run


def through_shell(firm: Path, words: str) -> Told:
    """`crm-agent` with these words, by a shell."""
    command = f'{" ".join(PROGRAM)} --config "{firm}" {words}'
    return subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60, check=False)


def test_a_locale_without_our_letters_gets_them_escaped_and_json_stays_json(run: Callable[..., Told]) -> None:
    run("contacts", "add", "zoe@b.example", "--name", "Zoë 日本")
    table = run("contacts", "list", **ASCII)
    listed = run("contacts", "list", "--json", **ASCII)
    schema = run("config", "schema", **ASCII)

    assert (table.returncode, "Zo\\u00eb \\u65e5\\u672c" in table.stdout) == (0, True)
    assert json.loads(listed.stdout)["name"] == "Zoë 日本"
    assert isinstance(json.loads(schema.stdout), dict)


def test_json_is_utf8_or_escaped_whatever_the_encoding_of_the_terminal(run: Callable[..., Told]) -> None:
    run("contacts", "add", "zoe@b.example", "--name", "Zoë")
    assert json.loads(run("contacts", "list", "--json", PYTHONIOENCODING="latin-1").stdout)["name"] == "Zoë"


def test_an_argument_that_is_no_text_is_wrong_usage(firm: Path, run: Callable[..., Told]) -> None:
    run("migrate")
    told = through_shell(firm, "contacts show \"$(printf '\\377')\"")
    assert (told.returncode, told.stderr) == (
        2,
        "an argument is no text: '\\udcff'; write it in the encoding of your locale\n",
    )


def test_a_disk_that_is_full_where_the_output_goes_is_said(firm: Path, run: Callable[..., Told]) -> None:
    run("migrate")
    told = through_shell(firm, "config show > /dev/full")
    assert (told.returncode, told.stderr.count("\n")) == (1, 1)
    assert told.stderr.startswith("the output cannot be written: ")


def test_a_disk_that_is_full_at_the_first_start_leaves_no_half_of_a_key(firm: Path, run: Callable[..., Told]) -> None:
    limited = f"trap '' XFSZ; ulimit -f 0; exec {' '.join(PROGRAM)} --config '{firm}' migrate"
    told = subprocess.run(["sh", "-c", limited], capture_output=True, text=True, timeout=60, check=False)
    assert (told.returncode, told.stdout) == (2, "")
    assert "installation.key cannot be written: File too large; make room there" in told.stderr
    assert len(told.stderr.splitlines()) == 1
    assert run("migrate").returncode == 0


def test_a_closed_stdout_or_stderr_stops_nothing(firm: Path, run: Callable[..., Told]) -> None:
    assert (through_shell(firm, "migrate >&-").returncode, through_shell(firm, "migrate >&-").stderr) == (0, "")
    told = through_shell(firm, "contacts list 2>&-")
    assert (told.returncode, told.stdout) == (0, "")


def test_a_new_database_is_its_owners_alone(firm: Path, run: Callable[..., Told]) -> None:
    run("migrate")
    made = [path for path in firm.parent.iterdir() if path.name.startswith(("crm-agent.db", "installation"))]
    assert {stat.S_IMODE(path.stat().st_mode) for path in made} == {0o600}
    assert len(made) >= 2


@pytest.mark.parametrize("command", [("interactions", "list"), ("feed",), ("mailboxes",), ("doctor",), ("reconcile",)])
def test_looking_makes_no_database(firm: Path, run: Callable[..., Told], command: tuple[str, ...]) -> None:
    run(*command)
    assert sorted(path.name for path in firm.parent.iterdir()) == ["crm-agent.toml", "di"]


def test_a_dry_run_before_the_first_sync_makes_no_database(firm: Path, run: Callable[..., Told]) -> None:
    told = run("sync", "--dry-run")
    assert (told.returncode, "would be" in told.stdout) == (0, True)
    assert sorted(path.name for path in firm.parent.iterdir()) == ["crm-agent.toml", "di"]


def test_reading_waits_for_nobody_who_writes(firm: Path, run: Callable[..., Told]) -> None:
    run("contacts", "add", "zoe@b.example")
    writer = sqlite3.connect(firm.with_name("crm-agent.db"), isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    try:
        told = run("contacts", "list")
    finally:
        writer.execute("ROLLBACK")
        writer.close()
    assert (told.returncode, "zoe@b.example" in told.stdout) == (0, True)
