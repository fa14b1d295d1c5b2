"""What follows the mail in a pass: contacts from the owner's address book, meetings, reminders; and the last visit.

Called by `agent.work`, and by `agent.engine` for a mailbox that left the configuration. Each is told and has its turn
again where it fails; none holds up the mail, which is in.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog

from agent.engine.progress import Progress
from agent.memory import Memory
from agent.people.address_book import AddressBook, import_contacts
from agent.people.plan import Outcome
from agent.store import migrate
from agent.store.calendar import touched
from agent.store.database import Database
from agent.store.hashes import Hasher
from agent.store.schedule import clock, mailboxes
from agent.store.unit import Lease, LeaseLost
from agent.sync.meetings import Diary, read_meetings
from agent.tending.farewell import Leaver, withdraw
from agent.tending.tend import Tended, Tending, own_addresses, tend_mailbox
from agent.tending.withdrawn import Withdrawn
from agent.upkeep import floor_of
from config.model import Mailbox, Settings
from connectors import registry
from connectors.base import HoldsContacts, MailSource
from connectors.errors import ConnectorError
from matchers.address import normalise
from matchers.policy import own_of, policy_of

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class AfterMail:
    """The fields are those of `agent.work.Work`."""

    settings: Settings
    database: Database
    hasher: Hasher
    memory: Memory
    dry: bool
    eager: bool
    clock: Callable[[], datetime]

    def import_contacts(self, mailbox: Mailbox, source: MailSource, lease: Lease) -> None:
        """Whoever stands in the owner's address book, where that is wanted. One that fails holds up neither mail nor
        rules."""
        if not isinstance(source, HoldsContacts):
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

    def read_meetings(self, mailbox: Mailbox, lease: Lease) -> None:
        """Meetings in, where the owner's calendar may be looked at. One that fails holds up neither mail nor rules."""
        calendar = mailbox.calendar
        if calendar is None or self.dry or not mailbox.reminders.reads_meetings:
            return
        other = mailbox.reminders.meetings if isinstance(mailbox.reminders.meetings, str) else None
        with self.database.read() as connection:
            since = mailboxes.since(connection, lease.mailbox_id)
        floor = floor_of(self.settings.policy, since, clock.reckoned(self.database, self.clock()))
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

    def tend(self, mailbox: Mailbox, lease: Lease, progress: Progress) -> None:
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
        if self.eager:  # whoever runs for ever tells no count
            self._count(mailbox, tended)
        self._note_calendar(mailbox, lease, tended.error)

    def tend_again(self, mailbox: Mailbox, lease: Lease, progress: Progress) -> None:
        """Reminders once more where mail of others came in since: it may settle them, or be a reason for some."""
        before = self.memory.derived.get(normalise(mailbox.address).normalised)
        with self.database.read() as connection:
            stands = before is None or before.seen is None or not touched.any_since(connection, before.seen)
        if not stands:
            self.tend(mailbox, lease, progress)

    def _count(self, mailbox: Mailbox, tended: Tended) -> None:
        """What a later look of the same `sync` withdraws again was no reminder."""
        standing = (self.memory.placed.get(mailbox.address, frozenset()) | tended.placed) - tended.withdrawn
        self.memory.placed[mailbox.address] = standing
        self.memory.counts[mailbox.address]["reminders"] = len(standing)

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
