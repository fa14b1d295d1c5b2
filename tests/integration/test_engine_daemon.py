"""The daemon as a process: reloads, stops in time, and a second copy does no harm. On both databases."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from agent.engine import pidfile
from agent.store import leases
from agent.store.database import Database
from agent.store.hashes import Hasher
from agent.store.migrate import upgrade
from agent.store.schedule import mailboxes
from tests.servers.postgres import Postgres
from tests.storefixtures import KEY
from tests.unit.store_room import NOW

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where one daemon's configuration, journal and log lie."""

    folder: Path
    url: str

    @property
    def config(self) -> Path:
        return self.folder / "crm-agent.toml"

    @property
    def pid_file(self) -> Path:
        return self.folder / "pid"

    def configure(self, *names: str) -> None:
        """Mailboxes by name; a pass does what the name says."""
        read = "\n".join(
            f'[[connectors.mailboxes]]\naddress = "{name}@ourfirm.example"\npath = "{self.folder / name}"\n'
            for name in names
        )
        store = f'[store]\nurl = "{self.url}"\nkey = {{ file = "key" }}\n'
        self.config.write_text(f'{store}[[connectors]]\nname = "archive"\ntype = "maildir"\n{read}')

    def journal(self) -> list[tuple[str, str]]:
        """(mailbox, begin or end), oldest first."""
        path = self.folder / "journal"
        lines = path.read_text().splitlines() if path.exists() else []
        return [(line.split("@")[0], line.split()[1]) for line in lines]

    def log(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in (self.folder / "log").read_text().splitlines()]

    @contextmanager
    def daemon(self) -> Iterator[subprocess.Popen[bytes]]:
        """A running daemon; killed at the end if it still runs."""
        command = [sys.executable, "-m", "tests.integration.engine_program", self.url, str(self.config), "journal"]
        command[-1] = str(self.folder / "journal")
        with (self.folder / "log").open("ab") as log, subprocess.Popen(command, cwd=ROOT, stderr=log) as process:
            try:
                yield process
            finally:
                process.kill()


@pytest.fixture
def place(tmp_path: Path, database_url: str) -> Place:
    return Place(folder=tmp_path, url=database_url)


