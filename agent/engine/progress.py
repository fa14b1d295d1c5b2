"""Keeps a lease alive while its worker gets somewhere, and no longer: a worker that hangs loses its mailbox."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

from agent.store import leases
from agent.store.database import Database
from agent.store.unit import Lease, LeaseLost


def utc_now() -> datetime:
    """The clock of the engine."""
    return datetime.now(UTC)


class Progress:
    """Called by the sync at every page and before long remote calls.

    The lease is renewed when a third of it is used up, so a quick pass writes nothing.
    """

    def __init__(
        self,
        database: Database,
        lease: Lease,
        *,
        seconds: float = leases.SECONDS,
        stop: threading.Event | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._database = database
        self._lease = lease
        self._seconds = seconds
        self._stop = stop or threading.Event()
        self._clock = clock
        self._held_until = time.monotonic() + seconds

    def __call__(self, *, at_least: float = 0.0) -> None:
        """Says that work goes on. Afterwards the lease holds for `at_least` seconds (a remote write's timeout).

        Raises LeaseLost if another worker has it, or if the mailbox is to rest.
        """
        left = self._held_until - time.monotonic()
        wanted = max(self._seconds, 1.5 * at_least)
        if left > max(self._seconds * 2 / 3, at_least):
            return
        if not leases.renew(self._database, self._lease, wanted, self._clock()):
            raise LeaseLost(f"the lease of mailbox {self._lease.mailbox_id} is not ours any more")
        self._held_until = time.monotonic() + wanted

    @property
    def stopping(self) -> bool:
        """Whether the process is to end: finish the page at hand and return."""
        return self._stop.is_set()
