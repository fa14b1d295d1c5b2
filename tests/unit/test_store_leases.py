"""One worker a mailbox: a lease is held, renewed, given back, taken over, and fences every commit."""

import os
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from agent.store import leases, owner
from agent.store.database import Database
from agent.store.leases import Failed
from agent.store.schedule.mailboxes import NEVER
from agent.store.tables import folders, mailboxes
from agent.store.unit import Lease, LeaseLost, fenced
from tests.unit.store_room import NOW, add_mailbox

OTHER = "elsewhere|another boot|pid:[1]|4711|1"
MINUTE = timedelta(seconds=60)


def held(lease: Lease | None) -> Lease:
    assert lease is not None
    return lease


def row(database: Database) -> "sa.Row[tuple[object, ...]]":
    with database.read() as connection:
        return connection.execute(sa.select(mailboxes)).one()


def test_goes_to_one_worker_only(database: Database) -> None:
    anna = add_mailbox(database)
    assert leases.take(database, anna, OTHER, 60, NOW)
    assert leases.take(database, anna, owner.this_process(), 60, NOW + MINUTE / 2) is None


def test_of_many_who_reach_for_it_at_once_one_gets_it(database: Database) -> None:
    anna, got = add_mailbox(database), []
    start = threading.Barrier(8)

    def reach() -> None:
        start.wait(10)
        got.append(leases.take(database, anna, owner.this_process(), 60, NOW))

    threads = [threading.Thread(target=reach) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert len(got) == 8
    assert len([lease for lease in got if lease]) == 1


def test_is_taken_over_when_it_ran_out_and_the_sleeper_can_write_nothing(database: Database) -> None:
    anna = add_mailbox(database)
    sleeper = held(leases.take(database, anna, OTHER, 60, NOW))
    second = held(leases.take(database, anna, owner.this_process(), 60, NOW + MINUTE))

    assert second.epoch == sleeper.epoch + 1
    with pytest.raises(LeaseLost), fenced(database, sleeper) as connection:
        connection.execute(sa.insert(folders), {"mailbox_id": anna, "key": "x", "name": "x"})
    with database.read() as connection:
        assert connection.execute(sa.select(folders)).all() == []
    assert not leases.renew(database, sleeper, 60, NOW + MINUTE)
    leases.release(database, sleeper)
    assert row(database).lease_owner == second.owner


def test_is_taken_at_once_from_a_process_that_is_gone(database: Database) -> None:
    """Killed a moment ago: nobody waits for the end of its lease."""
    child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    name = [*owner.this_process().split("|")[:3], str(child.pid), start_time(child.pid)]
    anna = add_mailbox(database)
    held(leases.take(database, anna, "|".join(name), 60, NOW))
    assert leases.take(database, anna, owner.this_process(), 60, NOW) is None

    child.kill()
    child.communicate()
    assert leases.take(database, anna, owner.this_process(), 60, NOW)


def start_time(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]


def test_a_process_number_used_again_is_not_the_one_that_had_the_lease(database: Database) -> None:
    parts = owner.this_process().split("|")
    anna = add_mailbox(database)
    held(leases.take(database, anna, "|".join([*parts[:4], str(int(parts[4]) - 1)]), 60, NOW))

    assert leases.take(database, anna, owner.this_process(), 60, NOW)


@pytest.mark.parametrize("name", [OTHER, "", "x", "||||", "a|b|c|d|e"])
def test_nobody_is_thought_gone_whom_this_process_cannot_see(name: str) -> None:
    assert not owner.is_gone(name)


@pytest.mark.parametrize("part", [0, 1, 2])
def test_another_host_boot_or_container_is_another_place(part: int) -> None:
    parts = [*owner.this_process().split("|")[:3], "999999999", "1"]
    assert owner.is_gone("|".join(parts))
    parts[part] += "x"
    assert not owner.is_gone("|".join(parts))


def test_this_process_lives() -> None:
    assert not owner.is_gone(owner.this_process())
    assert str(os.getpid()) in owner.this_process()


def test_renewing_keeps_others_out_for_as_long_again(database: Database) -> None:
    anna = add_mailbox(database)
    lease = held(leases.take(database, anna, OTHER, 60, NOW))
    assert leases.renew(database, lease, 60, NOW + MINUTE / 2)

    assert leases.take(database, anna, owner.this_process(), 60, NOW + MINUTE) is None
    assert leases.take(database, anna, owner.this_process(), 60, NOW + MINUTE * 1.5)


def test_is_not_renewed_for_a_mailbox_that_is_to_rest(database: Database) -> None:
    lease = held(leases.take(database, add_mailbox(database), OTHER, 60, NOW))
    with database.write() as connection:
        connection.execute(sa.update(mailboxes).values(paused=True))

    assert not leases.renew(database, lease, 60, NOW)


@pytest.mark.parametrize(
    "columns", [{"paused": True}, {"active": False}, {"approved": False}, {"next_due": NOW + MINUTE}]
)
def test_is_not_given_for_a_mailbox_that_is_not_to_be_read(database: Database, columns: dict[str, Any]) -> None:
    assert leases.take(database, add_mailbox(database, **columns), OTHER, 60, NOW) is None


def test_is_given_before_its_time_to_whoever_insists(database: Database) -> None:
    anna = add_mailbox(database, next_due=NEVER, problem="stopped")
    assert leases.take(database, anna, OTHER, 60, NOW, force_due=True)


def test_is_not_given_for_a_mailbox_that_does_not_exist(database: Database) -> None:
    assert leases.take(database, 4711, OTHER, 60, NOW) is None


def test_a_good_pass_clears_the_error_and_gives_the_lease_back(database: Database) -> None:
    anna = add_mailbox(database, last_error="no answer", advice="wait", problem="needs-sign-in", failures=3)
    lease = held(leases.take(database, anna, OTHER, 60, NOW, force_due=True))
    leases.record_success(database, lease, started=NOW, now=NOW + MINUTE, next_due=NOW + 2 * MINUTE, failures=2)

    now = row(database)
    assert (now.last_error, now.advice, now.problem, now.failures, now.lease_owner) == (None, None, None, 2, None)
    assert (now.last_attempt, now.caught_up_at, now.last_success) == (NOW, NOW, NOW + MINUTE)
    assert now.next_due == NOW + 2 * MINUTE


def test_a_failed_pass_keeps_when_the_last_good_one_was(database: Database) -> None:
    anna = add_mailbox(database, last_success=NOW - MINUTE, caught_up_at=NOW - MINUTE)
    lease = held(leases.take(database, anna, OTHER, 60, NOW))
    failed = Failed(sentence="wrong CA", advice="set ca_file", problem="stopped")
    leases.record_failure(database, lease, failed, next_due=NEVER, failures=1)

    now = row(database)
    assert (now.last_error, now.advice, now.problem, now.next_due) == ("wrong CA", "set ca_file", "stopped", NEVER)
    assert (now.last_success, now.caught_up_at, now.lease_owner) == (NOW - MINUTE, NOW - MINUTE, None)


def test_who_lost_the_lease_writes_nothing_about_the_pass(database: Database) -> None:
    anna = add_mailbox(database)
    sleeper = held(leases.take(database, anna, OTHER, 60, NOW))
    held(leases.take(database, anna, owner.this_process(), 60, NOW + MINUTE))
    before = row(database)
    with pytest.raises(LeaseLost):
        leases.record_success(database, sleeper, started=NOW, now=NOW, next_due=NOW)
    with pytest.raises(LeaseLost):
        leases.record_failure(database, sleeper, Failed(sentence="x"), next_due=NOW, failures=1)

    assert row(database) == before
