"""The runner on one machine: looks every second whose turn it is, and works in a bounded pool of threads.

Two of them on one database do each other no harm: the lease of a mailbox goes to one.
"""

import threading
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

import structlog
from apscheduler.schedulers.background import BackgroundScheduler

from agent.engine.runner import Ended, Runner
from agent.engine.servers import server_of
from agent.store import leases, mailboxes
from agent.store.database import StoreError
from agent.store.mailboxes import Due
from agent.store.owner import this_process
from agent.store.unit import Lease
from config.model import Mailbox

TICK_SECONDS = 1.0
WORKERS = 16
"""Mailboxes read at a time by this process."""
PER_SERVER = 8
"""Mailboxes read at a time on one host."""

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
        self._scheduler = BackgroundScheduler(timezone="UTC", daemon=True)
        self._scheduler.add_job(
            self.tick, "interval", seconds=tick, max_instances=1, coalesce=True, misfire_grace_time=None
        )

    def start(self) -> None:
        """Begins to look whose turn it is."""
        self._scheduler.start()

    def read(self, configured: Mapping[str, Mailbox], runner: Runner) -> None:
        """From now on reads these mailboxes with this runner; passes under way end as they began."""
        with self._changed:
            self._mailboxes, self._runner = configured, runner

    def tick(self) -> None:
        """Starts every pass that is due and has room. A database out of reach is said once a tick and waited for."""
        try:
            self._give_back()
            for due in self._due():
                if self._stop.is_set():
                    return
                self._start(due)
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

    def _submit(self, runner: Runner, mailbox: Mailbox, due: Due, lease: Lease) -> bool:
        """False if everything stopped meanwhile."""
        with self._changed:
            if self._stop.is_set():
                return False
            self._running[due.id] = _Running(server=server_of(mailbox), lease=lease)
            done = self._pool.submit(runner.run_one, mailbox, due, lease, self._stop)
        done.add_done_callback(lambda done: self._ended(due.id, done.result()))
        return True

    def _has_room(self, server: str) -> bool:
        busy = Counter(running.server for running in self._running.values())
        return busy.total() < self._workers and busy[server] < self._per_server

    def _ended(self, mailbox_id: int, ended: Ended) -> None:
        with self._changed:
            self._in_doubt = self._in_doubt or isinstance(ended.error, StoreError)
            self._running.pop(mailbox_id, None)
            self._changed.notify_all()
