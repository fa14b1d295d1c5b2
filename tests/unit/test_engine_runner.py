"""One pass under its lease: whatever happens inside ends as a row of the schedule, and never leaves the boundary."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from agent.engine.progress import Progress
from agent.engine.runner import Ended, Ending, Runner
from agent.store import leases
from agent.store.database import Database, StoreError
from agent.store.schedule import mailboxes
from agent.store.tables import mailboxes as table
from agent.store.unit import Lease, LeaseLost
from config.model import Mailbox
from connectors.errors import Fatal, NeedsSignIn, Retriable
from tests.unit.store_room import NOW, add_mailbox, configured

OWNER = "elsewhere|boot|pid:[1]|1|1"


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


Inside = Callable[[Progress, threading.Event], None]


def run(database: Database, inside: Inside, clock: Clock | None = None) -> Ended:
    clock = clock or Clock()
    with database.read() as connection:
        mailbox_id = mailboxes.ids(connection)["anna@ourfirm.example"]
        known = mailboxes.one(connection, mailbox_id)
    lease = leases.take(database, mailbox_id, OWNER, 60, clock(), force_due=True)
    assert lease

    def work(mailbox: Mailbox, lease: Lease, progress: Progress, stop: threading.Event) -> None:
        inside(progress, stop)

    runner = Runner(database=database, work=work, clock=clock, dice=lambda: 0.5)
    return runner.run_one(configured(), known, lease, threading.Event())


def row(database: Database) -> "sa.Row[tuple[object, ...]]":
    with database.read() as connection:
        return connection.execute(sa.select(table)).one()


def test_a_complete_pass_counts_from_when_it_began(database: Database) -> None:
    """Mail that came while it ran may be missing: the lag says so."""
    add_mailbox(database)
    clock = Clock()

    def slow(progress: Progress, stop: threading.Event) -> None:
        clock.now += timedelta(seconds=40)

    assert run(database, slow, clock).ending is Ending.DONE
    now = row(database)
    assert (now.caught_up_at, now.last_success) == (NOW, NOW + timedelta(seconds=40))
    assert (now.lease_owner, now.next_due) == (None, NOW + timedelta(seconds=100))


@pytest.mark.parametrize(
    ("error", "problem", "wait"),
    [
        (Retriable("no answer"), None, timedelta(seconds=33)),
        (NeedsSignIn("refused"), "needs-sign-in", timedelta(hours=1)),
        (Fatal("wrong CA"), "stopped", mailboxes.NEVER - NOW),
        (ZeroDivisionError("a bug"), None, timedelta(seconds=33)),
        (StoreError("disk full"), None, timedelta(seconds=33)),
    ],
)
def test_a_failed_pass_is_written_down_and_stays_inside(
    database: Database, error: Exception, problem: str | None, wait: timedelta
) -> None:
    add_mailbox(database)

    def fail(progress: Progress, stop: threading.Event) -> None:
        raise error

    ended = run(database, fail)
    now = row(database)
    assert (ended.ending, ended.error) == (Ending.FAILED, error)
    assert (now.problem, now.next_due - NOW, now.failures, now.lease_owner) == (problem, wait, 1, None)
    assert now.last_error


def test_a_pass_that_lost_its_lease_leaves_the_schedule_to_the_other(database: Database) -> None:
    anna = add_mailbox(database)
    clock = Clock()

    def sleep(progress: Progress, stop: threading.Event) -> None:
        clock.now += timedelta(seconds=61)
        assert leases.take(database, anna, "the other", 60, clock())
        raise Retriable("the connection was cut while we slept")

    assert run(database, sleep, clock).ending is Ending.LOST
    assert (row(database).lease_owner, row(database).last_error) == ("the other", None)


def test_a_pass_cut_short_by_the_end_of_the_process_is_due_at_once(database: Database) -> None:
    add_mailbox(database)

    def told_to_stop(progress: Progress, stop: threading.Event) -> None:
        stop.set()
        assert progress.stopping

    assert run(database, told_to_stop).ending is Ending.INTERRUPTED
    now = row(database)
    assert (now.lease_owner, now.last_success, now.last_error) == (None, None, None)
    assert now.next_due < NOW


def test_an_error_because_everything_stops_is_not_held_against_the_mailbox(database: Database) -> None:
    add_mailbox(database)

    def torn_down(progress: Progress, stop: threading.Event) -> None:
        stop.set()
        raise Retriable("connection closed")

    assert run(database, torn_down).ending is Ending.INTERRUPTED
    assert row(database).failures == 0


def progress_of(database: Database, *, seconds: float) -> tuple[Progress, Lease]:
    anna = add_mailbox(database)
    lease = leases.take(database, anna, OWNER, seconds, NOW)
    assert lease
    return Progress(database, lease, seconds=seconds, clock=lambda: NOW + timedelta(seconds=1)), lease


def test_a_quick_pass_renews_nothing(database: Database) -> None:
    progress, _ = progress_of(database, seconds=60)
    before = row(database).lease_until
    for _ in range(100):
        progress()

    assert row(database).lease_until == before


def test_a_long_remote_write_gets_a_lease_longer_than_its_timeout(database: Database) -> None:
    progress, _ = progress_of(database, seconds=60)
    progress(at_least=120)

    assert row(database).lease_until >= NOW + timedelta(seconds=121)


def test_a_lease_that_is_used_up_is_renewed_and_a_lost_one_stops_the_work(database: Database) -> None:
    progress, lease = progress_of(database, seconds=0.0)
    progress()
    assert row(database).lease_until == NOW + timedelta(seconds=1)

    leases.release(database, lease)
    with pytest.raises(LeaseLost):
        progress()


def test_a_mailbox_that_is_paused_stops_its_pass(database: Database) -> None:
    progress, _ = progress_of(database, seconds=0.0)
    assert mailboxes.pause(database, "anna@ourfirm.example")
    with pytest.raises(LeaseLost):
        progress()
