"""Processes of the agent on one database file, each with rooms of its own, that can be cut off at any durable step.

Everything of a pass runs on the caller's thread, so that the same choices give the same run.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any, ParamSpec, TypeVar

import sqlalchemy as sa
from sqlalchemy.util import LRUCache

from agent.engine.progress import Progress
from agent.store import leases, roll
from agent.store.database import Database
from agent.store.directory import contacts
from agent.store.directory.contact_writes import Draft, open_directory
from agent.store.directory.contacts import Email
from agent.store.hashes import Hasher
from agent.store.mail import corrections, gaps, reviews
from agent.store.schedule import mailboxes
from agent.store.tables import contacts as people
from agent.store.unit import Lease
from agent.sync.mailbox import sync_mailbox
from agent.sync.reader import Reader
from agent.sync.reconcile import Account, reconcile
from agent.sync.room import Room
from config.model import ArchiveAccess, Capture, Mailbox, Organisation, Policy, Reminders, Settings
from connectors.memory import MemoryMailbox, MemorySource
from matchers.policy import own_of, policy_of
from tests.machines.world import ANNA, BOB, Person, World

T = TypeVar("T")
P = ParamSpec("P")


class Crash(Exception):
    """The process ends here, by a power cut as it were."""


_COMPILED: LRUCache[Any, Any] = LRUCache(1000)
"""Statements as SQL, shared by all databases of a run: they are many and live for a second."""


class Watched(Database):
    """A database that tells before each transaction, before its commit, and after it. `hook` may raise Crash."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.engine.update_execution_options(compiled_cache=_COMPILED)
        self.hook: Callable[[str], None] = _ignore

    @contextmanager
    def write(self, *, durable: bool = False) -> Iterator[sa.Connection]:
        self.hook("before")
        with super().write(durable=durable) as connection:
            yield connection
            self.hook("inside")
        self.hook("after")


def _ignore(stage: str) -> None:
    """Nothing is watched."""


