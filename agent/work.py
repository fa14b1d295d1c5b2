"""What is done for a mailbox under its lease, each time its turn comes. Called by `agent.engine`, wired by
`agent.bootstrap`.

The mail comes first, and whatever else fails holds up neither the mail nor the rules: it is told, and its turn comes.
"""

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from agent.engine.progress import Progress
from agent.engine.sources import Sources
from agent.people.address_book import AddressBook, import_contacts
from agent.people.plan import Outcome
from agent.store import migrate
from agent.store.database import Database
from agent.store.hashes import Hasher
from agent.store.schedule import absences, mailboxes
from agent.store.unit import Lease, LeaseLost
from agent.sync.mailbox import sync_mailbox
from agent.sync.meetings import Diary, read_meetings
from agent.sync.reader import Reader
from agent.sync.room import Room, Stopped
from agent.sync.timing import WEIGHED_FOR
from agent.tending.farewell import Leaver, Withdrawn, withdraw
from agent.tending.remembered import Remembered
from agent.tending.tend import Tending, own_addresses, tend_mailbox
from agent.upkeep import Upkeep, floor_of, kept_from
from config.model import Mailbox, Settings
from connectors import registry
from connectors.base import HoldsContacts, MailSource, TellsAway
from connectors.errors import ConnectorError
from matchers.policy import own_of, policy_of

