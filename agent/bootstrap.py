"""The composition root: the one place where rooms are wired together. Nothing connects before it is asked to.

Called by the command line and the demo.
"""

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from agent.engine.progress import utc_now
from agent.engine.runner import Farewell
from agent.engine.sources import Sources
from agent.lists.look import Looked, look, with_lists
from agent.lists.read import read
from agent.memory import Memory
from agent.people.erased_list import LIST, noted
from agent.store import migrate
from agent.store.database import IN_MEMORY, Database, sqlite_file
from agent.store.errors import Unfit
from agent.store.hashes import Hasher
from agent.store.memory_copy import copy_to_memory
from agent.store.tokens import StoredTokens
from agent.upkeep import Upkeep
from agent.work import Work
from config.model import Mailbox, MailboxList, Settings, Store
from connectors import registry

if TYPE_CHECKING:
    from agent.engine.daemon import Beside
    from agent.people.erasing import Forgetting


@dataclass(frozen=True, kw_only=True)
class House:
    """Everything that outlives a pass. clock: aware.

    settings: with the mailboxes of lists as last taken. described: as the configuration has them. upkeep: lets go of
    what is too old.
    """

    settings: Settings
    described: Settings
    database: Database
    hasher: Hasher
    sources: Sources
    tokens: StoredTokens | None = None
    dry: bool = False
    memory: Memory = field(default_factory=Memory)
    clock: Callable[[], datetime] = utc_now
    upkeep: Upkeep

    def work(self, *, eager: bool) -> Work:
        """A pass over one mailbox, for `agent.engine`. eager: nothing waits for its time (`sync`)."""
        return Work(
            settings=self.settings,
            database=self.database,
            hasher=self.hasher,
            sources=self.sources,
            upkeep=self.upkeep,
            memory=self.memory,
            dry=self.dry,
            eager=eager,
            clock=self.clock,
        )

    def look(self, one: MailboxList) -> Looked:
        """Looks at a list anew. Raises StoreError."""
        return look(self.database, one, read, self.clock())

    def with_lists(self, described: Settings) -> Settings:
        """The settings with the mailboxes of their lists as last taken. Raises StoreError."""
        return with_lists(self.database, described)

    def beside(self) -> "Sequence[Beside]":
        """What works beside the daemon's passes."""
        from agent.push.wiring import beside  # a web server: only where a daemon runs

        return beside(self.database, self.hasher, self.tokens, self.clock)

    def forgetting(self, who: str) -> "Forgetting":
        """What an erasure works with. who: whom the audit table names."""
        return _forgetting(self.settings, self.database, self.hasher, who)

    def farewell(self, *, eager: bool) -> Farewell | None:
        """How calendars of mailboxes that left are emptied; None where nothing may be written outside (a dry run)."""
        if self.dry:
            return None
        from agent.after_mail import LastWork  # mailboxes leave seldom

        return LastWork(database=self.database, hasher=self.hasher, eager=eager, clock=self.clock)


@contextmanager
def open_house(settings: Settings, *, create: bool = True, in_memory: bool = False) -> Iterator[House]:
    """Opens the database and lets go of everything at the end. Raises StoreError or SecretError.

    create: makes a new database where there is none; otherwise one must be there. in_memory: works on a copy that
    nobody sees (dry runs).
    """
    disk, key = _disk(settings.store, create=create, dry=in_memory)
    tokens = StoredTokens(disk, key)  # in a dry run too: a renewed token ends the one before it
    sources = Sources(lambda mailbox: registry.open_source(mailbox, tokens=tokens))
    database, hasher = disk, Hasher(key)
    try:
        migrate.require_current(database, hasher)
        if in_memory:
            database = copy_to_memory(disk)
        else:
            _forget_again(settings, database, hasher)
        effective = with_lists(database, settings)
        yield House(
            settings=effective,
            described=settings,
            database=database,
            hasher=hasher,
            sources=sources,
            tokens=tokens,
            dry=in_memory,
            upkeep=Upkeep(database=database),
        )
    finally:
        sources.close()
        database.close()
        disk.close()


def look_at_lists(house: House) -> tuple[House, Sequence[Looked]]:
    """The house with every list looked at now, and what became of each. Raises StoreError."""
    looked = [house.look(one) for one in house.described.lists]
    return replace(house, settings=house.with_lists(house.described)), looked


def _disk(store: Store, *, create: bool, dry: bool) -> tuple[Database, bytes]:
    """The database and the key it belongs to. For a dry run, an empty one in memory stands for one not made yet."""
    file = sqlite_file(store.url)
    disk = Database(store.url)
    absent = file is not None and not file.exists()  # looking inside would make it
    if (dry or not create) and (absent or migrate.schema_state(disk) == "new"):
        disk.close()
        if not dry:
            raise Unfit("there is no database yet: run `crm-agent sync` or `crm-agent migrate`")
        return Database(IN_MEMORY), secrets.token_bytes(32)
    return disk, store_key(store)


def _forget_again(settings: Settings, database: Database, hasher: Hasher) -> None:
    """Erases whom a restored backup brought back."""
    second = erased_list(settings)
    if second is not None and noted(second):
        from agent.people.erasing import RESTORED, catch_up  # most firms have erased nobody

        catch_up(_forgetting(settings, database, hasher, RESTORED))


def _forgetting(settings: Settings, database: Database, hasher: Hasher, who: str) -> "Forgetting":
    """What an erasure works with."""
    from agent.people.erasing import Forgetting

    return Forgetting(database=database, hasher=hasher, second=erased_list(settings), now=utc_now(), who=who)


def erased_list(settings: Settings) -> Path | None:
    """Where the second list of the erased lies: where the policy says, else beside the key. None if that is no file."""
    if settings.policy.erased_list is not None:
        return settings.policy.erased_list
    store = settings.store
    if store.key is not None:
        return store.key.file.with_name(LIST) if store.key.file is not None else None
    file = sqlite_file(store.url)
    return file.with_name(LIST) if file is not None else None


def open_store(store: Store) -> tuple[Database, Hasher]:
    """The database and the keyed hashes that belong to it, nothing checked yet. Raises StoreError or SecretError."""
    return Database(store.url), Hasher(store_key(store))


def store_key(store: Store) -> bytes:
    """The key for hashes and stored tokens: by reference, else the file beside an SQLite database."""
    if store.key is not None:
        return store.key.read().encode()
    file = sqlite_file(store.url)
    if file is None:
        raise Unfit("store.key is needed with PostgreSQL: write key = { file = … }")
    return migrate.read_or_make_key(file.with_name(migrate.KEY_FILE))


def selected(settings: Settings, address: str | None) -> Sequence[Mailbox]:
    """The mailboxes a command is about: all, or the one named. Empty if there is no such mailbox."""
    if address is None:
        return settings.mailboxes
    return [one for one in settings.mailboxes if one.address.lower() == address.strip().lower()]
