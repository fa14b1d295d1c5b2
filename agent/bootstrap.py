"""The composition root: the one place where rooms are wired together. Nothing connects before it is asked to.

Called by the command line and the demo.
"""

import secrets
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from agent.engine.progress import Progress, utc_now
from agent.engine.runner import Farewell
from agent.engine.sources import Sources
from agent.lists.look import Looked, look, with_lists
from agent.lists.read import read
from agent.people.address_book import AddressBook, import_contacts
from agent.people.erasing import LIST, RESTORED, Forgetting, catch_up
from agent.people.plan import Outcome
from agent.reminders.farewell import Leaver, Withdrawn, withdraw
from agent.reminders.remembered import Remembered
from agent.reminders.tend import Tending, own_addresses, tend_mailbox
from agent.store import absences, mailboxes, migrate
from agent.store.database import IN_MEMORY, Database, sqlite_file
from agent.store.errors import Unfit
from agent.store.hashes import Hasher
from agent.store.memory_copy import copy_to_memory
from agent.store.tokens import StoredTokens
from agent.store.unit import Lease, LeaseLost
from agent.sync.mailbox import sync_mailbox
from agent.sync.meetings import Diary, read_meetings
from agent.sync.reader import Reader
from agent.sync.room import Room, Stopped
from agent.sync.timing import WEIGHED_FOR
from agent.upkeep import Upkeep, floor_of, kept_from
from config.model import Mailbox, MailboxList, Settings, Store
from connectors import registry
from connectors.base import HoldsContacts, MailSource, TellsAway
from connectors.errors import ConnectorError
from matchers.policy import own_of, policy_of

if TYPE_CHECKING:
    from agent.engine.daemon import Beside

ABSENCE_EVERY = timedelta(minutes=15)
"""How often an owner's automatic replies are looked at."""
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class House:
    """Everything that outlives a pass. counts: by mailbox address, what this process did so far. clock: aware.

    settings: with the mailboxes of lists as last taken. described: as the configuration has them.
    missing_folders: by mailbox address, the configured names that no folder had at its last pass. derived: what the
    reminder rules were last asked about, by mailbox, so that they are asked only when something changed. upkeep: lets
    go of what is too old.
    """

    settings: Settings
    described: Settings
    database: Database
    hasher: Hasher
    sources: Sources
    tokens: StoredTokens | None = None
    dry: bool = False
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    calendar_errors: dict[str, ConnectorError] = field(default_factory=dict)
    missing_folders: dict[str, tuple[str, ...]] = field(default_factory=dict)
    derived: dict[str, Remembered] = field(default_factory=dict)
    absence_asked: dict[str, datetime] = field(default_factory=dict)
    clock: Callable[[], datetime] = utc_now
    upkeep: Upkeep

    def work(self, *, eager: bool) -> "Work":
        """A pass over one mailbox, for `agent.engine`. eager: nothing waits for its time (`sync`)."""
        return Work(house=self, eager=eager)

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

    def forgetting(self, who: str) -> Forgetting:
        """What an erasure works with. who: whom the audit table names."""
        return _forgetting(self.settings, self.database, self.hasher, who)

    def farewell(self, *, eager: bool) -> Farewell | None:
        """How calendars of mailboxes that left are emptied; None where nothing may be written outside (a dry run)."""
        return None if self.dry else partial(_farewell, self, eager)


