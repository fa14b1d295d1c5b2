"""A worker that sleeps past its lease cannot write any more, and another one goes on in time (scenario 40)."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from agent.engine.progress import utc_now
from agent.store import leases, owner
from agent.store.database import Database
from agent.store.tables import folders
from agent.store.unit import Lease, fenced
from tests.unit.store_room import NOW, add_mailbox

ROOT = Path(__file__).parents[2]
LEASE_SECONDS = 2.0

_SLEEPER = f"""
import sys
import sqlalchemy as sa
from agent.engine.progress import Progress, utc_now
from agent.store import leases, owner
from agent.store.database import Database
from agent.store.tables import folders
from agent.store.unit import LeaseLost, fenced

database = Database(sys.argv[1])
lease = leases.take(database, int(sys.argv[2]), owner.this_process(), {LEASE_SECONDS}, utc_now())
progress = Progress(database, lease, seconds={LEASE_SECONDS})
print("holds", flush=True)
sys.stdin.readline()
for attempt in ("commit", "renewal"):
    try:
        if attempt == "renewal":
            progress()
        else:
            with fenced(database, lease) as connection:
                row = {{"mailbox_id": lease.mailbox_id, "key": "sleeper", "name": "sleeper"}}
                connection.execute(sa.insert(folders), row)
        print(attempt, "passed", flush=True)
    except LeaseLost:
        print(attempt, "refused", flush=True)
"""


def write_folder(database: Database, lease: Lease, name: str) -> None:
    with fenced(database, lease) as connection:
        connection.execute(sa.insert(folders), {"mailbox_id": lease.mailbox_id, "key": name, "name": name})


def take_over(database: Database, mailbox_id: int) -> Lease:
    end = time.monotonic() + 4 * LEASE_SECONDS
    while time.monotonic() < end:
        if lease := leases.take(database, mailbox_id, owner.this_process(), 60, utc_now()):
            return lease
        time.sleep(0.05)
    pytest.fail("nobody could take over")


def test_a_worker_that_wakes_after_its_lease_went_can_commit_nothing(database: Database, database_url: str) -> None:
    mailbox_id = add_mailbox(database)
    command = [sys.executable, "-c", _SLEEPER, database_url, str(mailbox_id)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, text=True, **pipes) as sleeper:  # type: ignore[call-overload]  # pipes
        assert sleeper.stdout.readline() == "holds\n"
        os.kill(sleeper.pid, signal.SIGSTOP)
        started = time.monotonic()
        lease = take_over(database, mailbox_id)
        waited = time.monotonic() - started
        write_folder(database, lease, "second")
        os.kill(sleeper.pid, signal.SIGCONT)
        said, _ = sleeper.communicate("go on\n", timeout=30)

    assert said.split("\n")[:2] == ["commit refused", "renewal refused"]
    assert waited <= LEASE_SECONDS + 0.5, "a stopped worker that lives keeps its lease, but no longer than that"
    with database.read() as connection:
        assert connection.execute(sa.select(folders.c.name)).scalars().all() == ["second"]
    write_folder(database, lease, "third")


def test_a_takeover_takes_a_minute_at_most() -> None:
    assert leases.SECONDS <= 60


def test_the_sleepers_own_commit_passes_if_nobody_took_over(database: Database) -> None:
    """The lease ran out, but nobody else began: nothing is lost by letting the work stand."""
    mailbox_id = add_mailbox(database)
    lease = leases.take(database, mailbox_id, owner.this_process(), 60, NOW)
    assert lease
    write_folder(database, lease, "late")
    with database.read() as connection:
        assert connection.execute(sa.select(folders.c.name)).scalars().all() == ["late"]
