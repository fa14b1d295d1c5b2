"""The runner on one machine: looks every second whose turn it is, and works in a bounded pool of threads.

Two of them on one database do each other no harm: the lease of a mailbox goes to one.
"""

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import structlog
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler

from agent.engine.progress import utc_now
from agent.engine.runner import Ended, Runner
from agent.engine.servers import PER_SERVER, server_of
from agent.store import leases
from agent.store.calendar import leaving
from agent.store.database import StoreError
from agent.store.owner import this_process
from agent.store.schedule import clock, mailboxes
from agent.store.schedule.mailboxes import Due
from agent.store.unit import Lease
from config.model import Mailbox

TICK_SECONDS = 1.0
STEP = timedelta(seconds=5)
"""How far back a clock must be set to count: smaller steps are waited out."""
WORKERS = 16
"""Mailboxes read at a time by this process."""

_CALENDARS = ""
"""Under which name calendars that are emptied count as a server."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Running:
    server: str
    lease: Lease


class Local:
    """Starts passes of due mailboxes until stopped. `read` says which mailboxes, by normalised address."""

    def __init__(
        self, runner: Runner, *, workers: int = WORKERS, per_server: int = PER_SERVER, tick: float = TICK_SECONDS
    ) -> None:
        self._runner = runner
        self._per_server = per_server
        self._workers = workers
        self._pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="mailbox")
        self._mailboxes: Mapping[str, Mailbox] = {}
        self._running: dict[int, _Running] = {}
        self._changed = threading.Condition()
        self._stop = threading.Event()
        self._in_doubt = False
        self._latest = runner.clock()
        self._scheduler = BackgroundScheduler(timezone="UTC", daemon=True)
        self._look = self._scheduler.add_job(
            self.tick, "interval", seconds=tick, max_instances=1, coalesce=True, misfire_grace_time=None
        )
        self._furthest = timedelta(seconds=tick) + STEP
        self._steady = threading.Thread(target=self._bring_forward, name="clock", daemon=True)

    def start(self) -> None:
        """Begins to look whose turn it is."""
        self._scheduler.start()
        self._steady.start()

    def read(self, configured: Mapping[str, Mailbox], runner: Runner) -> None:
        """From now on reads these mailboxes with this runner; passes under way end as they began."""
        with self._changed:
            self._mailboxes, self._runner = configured, runner

    def tick(self) -> None:
        """Starts every pass that is due and has room. A database out of reach is said once a tick and waited for."""
        try:
            self._mind_the_clock()
            self._give_back()
            for due in self._due():
                if self._stop.is_set():
                    return
                self._start(due)
            for mailbox_id in self._leavers():
                self._start_farewell(mailbox_id)
        except StoreError as error:
            self._in_doubt = True
            _log.error("the schedule cannot be read", sentence=str(error))

    def stop(self, seconds: float) -> list[int]:
        """Asks every pass to end after its page and waits so long. Returns the ids of mailboxes still being read."""
        with self._changed:
            self._stop.set()
        self._scheduler.shutdown(wait=False)
        self._pool.shutdown(wait=False)
        with self._changed:
            self._changed.wait_for(lambda: not self._running, timeout=seconds)
            return sorted(self._running)

    def abandon(self) -> None:
        """Gives back the leases of passes that did not end in time; their commits are refused from now on."""
        with self._changed:
            left = [running.lease for running in self._running.values()]
        for lease in left:
            with suppress(StoreError):  # then it runs out by itself
                leases.release(self._runner.database, lease)

    def _bring_forward(self) -> None:
        """Has the next look taken now where the clock was set back: APScheduler waits by the wall's, for days then.

        Waits by a clock that nobody sets.
        """
        while not self._stop.wait(TICK_SECONDS):
            now, planned = utc_now(), self._look.next_run_time
            if planned is not None and planned - now > self._furthest:
                with suppress(JobLookupError):  # everything stops at this moment
                    self._look.modify(next_run_time=now)

    def _mind_the_clock(self) -> None:
        """What was planned by a clock that was ahead is not waited for once it is right."""
        now = self._runner.clock()
        back = self._latest - now
        if back > STEP and clock.set_right(self._runner.database, now):
            _log.warning("the clock was set back: every mailbox is due", seconds=round(back.total_seconds()))
        self._latest = now

    def _give_back(self) -> None:
        """Once the database is back: leases that it had no time to take from us, or whose giving it could not tell."""
        if not self._in_doubt:
            return
        with self._changed:
            self._in_doubt, busy = False, list(self._running)
        leases.give_back(self._runner.database, this_process(), busy)

    def _due(self) -> list[Due]:
        with self._runner.database.read() as connection:
            waiting = mailboxes.due(connection, self._runner.clock(), limit=1000)
        return [due for due in waiting if due.address in self._mailboxes]

    def _start(self, due: Due) -> None:
        with self._changed:
            mailbox, runner = self._mailboxes.get(due.address), self._runner
            if mailbox is None or due.id in self._running or not self._has_room(server_of(mailbox)):
                return
        lease = leases.take(runner.database, due.id, this_process(), runner.lease_seconds, runner.clock())
        if lease is not None and not self._submit(runner, mailbox, due, lease):
            leases.release(runner.database, lease)

    def _leavers(self) -> Sequence[int]:
        """Mailboxes that left the configuration and whose calendar may be emptied now."""
        if self._runner.farewell is None:
            return ()
        with self._runner.database.read() as connection:
            return leaving.due(connection, self._runner.clock())

    def _start_farewell(self, mailbox_id: int) -> None:
        with self._changed:
            runner = self._runner
            if mailbox_id in self._running or not self._has_room(_CALENDARS):
                return
        lease = leases.take_left(runner.database, mailbox_id, this_process(), runner.lease_seconds, runner.clock())
        if lease is not None and not self._run(_CALENDARS, lease, lambda: runner.withdraw(lease, self._stop)):
            leases.release(runner.database, lease)

    def _submit(self, runner: Runner, mailbox: Mailbox, due: Due, lease: Lease) -> bool:
        """False if everything stopped meanwhile."""
        return self._run(server_of(mailbox), lease, lambda: runner.run_one(mailbox, due, lease, self._stop))

    def _run(self, server: str, lease: Lease, do: Callable[[], object]) -> bool:
        with self._changed:
            if self._stop.is_set():
                return False
            self._running[lease.mailbox_id] = _Running(server=server, lease=lease)
            done = self._pool.submit(do)
        done.add_done_callback(lambda done: self._ended(lease.mailbox_id, done.result()))
        return True

    def _has_room(self, server: str) -> bool:
        busy = Counter(running.server for running in self._running.values())
        return busy.total() < self._workers and busy[server] < self._per_server

    def _ended(self, mailbox_id: int, outcome: object) -> None:
        lost = isinstance(outcome, Ended) and isinstance(outcome.error, StoreError)
        with self._changed:
            self._in_doubt = self._in_doubt or lost
            self._running.pop(mailbox_id, None)
            self._changed.notify_all()