@dataclass(frozen=True, kw_only=True)
class Work:
    """One complete pass: mail in, reminders out."""

    house: House
    eager: bool

    def __call__(self, mailbox: Mailbox, lease: Lease, progress: Progress, stop: threading.Event) -> None:
        """Raises ConnectorError, StoreError or LeaseLost; returns early when `stop` is set."""
        read = self.house.sources.use(mailbox, lambda source: self._read(mailbox, source, lease, progress, stop))
        if read:
            self._read_meetings(mailbox, lease)
            self._tend(mailbox, lease, progress)
            if not self.eager:  # `sync` goes to the end of it, after all mailboxes
                self.house.upkeep.after_pass(self.house.settings.policy, self.house.clock())

    def _read(
        self, mailbox: Mailbox, source: MailSource, lease: Lease, progress: Progress, stop: threading.Event
    ) -> bool:
        """Mail in. False if the pass was cut short because the process stops."""
        house = self.house
        with house.database.read() as connection:
            since = mailboxes.since(connection, lease.mailbox_id)
        kept = kept_from(house.settings.policy, house.clock())
        floor = floor_of(house.settings.policy, since, house.clock())
        with Reader(source) as reader:
            room = Room(
                database=house.database,
                hasher=house.hasher,
                reader=reader,
                lease=lease,
                own=own_of(mailbox, house.settings.organisation.domains, house.settings.mailboxes),
                policy=policy_of(house.settings.policy, floor),
                capture=mailbox.capture,
                since=floor,
                kept_from=kept,
                create_contacts=house.settings.policy.create_contacts,
                suggest_contacts=house.settings.policy.suggest_contacts,
                progress=progress,
                stop=stop,
                now=house.clock,
                eager=self.eager,
                weighed_for=max([WEIGHED_FOR, *(one.reminders.max_age for one in house.settings.mailboxes)]),
                counts=house.counts.setdefault(mailbox.address, Counter()),
            )
            try:
                sync_mailbox(room)
            except Stopped:
                return False
        self._note_missing(mailbox, lease, tuple(getattr(source, "missing_folders", ())))  # of IMAP sources
        self._note_absence(mailbox, source, lease)
        self._import_contacts(mailbox, source, lease)
        return True

    def _note_missing(self, mailbox: Mailbox, lease: Lease, missing: tuple[str, ...]) -> None:
        """Configured folders that are not there are no failure of the others; the log tells of them once."""
        before = self.house.missing_folders.get(mailbox.address, ())
        self.house.missing_folders[mailbox.address] = missing
        if missing and missing != before:
            _log.warning("configured folders are missing", mailbox=lease.mailbox_id, folders=missing)

    def _note_absence(self, mailbox: Mailbox, source: MailSource, lease: Lease) -> None:
        """Reminders wait for the owner's return. It costs a request, so it is asked now and then."""
        house, now = self.house, self.house.clock()
        last = house.absence_asked.get(mailbox.address)
        fresh = not self.eager and last is not None and now - last < ABSENCE_EVERY
        if fresh or not isinstance(source, TellsAway):
            return
        house.absence_asked[mailbox.address] = now  # a server that cannot tell is not asked at every poll either
        try:
            found = absences.from_replies(source.away(), zone=mailbox.timezone, now=now)
        except ConnectorError as error:
            _log.warning("nobody knows whether the owner is away", mailbox=lease.mailbox_id, sentence=str(error))
            return
        absences.store(house.database, lease, absences.REPLIES, found)

    def _import_contacts(self, mailbox: Mailbox, source: MailSource, lease: Lease) -> None:
        """Whoever stands in the owner's address book, where that is wanted. One that fails holds up neither mail nor
        rules."""
        if not mailbox.import_contacts or not isinstance(source, HoldsContacts):
            return
        house = self.house
        book = AddressBook(
            database=house.database,
            hasher=house.hasher,
            lease=lease,
            owner=mailbox.address,
            system=mailbox.connector,
            own=own_of(mailbox, house.settings.organisation.domains, house.settings.mailboxes),
            clock=house.clock,
            eager=self.eager,
        )
        try:
            found = import_contacts(book, source)
        except ConnectorError as error:
            _log.warning("the address book cannot be read", mailbox=lease.mailbox_id, sentence=str(error))
            return
        house.counts[mailbox.address]["contacts-created"] += found[Outcome.ADDED] + found[Outcome.SHARED]
        if found:
            told = {outcome.value: found[outcome] for outcome in Outcome}
            _log.info("contacts of the address book", mailbox=lease.mailbox_id, **told)

    def _read_meetings(self, mailbox: Mailbox, lease: Lease) -> None:
        """Meetings in, where the owner's calendar may be looked at. One that fails holds up neither mail nor rules."""
        house, calendar = self.house, mailbox.calendar
        if calendar is None or house.dry or not mailbox.reminders.reads_meetings:
            return
        other = mailbox.reminders.meetings if isinstance(mailbox.reminders.meetings, str) else None
        with house.database.read() as connection:
            since = mailboxes.since(connection, lease.mailbox_id)
        floor = floor_of(house.settings.policy, since, house.clock())
        fresh, error = read_meetings(
            Diary(
                database=house.database,
                hasher=house.hasher,
                lease=lease,
                mailbox=mailbox,
                own=own_of(mailbox, house.settings.organisation.domains, house.settings.mailboxes),
                policy=policy_of(house.settings.policy, floor),
                place=house.hasher.hash("calendar", *calendar.place, other or "").hex(),
                open_source=lambda: registry.open_meetings(calendar, other),
                clock=house.clock,
                eager=self.eager,
            )
        )
        house.counts[mailbox.address]["meetings"] += fresh
        if error is not None:
            _log.warning("appointments cannot be read", mailbox=lease.mailbox_id, sentence=str(error))

    def _tend(self, mailbox: Mailbox, lease: Lease, progress: Progress) -> None:
        """Reminders out. A calendar that fails has nothing to do with the mail: its error is told, its turn comes."""
        house = self.house
        tended = tend_mailbox(
            Tending(
                database=house.database,
                hasher=house.hasher,
                lease=lease,
                installation=migrate.installation_id(house.database),
                mailbox=mailbox,
                organisation=house.settings.organisation,
                own=own_addresses(house.settings.mailboxes),
                open_sink=None if house.dry else registry.open_calendar,
                clock=utc_now,
                hold=lambda seconds: _hold(progress, seconds),
                eager=self.eager,
                memo=house.derived,
            )
        )
        house.counts[mailbox.address]["reminders"] += tended.placed
        self._note_calendar(mailbox, lease, tended.error)

    def _note_calendar(self, mailbox: Mailbox, lease: Lease, error: ConnectorError | None) -> None:
        """The log tells of a calendar that fails once, not at every poll."""
        before = self.house.calendar_errors.pop(mailbox.address, None)
        if error is None:
            return
        self.house.calendar_errors[mailbox.address] = error
        if before is None or str(before) != str(error):
            _log.warning("the calendar is not up to date", mailbox=lease.mailbox_id, sentence=str(error))


def _farewell(house: House, eager: bool, lease: Lease, progress: Progress) -> Withdrawn:
    """Opens the calendars as they were described while the mailbox was configured."""
    return withdraw(
        Leaver(
            database=house.database,
            hasher=house.hasher,
            lease=lease,
            installation=migrate.installation_id(house.database),
            open_sink=registry.open_calendar,
            clock=house.clock,
            hold=lambda seconds: _hold(progress, seconds),
            eager=eager,
        )
    )


def _hold(progress: Progress, seconds: float) -> bool:
    """Whether the lease holds for so long: a remote write needs one valid longer than its timeout."""
    try:
        progress(at_least=seconds)
    except LeaseLost:
        return False
    return True


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
            catch_up(_forgetting(settings, database, hasher, RESTORED))
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


def _forgetting(settings: Settings, database: Database, hasher: Hasher, who: str) -> Forgetting:
    """What an erasure works with."""
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