ABSENCE_EVERY = timedelta(minutes=15)
"""How often an owner's automatic replies are looked at."""
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Memory:
    """What a process remembers from pass to pass, by mailbox address.

    counts: what it did so far. missing_folders: the configured names that no folder had at the last pass. derived: what
    the reminder rules were last asked about, so that they are asked only when something changed. absence_asked: when
    the owner's automatic replies were last looked at.
    """

    counts: dict[str, Counter[str]] = field(default_factory=dict)
    calendar_errors: dict[str, ConnectorError] = field(default_factory=dict)
    missing_folders: dict[str, tuple[str, ...]] = field(default_factory=dict)
    derived: dict[str, Remembered] = field(default_factory=dict)
    absence_asked: dict[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Work:
    """One complete pass: mail in, meetings in, reminders out. eager: nothing waits for its time (`sync`).

    dry: nothing outside is written. memory: shared by all passes of the process. clock: aware.
    """

    settings: Settings
    database: Database
    hasher: Hasher
    sources: Sources
    upkeep: Upkeep
    memory: Memory
    dry: bool
    eager: bool
    clock: Callable[[], datetime]

    def __call__(self, mailbox: Mailbox, lease: Lease, progress: Progress, stop: threading.Event) -> None:
        """Raises ConnectorError, StoreError or LeaseLost; returns early when `stop` is set."""
        read = self.sources.use(mailbox, lambda source: self._read(mailbox, source, lease, progress, stop))
        if read:
            self._read_meetings(mailbox, lease)
            self._tend(mailbox, lease, progress)
            if not self.eager:  # `sync` goes to the end of it, after all mailboxes
                self.upkeep.after_pass(self.settings.policy, self.clock())

    def _read(
        self, mailbox: Mailbox, source: MailSource, lease: Lease, progress: Progress, stop: threading.Event
    ) -> bool:
        """Mail in. False if the pass was cut short because the process stops."""
        with self.database.read() as connection:
            since = mailboxes.since(connection, lease.mailbox_id)
        kept = kept_from(self.settings.policy, self.clock())
        floor = floor_of(self.settings.policy, since, self.clock())
        with Reader(source) as reader:
            room = Room(
                database=self.database,
                hasher=self.hasher,
                reader=reader,
                lease=lease,
                own=own_of(mailbox, self.settings.organisation.domains, self.settings.mailboxes),
                policy=policy_of(self.settings.policy, floor),
                capture=mailbox.capture,
                since=floor,
                kept_from=kept,
                create_contacts=self.settings.policy.create_contacts,
                suggest_contacts=self.settings.policy.suggest_contacts,
                progress=progress,
                stop=stop,
                now=self.clock,
                eager=self.eager,
                weighed_for=max([WEIGHED_FOR, *(one.reminders.max_age for one in self.settings.mailboxes)]),
                counts=self.memory.counts.setdefault(mailbox.address, Counter()),
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
        before = self.memory.missing_folders.get(mailbox.address, ())
        self.memory.missing_folders[mailbox.address] = missing
        if missing and missing != before:
            _log.warning("configured folders are missing", mailbox=lease.mailbox_id, folders=missing)

    def _note_absence(self, mailbox: Mailbox, source: MailSource, lease: Lease) -> None:
        """Reminders wait for the owner's return. It costs a request, so it is asked now and then."""
        now = self.clock()
        last = self.memory.absence_asked.get(mailbox.address)
        fresh = not self.eager and last is not None and now - last < ABSENCE_EVERY
        if fresh or not isinstance(source, TellsAway):
            return
        self.memory.absence_asked[mailbox.address] = now  # a server that cannot tell is not asked at every poll either
        try:
            found = absences.from_replies(source.away(), zone=mailbox.timezone, now=now)
        except ConnectorError as error:
            _log.warning("nobody knows whether the owner is away", mailbox=lease.mailbox_id, sentence=str(error))
            return
        absences.store(self.database, lease, absences.REPLIES, found)

    def _import_contacts(self, mailbox: Mailbox, source: MailSource, lease: Lease) -> None:
        """Whoever stands in the owner's address book, where that is wanted. One that fails holds up neither mail nor
        rules."""
        if not mailbox.import_contacts or not isinstance(source, HoldsContacts):
            return
        book = AddressBook(
            database=self.database,
            hasher=self.hasher,
            lease=lease,
            owner=mailbox.address,
            system=mailbox.connector,
            own=own_of(mailbox, self.settings.organisation.domains, self.settings.mailboxes),
            clock=self.clock,
            eager=self.eager,
        )
        try:
            found = import_contacts(book, source)
        except ConnectorError as error:
            _log.warning("the address book cannot be read", mailbox=lease.mailbox_id, sentence=str(error))
            return
        self.memory.counts[mailbox.address]["contacts-created"] += found[Outcome.ADDED] + found[Outcome.SHARED]
        if found:
            told = {outcome.value: found[outcome] for outcome in Outcome}
            _log.info("contacts of the address book", mailbox=lease.mailbox_id, **told)

    def _read_meetings(self, mailbox: Mailbox, lease: Lease) -> None:
        """Meetings in, where the owner's calendar may be looked at. One that fails holds up neither mail nor rules."""
        calendar = mailbox.calendar
        if calendar is None or self.dry or not mailbox.reminders.reads_meetings:
            return
        other = mailbox.reminders.meetings if isinstance(mailbox.reminders.meetings, str) else None
        with self.database.read() as connection:
            since = mailboxes.since(connection, lease.mailbox_id)
        floor = floor_of(self.settings.policy, since, self.clock())
        fresh, error = read_meetings(
            Diary(
                database=self.database,
                hasher=self.hasher,
                lease=lease,
                mailbox=mailbox,
                own=own_of(mailbox, self.settings.organisation.domains, self.settings.mailboxes),
                policy=policy_of(self.settings.policy, floor),
                place=self.hasher.hash("calendar", *calendar.place, other or "").hex(),
                open_source=lambda: registry.open_meetings(calendar, other),
                clock=self.clock,
                eager=self.eager,
            )
        )
        self.memory.counts[mailbox.address]["meetings"] += fresh
        if error is not None:
            _log.warning("appointments cannot be read", mailbox=lease.mailbox_id, sentence=str(error))

    def _tend(self, mailbox: Mailbox, lease: Lease, progress: Progress) -> None:
        """Reminders out. A calendar that fails has nothing to do with the mail: its error is told, its turn comes."""
        tended = tend_mailbox(
            Tending(
                database=self.database,
                hasher=self.hasher,
                lease=lease,
                installation=migrate.installation_id(self.database),
                mailbox=mailbox,
                organisation=self.settings.organisation,
                own=own_addresses(self.settings.mailboxes),
                open_sink=None if self.dry else registry.open_calendar,
                clock=self.clock,
                hold=lambda seconds: _hold(progress, seconds),
                eager=self.eager,
                memo=self.memory.derived,
            )
        )
        self.memory.counts[mailbox.address]["reminders"] += tended.placed
        self._note_calendar(mailbox, lease, tended.error)

    def _note_calendar(self, mailbox: Mailbox, lease: Lease, error: ConnectorError | None) -> None:
        """The log tells of a calendar that fails once, not at every poll."""
        before = self.memory.calendar_errors.pop(mailbox.address, None)
        if error is None:
            return
        self.memory.calendar_errors[mailbox.address] = error
        if before is None or str(before) != str(error):
            _log.warning("the calendar is not up to date", mailbox=lease.mailbox_id, sentence=str(error))


@dataclass(frozen=True, kw_only=True)
class LastWork:
    """For a mailbox that left the configuration: its calendar, as it was described before, is emptied of our items."""

    database: Database
    hasher: Hasher
    eager: bool
    clock: Callable[[], datetime]

    def __call__(self, lease: Lease, progress: Progress) -> Withdrawn:
        """Raises StoreError or LeaseLost; what a calendar refuses is in the answer."""
        return withdraw(
            Leaver(
                database=self.database,
                hasher=self.hasher,
                lease=lease,
                installation=migrate.installation_id(self.database),
                open_sink=registry.open_calendar,
                clock=self.clock,
                hold=lambda seconds: _hold(progress, seconds),
                eager=self.eager,
            )
        )


def _hold(progress: Progress, seconds: float) -> bool:
    """Whether the lease holds for so long: a remote write needs one valid longer than its timeout."""
    try:
        progress(at_least=seconds)
    except LeaseLost:
        return False
    return True