def wait_for(condition: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def logged(place: Place, event: str) -> bool:
    return any(line["event"] == event for line in place.log())


def end(daemon: "subprocess.Popen[bytes]", how: signal.Signals = signal.SIGTERM) -> float:
    """Seconds until it was gone."""
    started = time.monotonic()
    daemon.send_signal(how)
    daemon.wait(15)
    return time.monotonic() - started


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_stops_cleanly_when_told_to(place: Place, how: signal.Signals) -> None:
    place.configure("anna", "slow")
    with place.daemon() as daemon:
        wait_for(lambda: ("slow", "begin") in place.journal())
        seconds = end(daemon, how)

    assert daemon.returncode == 0
    assert seconds < 5
    assert place.journal()[-1] == ("slow", "end")
    assert not place.pid_file.exists()


def test_stops_within_ten_seconds_although_a_server_hangs(place: Place) -> None:
    place.configure("hang", "anna")
    with place.daemon() as daemon:
        wait_for(lambda: ("hang", "begin") in place.journal() and ("anna", "end") in place.journal())
        seconds = end(daemon)

    assert daemon.returncode == 3
    assert seconds < 10
    database = Database(place.url)
    with database.read() as connection:
        assert len(mailboxes.due(connection, NOW.replace(year=2100), 10)) == 2, "both leases were given back"
    database.close()


def test_polls_again_and_again(place: Place) -> None:
    place.configure("anna")
    with place.daemon() as daemon:
        wait_for(lambda: place.journal().count(("anna", "end")) >= 3)
        end(daemon)


def test_sighup_takes_the_new_configuration(place: Place) -> None:
    place.configure("anna")
    with place.daemon() as daemon:
        wait_for(lambda: ("anna", "end") in place.journal())
        place.configure("ben")
        daemon.send_signal(signal.SIGHUP)
        wait_for(lambda: ("ben", "end") in place.journal())
        end(daemon)

    database = Database(place.url)
    with database.read() as connection:
        assert list(mailboxes.ids(connection)) == ["ben@ourfirm.example"]
    database.close()


def test_a_bad_configuration_changes_nothing_and_is_named(place: Place) -> None:
    place.configure("anna")
    with place.daemon() as daemon:
        wait_for(lambda: ("anna", "end") in place.journal())
        place.config.write_text('[store]\nurll = "sqlite:///other.db"\n')
        daemon.send_signal(signal.SIGHUP)
        wait_for(lambda: logged(place, "the new configuration is wrong, nothing was changed"))
        passes = place.journal().count(("anna", "end"))
        wait_for(lambda: place.journal().count(("anna", "end")) > passes)
        end(daemon)

    assert any("urll" in str(line.get("problem")) for line in place.log())


def test_reload_finds_the_running_daemon_and_no_other_process(place: Place) -> None:
    place.configure("anna")
    assert not pidfile.ask_reload(place.pid_file)
    with place.daemon() as daemon:
        wait_for(lambda: ("anna", "end") in place.journal())
        named = place.pid_file.read_text()
        assert pidfile.ask_reload(place.pid_file)
        wait_for(lambda: logged(place, "reloaded"))
        end(daemon)

    place.pid_file.write_text(named.replace(f"|{daemon.pid}|", f"|{os.getpid()}|"))
    assert not pidfile.ask_reload(place.pid_file), "this test's process would have got the signal"


def test_a_second_copy_does_no_harm(place: Place) -> None:
    """Every mailbox is read by one of them at a time, and both go on."""
    place.configure("slow", "anna", "ben")
    with ExitStack() as running:
        daemons = [running.enter_context(place.daemon()) for _ in range(2)]
        wait_for(lambda: min(place.journal().count((name, "end")) for name in ("slow", "anna", "ben")) >= 4, 40)
        assert [end(daemon) < 10 for daemon in daemons] == [True, True]

    assert [daemon.returncode for daemon in daemons] == [0, 0]
    for name in ("slow", "anna", "ben"):
        steps = [what for whose, what in place.journal() if whose == name]
        assert steps == ["begin", "end"] * (len(steps) // 2)


def test_a_killed_daemon_is_replaced_at_once(place: Place) -> None:
    place.configure("hang")
    with place.daemon() as daemon:
        wait_for(lambda: ("hang", "begin") in place.journal())
        daemon.kill()
        daemon.wait()
    with place.daemon() as second:
        started = time.monotonic()
        wait_for(lambda: place.journal().count(("hang", "begin")) == 2, leases.SECONDS / 2)
        assert time.monotonic() - started < leases.SECONDS / 2, "it waited for the lease of a dead process"
        second.kill()


@pytest.fixture
def own_postgres(postgres: Postgres) -> Iterator[Postgres]:
    """The shared one is not ours to stop."""
    with type(postgres)() as own:
        yield own


@pytest.fixture
def own_place(tmp_path: Path, own_postgres: Postgres) -> Place:
    migrated = Database(own_postgres.database())
    upgrade(migrated, Hasher(KEY))
    migrated.close()
    return Place(folder=tmp_path, url=migrated.engine.url.render_as_string(hide_password=False))


def test_a_database_that_went_away_and_came_back_is_used_again(own_place: Place, own_postgres: Postgres) -> None:
    """A restart of PostgreSQL costs a few passes and no restart of ours."""
    own_place.configure("anna")
    with own_place.daemon() as daemon:
        wait_for(lambda: ("anna", "end") in own_place.journal())
        own_postgres.restart()
        passes = own_place.journal().count(("anna", "end"))
        wait_for(lambda: own_place.journal().count(("anna", "end")) > passes + 1, 60)
        end(daemon)

    assert daemon.returncode == 0


def test_a_pass_whose_end_no_database_took_down_is_followed_by_the_next(
    own_place: Place, own_postgres: Postgres
) -> None:
    """Nobody waits for the lease that could not be given back."""
    own_place.configure("slow")
    with own_place.daemon() as daemon:
        wait_for(lambda: ("slow", "begin") in own_place.journal())
        own_postgres.halt()
        wait_for(lambda: any(line.get("error") == "StoreError" for line in own_place.log()))
        own_postgres.come_back()
        passes = own_place.journal().count(("slow", "end"))
        wait_for(lambda: own_place.journal().count(("slow", "end")) > passes, leases.SECONDS / 2)
        end(daemon)

    assert daemon.returncode == 0
