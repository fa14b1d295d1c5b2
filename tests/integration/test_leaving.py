"""Who leaves the configuration leaves no reminders behind: the whole program, on a real CalDAV server."""

import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from agent.cli.main import main
from tests.integration.leaving_office import REMINDERS, Office, commands, titles
from tests.servers.http_proxy import HttpProxy
from tests.servers.radicale import Radicale
from tests.unit.program import PROGRAM

ALL = sorted(REMINDERS)


@dataclass(frozen=True, kw_only=True)
class Done:
    """How one command ended, and what it said."""

    returncode: int
    stdout: str
    stderr: str


Run = Callable[..., Done]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `crm-agent` with the office's configuration."""

    def run_one(*command: str) -> Done:
        code = main(["--config", str(tmp_path / "crm-agent.toml"), *command])
        out, err = capsys.readouterr()
        return Done(returncode=code, stdout=out, stderr=err)

    return run_one


@pytest.fixture
def office(tmp_path: Path, radicale: Radicale, dav_proxy: HttpProxy, run: Run) -> Office:
    """Three items stand in Di's calendar, which is reached through the proxy."""
    office = Office(folder=tmp_path, calendar=radicale.calendar().through(dav_proxy.port))
    office.configure()
    for command in commands():
        assert run(*command).returncode == 0
    assert titles(office.calendar) == ALL
    return office


def test_a_sync_after_the_change_empties_the_calendar_and_says_so(office: Office, run: Run) -> None:
    office.configure(di=False)
    done = run("sync")
    assert (done.returncode, titles(office.calendar)) == (0, [])
    assert "di@ourfirm.example left the configuration: withdrawn from its calendar: 3" in done.stderr
    assert run("sync").stderr == ""
    assert run("reminders", "list", "--state", "not-needed").stdout.count("Send the catalogue") == 1


def test_a_dry_run_touches_no_calendar(office: Office, run: Run) -> None:
    office.configure(di=False)
    assert run("sync", "--dry-run").returncode == 0
    assert titles(office.calendar) == ALL


def test_who_comes_back_finds_everything_once(office: Office, run: Run) -> None:
    before = office.calendar.items()
    office.configure(di=False)
    run("sync")
    office.configure()
    for _ in range(2):
        assert run("sync").returncode == 0
    assert [item.href for item in office.calendar.items()] == [item.href for item in before]


def test_a_calendar_that_is_down_is_told_of_and_emptied_later(office: Office, run: Run, dav_proxy: HttpProxy) -> None:
    office.configure(di=False)
    dav_proxy.answer(503, times=None)
    for _ in range(2):
        done = run("sync")
        assert done.returncode == 1
        assert "di@ourfirm.example left the configuration: still to be withdrawn from its calendar: 3" in done.stderr
    assert "still to be withdrawn from its calendar: 3" in run("mailboxes").stderr
    dav_proxy.clear()
    assert run("sync").returncode == 0
    assert titles(office.calendar) == []
    assert run("mailboxes").stderr == ""


def test_a_secret_that_went_with_the_mailbox_is_told_of_once_and_used_when_it_is_back(office: Office, run: Run) -> None:
    office.configure(di=False)
    office.secret(office.calendar).unlink()
    first, second = run("sync"), run("sync")
    assert (first.returncode, second.returncode) == (1, 0)
    assert "dav.secret cannot be read" in first.stderr
    assert "dav.secret cannot be read" in run("mailboxes").stderr
    office.secret(office.calendar)
    assert run("sync").returncode == 0
    assert titles(office.calendar) == []


@pytest.mark.parametrize("how", ["reload", "restart"])
def test_a_daemon_empties_it_after_a_reload_and_after_a_restart(office: Office, how: str) -> None:
    if how == "restart":
        office.configure(di=False)
    command = [*PROGRAM, "--config", str(office.config), "run", "--log-format", "json"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as daemon:
        try:
            assert daemon.stderr is not None
            if how == "reload":
                wait_for(office.folder / "crm-agent.db.pid")
                office.configure(di=False)
                daemon.send_signal(signal.SIGHUP)
            log = next(line for line in daemon.stderr if "withdrawn" in line)
        finally:
            daemon.terminate()
            daemon.communicate(timeout=30)
    assert titles(office.calendar) == []
    assert "ourfirm.example" not in log


def test_another_calendar_gets_the_items_and_the_old_one_none(office: Office, run: Run, radicale: Radicale) -> None:
    other = radicale.calendar()
    office.configure(calendar=other)
    assert run("sync").returncode == 0
    assert titles(office.calendar) == []
    assert titles(other) == ALL


def wait_for(file: Path) -> None:
    end = time.monotonic() + 20
    while not file.exists():
        assert time.monotonic() < end, f"{file} never came"
        time.sleep(0.02)