class HereAndNow(Reader):
    """Runs everything asked of the source at once, on the caller's thread."""

    def ahead(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        answer: Future[T] = Future()
        try:
            answer.set_result(call(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - a future carries whatever was raised, as the reader's thread does
            answer.set_exception(error)
        return answer


def _mailbox(address: str, capture: Capture) -> Mailbox:
    access = ArchiveAccess(path=Path("/nowhere"))
    return Mailbox(
        address=address,
        connector="memory",
        access=access,
        timezone="Europe/Berlin",
        capture=capture,
        reminders=Reminders(),
    )


SETTINGS = Settings(
    organisation=Organisation(domains=("ourfirm.example",)),
    policy=Policy(),
    mailboxes=(_mailbox(ANNA, "full"), _mailbox(BOB, "subject")),
)
CONFIGURED = {mailbox.address: mailbox for mailbox in SETTINGS.mailboxes}
LEASE = 60.0


class Process:
    """One process of the agent. boxes: the servers it reads; usually the world's."""

    def __init__(
        self, url: str, hasher: Hasher, world: World, name: str, *, boxes: dict[str, MemoryMailbox] | None = None
    ) -> None:
        self.database = Watched(url)
        self.hasher = hasher
        self.name = name
        self.world = world
        self._boxes = world.boxes if boxes is None else boxes
        roll.settle(self.database, SETTINGS, hasher, world.now)
        with self.database.read() as connection:
            self.ids = mailboxes.ids(connection)

    def take(self, address: str) -> Lease | None:
        return leases.take(self.database, self.ids[address], self.name, LEASE, self.world.now, force_due=True)

    def sync(
        self, address: str, *, eager: bool = True, page: int = 2, stop: Event | None = None, suggest: bool = False
    ) -> None:
        """One complete pass. Raises whatever ends it early; the lease is then given back unless the process died."""
        lease = self.take(address)
        assert lease is not None, "the mailbox is held by another worker"
        source = MemorySource(self._boxes[address], page=page)
        try:
            with HereAndNow(source) as reader:
                sync_mailbox(self._room(address, reader, lease, stop or Event(), eager=eager, suggest=suggest))
        except Crash:
            raise
        except Exception:
            leases.release(self.database, lease)
            raise
        now = self.world.now
        leases.record_success(self.database, lease, started=now, now=now, next_due=now)

    def _room(self, address: str, reader: Reader, lease: Lease, stop: Event, *, eager: bool, suggest: bool) -> Room:
        mailbox = CONFIGURED[address]
        return Room(
            database=self.database,
            hasher=self.hasher,
            reader=reader,
            lease=lease,
            own=own_of(mailbox, SETTINGS.organisation.domains, SETTINGS.mailboxes),
            policy=policy_of(SETTINGS.policy, None),
            capture=mailbox.capture,
            since=None,
            progress=Progress(self.database, lease, seconds=LEASE, clock=self.world.clock),
            stop=stop,
            now=self.world.clock,
            eager=eager,
            suggest_contacts=suggest,
        )

    def settle(self, addresses: Sequence[str] = (ANNA, BOB), *, page: int = 2) -> None:
        """Passes over all mailboxes until nothing waits for a further look: the state that must not depend on order."""
        with self.database.write() as connection:
            gaps.retry(connection, self.world.now, None)
        for _ in range(6):
            for address in addresses:
                self.sync(address, page=page)
            if not self.waiting():
                return
        raise AssertionError(f"mail is decided anew for ever: {self.waiting()} messages still wait")

    def waiting(self) -> int:
        """Messages queued for another look, or owed by a server."""
        with self.database.read() as connection:
            query = "SELECT (SELECT count(*) FROM rereads) + (SELECT count(*) FROM gaps)"
            return int(connection.execute(sa.text(query)).scalar_one())

    def meet(self, *people: Person) -> None:
        """Imports contacts, all in one go."""
        drafts = [
            Draft(name=one.name, emails=(Email(address=one.address, primary=True),), company=one.company)
            for one in people
        ]
        with self.database.write() as connection:
            if drafts:
                open_directory(self.database, connection, self.hasher).add(drafts, created_by="import")

    def remove(self, interaction: str) -> None:
        """Somebody takes an interaction out of the history."""
        with self.database.write() as connection:
            assert corrections.remove(self.database, connection, self.hasher, interaction, self.world.now)

    def give(self, interaction: str, which: int) -> tuple[str, str] | None:
        """Somebody gives an interaction to another contact. Who had it and who has it; None where there is nobody."""
        with self.database.write() as connection:
            here = corrections.linked(connection, interaction)
            everybody = sorted(connection.execute(sa.select(people.c.name, people.c.id)).all())
            others = [id for _, id in everybody if id not in {one.id for one in here}]
            if not here or not others:
                return None
            source, to = here[which % len(here)], contacts.show(connection, others[which % len(others)])
            assert to is not None
            corrections.move(self.database, connection, interaction, source.id, to, self.world.now)
            return source.name, to.name

    def decide(self, which: int, *, accept: bool) -> bytes | None:
        """Somebody decides an item of the review queue, for its first candidate or for nobody. The message's key."""
        with self.database.write() as connection:
            items = list(reviews.open_items(connection))
            if not items:
                return None
            item = sorted(items, key=lambda one: one.id)[which % len(items)]
            chosen = str(item.candidates[0]["id"]) if item.candidates and accept else None
            contact = contacts.show(connection, chosen) if chosen else None
            if contact is not None:
                reviews.accept(self.database, connection, item, contact, self.world.now)
            else:
                reviews.reject(self.database, connection, item, self.world.now)
            return item.message_key

    def accounts(self, address: str) -> list[Account]:
        """What `reconcile` says of each folder."""
        return list(reconcile(self.database, MemorySource(self._boxes[address], page=3), self.ids[address], None))

    def close(self) -> None:
        self.database.close()
