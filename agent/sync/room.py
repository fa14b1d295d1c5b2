"""What one pass over one mailbox works with. Made by `agent.bootstrap` once a pass, handed to every step."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from threading import Event

from agent.store.database import Database
from agent.store.hashes import Hasher
from agent.store.unit import Lease
from agent.sync.reader import Reader
from agent.sync.timing import WEIGHED_FOR
from config.model import Capture
from matchers.address import normalise
from matchers.chain import MatchPolicy, Own
from matchers.newcomer import CreateContacts


class Stopped(Exception):
    """The daemon stops: the pass ends between two pages."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Room:
    """progress: called at each page, renews the lease and raises LeaseLost when it went. counts: for the summary.

    since: the floor on server dates; None reads everything. kept_from: what happened before is not kept. eager:
    everything counts as due now (`sync`), whatever waits for its time; the daemon (`run`) obeys the waits. weighed_for:
    whether a text asks for something is looked at when it is recorded, if it is no older. create_contacts: which
    strangers become contacts; suggest_contacts: whether those we write to are noted else, and likely further addresses.
    """

    database: Database
    hasher: Hasher
    reader: Reader
    lease: Lease
    own: Own
    policy: MatchPolicy
    capture: Capture
    since: date | None
    progress: Callable[[], None]
    stop: Event
    now: Callable[[], datetime]
    eager: bool = False
    weighed_for: timedelta = WEIGHED_FOR
    kept_from: datetime | None = None
    create_contacts: CreateContacts = "never"
    suggest_contacts: bool = False
    counts: Counter[str] = field(default_factory=Counter)

    def is_ours(self, address: str) -> bool:
        """Whether one of ours writes from this address."""
        return self.own.has(normalise(address))

    def step(self) -> None:
        """Between two pages: goes on, or raises Stopped or LeaseLost."""
        if self.stop.is_set():
            raise Stopped
        self.progress()
