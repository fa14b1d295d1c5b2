"""A clock that was ahead and is set back: nobody waits for the days in between."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from agent.engine import local
from agent.engine.local import Local
from agent.engine.progress import Progress
from agent.engine.runner import Runner
from agent.store import leases, roll
from agent.store.database import Database
from agent.store.hashes import Hasher
from agent.store.schedule import mailboxes, standing
from agent.store.unit import Lease
from config.model import Mailbox
from tests.unit.store_room import NOW, add_mailbox, configured, settings

DAYS = timedelta(days=6)
ELSEWHERE = "elsewhere|boot|pid:[1]|1|1"


def read_then(database: Database, mailbox_id: int, then: datetime) -> None:
    """A complete pass at that time."""
    lease = leases.take(database, mailbox_id, ELSEWHERE, 60, then, force_due=True)
    assert lease is not None
    leases.record_success(database, lease, started=then, now=then, next_due=then + timedelta(minutes=1))


def is_due(database: Database, now: datetime) -> bool:
    with database.read() as connection:
        return bool(mailboxes.due(connection, now, limit=9))


def test_at_the_start_a_mailbox_that_was_read_in_the_future_is_due(database: Database, hasher: Hasher) -> None:
    """And monitoring counts from now on: it would call the mailbox in time for six days."""
    anna, now = add_mailbox(database), NOW + timedelta(hours=1)
    roll.settle(database, settings(configured()), hasher, NOW)
    read_then(database, anna, NOW + DAYS)
    assert not is_due(database, now)

    roll.settle(database, settings(configured()), hasher, now)

    assert is_due(database, now)
    with database.read() as connection:
        (state,) = standing.states(connection, now + timedelta(hours=2))
    assert state.lag == timedelta(hours=2)


def test_a_lease_that_another_host_took_in_the_future_ends_within_a_minute(database: Database, hasher: Hasher) -> None:
    anna = add_mailbox(database)
    roll.settle(database, settings(configured()), hasher, NOW)
    assert leases.take(database, anna, ELSEWHERE, 60, NOW + DAYS, force_due=True)

    roll.settle(database, settings(configured()), hasher, NOW)

    assert leases.take(database, anna, "third|boot|pid:[1]|1|1", 60, NOW + timedelta(seconds=61)) is not None


def test_clocks_that_differ_by_seconds_change_nothing(database: Database, hasher: Hasher) -> None:
    anna = add_mailbox(database)
    roll.settle(database, settings(configured()), hasher, NOW)
    read_then(database, anna, NOW + timedelta(seconds=20))
    roll.settle(database, settings(configured()), hasher, NOW)
    assert not is_due(database, NOW)


class Office:
    """A daemon's schedule over one mailbox that was read a moment ago, and the clock on its wall."""

    def __init__(self, database: Database, tick: float = 0.01) -> None:
        self.now, self.read = NOW + DAYS, threading.Event()
        runner = Runner(database=database, work=self._work, clock=lambda: self.now, dice=lambda: 0.5)
        self.local = Local(runner, tick=tick)
        self.local.read({"anna@ourfirm.example": configured()}, runner)

    def _work(self, mailbox: Mailbox, lease: Lease, progress: Progress, stop: threading.Event) -> None:
        self.read.set()


@pytest.fixture
def office(database: Database) -> Iterator[Office]:
    read_then(database, add_mailbox(database), NOW + DAYS)
    office = Office(database)
    yield office
    office.local.stop(5)


def test_a_daemon_whose_clock_is_set_back_reads_at_once(office: Office) -> None:
    office.local.start()
    office.now = NOW
    assert office.read.wait(10)


def test_the_next_look_is_not_waited_for_until_the_clock_is_there_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The scheduler goes by the wall's clock and planned its next look by the time that was wrong."""
    add_mailbox(database)
    office = Office(database, tick=3600)
    office.local.start()
    try:
        assert not office.read.wait(2)
        monkeypatch.setattr(local, "utc_now", lambda: datetime.now(UTC) - DAYS)
        assert office.read.wait(10)
    finally:
        office.local.stop(5)
