"""Lets go of what is too old, and finishes what an erasure owes. Called after each pass, by the daemon and by `sync`.

The daemon takes a few small steps after each pass, so that no mailbox waits for it; `sync` goes on to the end. Nothing
is remembered but where it was: whoever starts anew finds the same things too old.
"""

import threading
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from agent.store.database import Database
from agent.store.mail import rewriting
from agent.store.schedule import clock
from config.model import Policy

STEPS = 4
"""Steps of each kind after one pass of the daemon."""
AGAIN = timedelta(hours=6)
"""How long the daemon rests when nothing was left: a day's mail becomes too old in a day."""


def kept_from(policy: Policy, now: datetime) -> datetime | None:
    """What happened before is kept no longer, and not read any more; None keeps everything."""
    return now - timedelta(days=policy.retention_days) if policy.retention_days else None


def floor_of(policy: Policy, since: date | None, now: datetime) -> date | None:
    """The day of arrival from which mail is read: what a mailbox is read from, and what the firm keeps at all."""
    kept = kept_from(policy, now)
    return max(filter(None, (since, kept.date() if kept else None)), default=None)


@dataclass(kw_only=True)
class Upkeep:
    """One for each process. next_look: not before then; place: how far the places were looked through."""

    database: Database
    next_look: datetime | None = None
    place: int = 0
    _alone: threading.Lock = field(default_factory=threading.Lock)

    def after_pass(self, policy: Policy, now: datetime) -> None:
        """A few steps, if it is time and nobody else is at it. Raises StoreError."""
        if self._waits(now) or not self._alone.acquire(blocking=False):
            return
        try:
            if self._steps(policy, now, STEPS):
                self.next_look = now + AGAIN
        finally:
            self._alone.release()

    def _waits(self, now: datetime) -> bool:
        """A look that lies further ahead than one ever does was planned by a clock that was wrong."""
        return self.next_look is not None and now < self.next_look <= now + AGAIN

    def to_the_end(self, policy: Policy, now: datetime) -> None:
        """Everything that is too old now. Raises StoreError."""
        with self._alone:
            while not self._steps(policy, now, STEPS):
                pass

    def _steps(self, policy: Policy, now: datetime, most: int) -> bool:
        """Whether nothing is left to do. A clock that went far ahead deletes nothing before it has held for a day."""
        now = clock.look(self.database, now)
        dropped = self._drop(policy, now, most)
        forgotten = self._forget(now - timedelta(days=policy.explain_days), most)
        if dropped and forgotten:
            rewriting.rewrite(self.database)
        return dropped and forgotten

    def _drop(self, policy: Policy, now: datetime, most: int) -> bool:
        floor = kept_from(policy, now)
        if floor is None:
            return True
        from agent.store.persons import retention  # it comes with all that erases; the first mail is not to wait for it

        for _ in range(most):
            if retention.drop_old(self.database, floor, now) < retention.INTERACTIONS:
                retention.drop_waiting(self.database, floor, now)
                return True
        return False

    def _forget(self, before: datetime, most: int) -> bool:
        from agent.store.persons import retention

        for _ in range(most):
            last = retention.forget_hashes(self.database, before, self.place)
            self.place = last or 0
            if last is None:
                return True
        return False
