"""Who joins a list is read, who leaves it is not any more, and a list in doubt changes nothing."""

import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agent.cli.main import main
from tests.integration.leaving_office import commands, titles
from tests.servers.radicale import DavCalendar, Radicale
from tests.unit.program import PROGRAM


class Firm:
    """Archives on disk and a file that lists them. Everybody has one calendar, so that it shows who left."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capsys = capsys
        self.told = ""
        self.configure()

    @property
    def config(self) -> Path:
        return self.folder / "crm-agent.toml"

    def configure(self, more: str = "", *, most_change: int = 2, calendar: DavCalendar | None = None) -> None:
        given = (
            f'calendar = {{ type = "caldav", url = "{calendar.url}", username = "{calendar.username}", '
            'password = { file = "dav.secret" } }\n'
            if calendar
            else ""
        )
        if calendar:
            (self.folder / "dav.secret").write_text(calendar.password)
            (self.folder / "dav.secret").chmod(0o600)
        self.config.write_text(
            f'{more}\n[organisation]\ndomains = ["ourfirm.example"]\n'
            '[[connectors]]\nname = "archive"\ntype = "maildir"\n'
            f'path = "{{local}}"\nmailboxes_from = {{ csv = "list.csv", most_change = {most_change} }}\n{given}'
        )

    def listing(self, *names: str) -> None:
        for name in names:
            for part in ("cur", "new", "tmp"):
                (self.folder / name / part).mkdir(parents=True, exist_ok=True)
        fresh = self.folder / "list.new"
        fresh.write_text("address\n" + "".join(f"{name}@ourfirm.example\n" for name in names))
        fresh.rename(self.folder / "list.csv")

    def run(self, *command: str) -> int:
        """The exit code; what was said on stderr is in `told`."""
        code = main(["--config", str(self.config), *command])
        self.out, self.told = self._capsys.readouterr()
        return code

    def states(self) -> dict[str, str]:
        """Mailbox → state, as `mailboxes` says."""
        self.run("mailboxes", "--json")
        rows = [json.loads(line) for line in self.out.splitlines()]
        return {row["address"].partition("@")[0]: row["state"] for row in rows}

    @contextmanager
    def daemon(self) -> Iterator["subprocess.Popen[bytes]"]:
        command = [*PROGRAM, "--config", str(self.config), "run", "--log-format", "json"]
        with (self.folder / "log").open("wb") as log, subprocess.Popen(command, stderr=log) as process:
            try:
                yield process
                process.send_signal(signal.SIGTERM)
                process.wait(20)
            finally:
                process.kill()

    def events(self) -> list[str]:
        return [json.loads(line)["event"] for line in (self.folder / "log").read_text().splitlines()]


@pytest.fixture
def firm(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Firm:
    return Firm(tmp_path, capsys)


def wait_for(condition: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)


def test_a_sync_reads_who_is_on_the_list_and_who_joined_it(firm: Firm) -> None:
    firm.listing("anna", "ben")
    assert firm.run("sync") == 0
    firm.listing("ben", "eva")
    assert firm.run("sync") == 0
    assert firm.states() == {"ben": "ok", "eva": "ok"}


def test_a_list_in_doubt_stops_nobody_and_is_told_until_it_is_right(firm: Firm) -> None:
    firm.listing("anna", "ben")
    assert firm.run("sync") == 0
    firm.listing("dave", "eva", "fay")
    assert firm.run("sync") == 1
    assert "list of archive: 3 joined and 2 left since the last list" in firm.told
    assert "write most_change = 5 and reload" in firm.told
    assert firm.states() == {"anna": "ok", "ben": "ok"}
    assert "list of archive: 3 joined and 2 left" in firm.told
    assert firm.run("mailboxes", "check") == 1
    firm.configure(most_change=5)
    assert firm.run("sync") == 0
    assert firm.states() == {"dave": "ok", "eva": "ok", "fay": "ok"}
    assert firm.run("mailboxes", "check") == 0


def test_a_list_that_is_not_there_stops_nobody_even_after_a_restart(firm: Firm) -> None:
    firm.listing("anna")
    assert firm.run("sync") == 0
    (firm.folder / "list.csv").unlink()
    assert firm.run("sync") == 1
    assert "1 mailbox: 0 logged" in firm.out
    assert "cannot be read: No such file or directory" in firm.told
    assert firm.states() == {"anna": "ok"}


def test_a_list_under_another_name_that_cannot_be_read_yet_makes_nobody_leave(firm: Firm) -> None:
    firm.listing("anna")
    assert firm.run("sync") == 0
    firm.config.write_text(firm.config.read_text().replace('"archive"', '"shelf"'))
    (firm.folder / "list.csv").unlink()
    assert firm.run("sync") == 1
    assert firm.states() == {"anna": "ok"}
    firm.listing("anna")
    assert firm.run("sync") == 0
    assert firm.states() == {"anna": "ok"}


def test_a_dry_run_takes_no_list(firm: Firm) -> None:
    firm.listing("anna")
    assert firm.run("sync") == 0
    firm.listing("anna", "ben")
    assert firm.run("sync", "--dry-run") == 0
    assert "2 mailboxes: would be" in firm.out
    assert firm.states() == {"anna": "ok"}


def test_nobody_is_read_before_somebody_approves(firm: Firm) -> None:
    firm.configure('[policy]\nnewcomers = "wait"')
    firm.listing("anna", "ben")
    assert firm.run("sync") == 0
    assert "ben@ourfirm.example waits for approval: `crm-agent mailboxes approve" in firm.told
    assert firm.states() == {"anna": "new", "ben": "new"}
    assert firm.run("mailboxes") == 0
    assert "`crm-agent mailboxes approve anna@ourfirm.example` reads it" in firm.told
    assert firm.run("mailboxes", "check") == 0, "who waits on purpose is not behind"
    assert firm.run("mailboxes", "approve", "anna@ourfirm.example") == 0
    assert firm.run("mailboxes", "approve", "nobody@ourfirm.example") == 2
    assert firm.run("sync") == 0
    assert firm.states() == {"anna": "ok", "ben": "new"}


def test_who_leaves_the_list_leaves_no_reminders_behind(firm: Firm, radicale: Radicale) -> None:
    calendar = radicale.calendar()
    firm.configure(calendar=calendar)
    firm.listing("di", "ben")
    for command in commands(("Send the catalogue",)):
        assert firm.run(*command) == 0
    assert titles(calendar) == ["Send the catalogue"]
    firm.listing("ben")
    assert firm.run("sync") == 0
    assert "di@ourfirm.example left the configuration: withdrawn from its calendar: 1" in firm.told
    assert titles(calendar) == []


def test_a_configuration_that_names_nobody_is_refused_before_anybody_was_read(firm: Firm) -> None:
    firm.config.write_text("")
    for command in ("sync", "run"):
        assert firm.run(command) == 2
        assert "no mailbox is named" in firm.told
    assert not (firm.folder / "crm-agent.db").exists()


def test_a_configuration_may_end_with_nobody_left_whose_calendars_are_emptied(firm: Firm, radicale: Radicale) -> None:
    calendar = radicale.calendar()
    firm.configure(calendar=calendar)
    firm.listing("di")
    for command in commands(("Send the catalogue",)):
        assert firm.run(*command) == 0
    firm.config.write_text("")
    assert firm.run("sync") == 0
    assert titles(calendar) == []


def test_the_daemon_takes_lists_while_it_runs_and_starts_without_them(firm: Firm) -> None:
    """It starts with nobody, takes the list when it is there, and goes on with it when it is gone."""
    with firm.daemon() as daemon:
        wait_for(lambda: "list not taken, nothing was changed" in firm.events())
        firm.listing("anna", "ben")
        daemon.send_signal(signal.SIGHUP)
        wait_for(lambda: firm.events().count("lists taken") == 1)
        (firm.folder / "list.csv").unlink()
        daemon.send_signal(signal.SIGHUP)
        wait_for(lambda: firm.events().count("list not taken, nothing was changed") == 2)
        assert set(firm.states()) == {"anna", "ben"}
        firm.listing("ben", "eva")
        daemon.send_signal(signal.SIGHUP)
        wait_for(lambda: firm.events().count("lists taken") == 2)
        wait_for(lambda: firm.states() == {"ben": "ok", "eva": "ok"})
    assert daemon.returncode == 0
    assert "anna" not in (firm.folder / "log").read_text()
