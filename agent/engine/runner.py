"""One pass over one mailbox: the job boundary. Whatever goes wrong inside ends as a row in the schedule.

A mailbox that left the configuration has no pass any more; its calendars are emptied behind the same boundary.

Called by `agent.engine.local` and by `crm-agent sync`, with a lease already taken.
"""

import random
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

import structlog

from agent.engine.backoff import Turn, after_failure, after_success
from agent.engine.progress import Progress, utc_now
from agent.store import leases
from agent.store.database import Database, StoreError
from agent.store.schedule.mailboxes import Due
from agent.store.unit import Lease, LeaseLost
from agent.tending.withdrawn import Withdrawn
from config.model import Mailbox
from connectors.errors import ConnectorError

Work = Callable[[Mailbox, Lease, Progress, threading.Event], None]
"""One complete pass. Raises ConnectorError, StoreError or LeaseLost; returns early when the event is set."""

Farewell = Callable[[Lease, Progress], Withdrawn]
"""Empties the calendars of a mailbox that left the configuration. Raises StoreError or LeaseLost."""

_log = structlog.get_logger(__name__)


class Ending(StrEnum):
    """How a pass ended. interrupted: the process is to stop; the next one goes on where this one was.

    paused: there was none, because somebody lets the mailbox rest.
    """

    DONE = "done"
    FAILED = "failed"
    LOST = "lost"
    INTERRUPTED = "interrupted"
    PAUSED = "paused"


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """The end of one pass. error: why it failed or was lost."""

    ending: Ending
    error: Exception | None = None


@dataclass(frozen=True, kw_only=True)
class Runner:
    """Runs passes and writes down how they end. remind: what is done for each after all were read, None nothing."""

    database: Database
    work: Work
    remind: Work | None = None
    farewell: Farewell | None = None
    lease_seconds: float = leases.SECONDS
    clock: Callable[[], datetime] = utc_now
    dice: Callable[[], float] = random.random

    def run_one(self, mailbox: Mailbox, known: Due, lease: Lease, stop: threading.Event) -> Ended:
        """Reads one mailbox under its lease. Raises nothing: the schedule row and the log tell how it ended."""
        started = self.clock()
        ended = self._attempt(self.work, mailbox, lease, stop)
        try:
            self._record(mailbox, known, lease, ended, started)
        except LeaseLost as error:
            ended = Ended(ending=Ending.LOST, error=error)
        except StoreError as error:
            ended = Ended(ending=Ending.FAILED, error=error)  # the lease runs out by itself
        _tell(lease.mailbox_id, ended, (self.clock() - started).total_seconds())
        return ended

    def remind_one(self, remind: Work, mailbox: Mailbox, lease: Lease, stop: threading.Event) -> Ended:
        """Does what is left for a mailbox after all were read; when it was read stays. Raises nothing."""
        started = self.clock()
        ended = self._attempt(remind, mailbox, lease, stop)
        try:
            leases.release(self.database, lease)
        except StoreError as error:
            ended = Ended(ending=Ending.FAILED, error=error)  # the lease runs out by itself
        _tell(lease.mailbox_id, ended, (self.clock() - started).total_seconds())
        return ended

    def withdraw(self, lease: Lease, stop: threading.Event) -> Withdrawn:
        """Empties the calendars of a mailbox that left, as far as they let it. Raises nothing: the log tells."""
        progress = Progress(self.database, lease, seconds=self.lease_seconds, stop=stop, clock=self.clock)
        done = Withdrawn()
        try:
            done = self.farewell(lease, progress) if self.farewell is not None else done
            leases.release(self.database, lease)
        except (StoreError, LeaseLost) as error:  # the lease runs out by itself; the next visit goes on
            _log.warning("a calendar was not emptied", mailbox=lease.mailbox_id, sentence=str(error))
        except Exception as error:  # noqa: BLE001 - the job boundary: one mailbox's fault stays its own
            _log.error("unexpected error in a farewell", error=type(error).__name__, place=place_of(error))
        _tell_farewell(lease.mailbox_id, done)
        return done

    def _attempt(self, work: Work, mailbox: Mailbox, lease: Lease, stop: threading.Event) -> Ended:
        progress = Progress(self.database, lease, seconds=self.lease_seconds, stop=stop, clock=self.clock)
        try:
            work(mailbox, lease, progress, stop)
        except LeaseLost as error:
            return Ended(ending=Ending.LOST, error=error)
        except Exception as error:  # noqa: BLE001 - the job boundary: one mailbox's fault stays its own
            return Ended(ending=Ending.INTERRUPTED if stop.is_set() else Ending.FAILED, error=error)
        return Ended(ending=Ending.INTERRUPTED if stop.is_set() else Ending.DONE)

    def _record(self, mailbox: Mailbox, known: Due, lease: Lease, ended: Ended, started: datetime) -> None:
        now = self.clock()
        match ended:
            case Ended(ending=Ending.DONE):
                turn = after_success(known, mailbox.poll_seconds, now, self.dice())
                leases.record_success(
                    self.database, lease, started=started, now=now, next_due=turn.due, failures=turn.failures
                )
            case Ended(ending=Ending.FAILED, error=Exception() as error):
                self._record_failure(lease, after_failure(known, error, now, self.dice()))
            case _:
                leases.release(self.database, lease)

    def _record_failure(self, lease: Lease, turn: Turn) -> None:
        assert turn.failed is not None  # noqa: S101 - every failed turn says why; tells the type checker
        leases.record_failure(self.database, lease, turn.failed, next_due=turn.due, failures=turn.failures)


def _tell(mailbox_id: int, ended: Ended, seconds: float) -> None:
    log = _log.bind(mailbox=mailbox_id, seconds=round(seconds, 3))
    match ended.error:
        case None:
            log.debug("pass ended", ending=ended.ending.value)
        case ConnectorError() | StoreError() | LeaseLost() as error:
            log.warning("pass ended", ending=ended.ending.value, error=type(error).__name__, sentence=str(error))
        case error:
            log.error("unexpected error in a pass", error=type(error).__name__, place=place_of(error))


def _tell_farewell(mailbox_id: int, done: Withdrawn) -> None:
    log = _log.bind(mailbox=mailbox_id)
    if done.removed:
        log.info("items of a mailbox that left were withdrawn from its calendar", items=done.removed, left=done.left)
    if done.stays:
        log.warning("items of a mailbox that left stay in its calendar: it could not be reached", items=done.stays)
    if done.error is not None and done.is_news:
        log.warning(
            "items of a mailbox that left still stand in its calendar", items=done.left, sentence=str(done.error)
        )


def place_of(error: BaseException) -> list[str]:
    """The innermost calls as `file:line function`, without the error's text or any value: these may hold mail."""
    frames = traceback.extract_tb(error.__traceback__)[-8:]
    return [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
