"""What is done for a mailbox under its lease, each time its turn comes. Called by `agent.engine`, wired by
`agent.bootstrap`.

The mail comes first, and whatever else fails holds up neither the mail nor the rules: it is told, and its turn comes.
"""

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from agent.engine.progress import Progress
from agent.engine.sources import Sources
from agent.memory import Memory
from agent.store.database import Database
from agent.store.hashes import Hasher
from agent.store.schedule import absences, clock, mailboxes
from agent.store.unit import Lease
from agent.sync.mailbox import sync_mailbox
from agent.sync.reader import Reader
from agent.sync.room import Room, Stopped
from agent.sync.timing import WEIGHED_FOR
from agent.upkeep import Upkeep, floor_of, kept_from
from config.model import Mailbox, Settings
from connectors.base import MailSource, TellsAway
from connectors.errors import ConnectorError
from matchers.policy import own_of, policy_of

if TYPE_CHECKING:
    from agent.after_mail import AfterMail

ABSENCE_EVERY = timedelta(minutes=15)
"""How often an owner's automatic replies are looked at."""
_log = structlog.get_logger(__name__)


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
            after = self._after_mail()
            after.read_meetings(mailbox, lease)
            after.tend(mailbox, lease, progress)
            if not self.eager:  # `sync` goes to the end of it, after all mailboxes
                self.upkeep.after_pass(self.settings.policy, self.clock())

    def remind(self, mailbox: Mailbox, lease: Lease, progress: Progress, stop: threading.Event) -> None:
        """After all mailboxes were read: what follows from the others' mail. Raises StoreError or LeaseLost."""
        if not stop.is_set():
            self._after_mail().tend_again(mailbox, lease, progress)

    def _read(
        self, mailbox: Mailbox, source: MailSource, lease: Lease, progress: Progress, stop: threading.Event
    ) -> bool:
        """Mail in. False if the pass was cut short because the process stops."""
        with self.database.read() as connection:
            since = mailboxes.since(connection, lease.mailbox_id)
        now = clock.reckoned(self.database, self.clock())
        kept = kept_from(self.settings.policy, now)
        floor = floor_of(self.settings.policy, since, now)
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
        if mailbox.import_contacts:
            self._after_mail().import_contacts(mailbox, source, lease)
        return True

    def _note_missing(self, mailbox: Mailbox, lease: Lease, missing: tuple[str, ...]) -> None:
        """Configured folders that are not there are no failure of the others; the log tells of them once."""
        if missing == self.memory.missing_folders.get(mailbox.address):
            return
        mailboxes.note_missing(self.database, lease, missing)
        self.memory.missing_folders[mailbox.address] = missing
        if missing:
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

    def _after_mail(self) -> "AfterMail":
        from agent.after_mail import AfterMail  # half of the time to the newest message is the start of the program

        return AfterMail(
            settings=self.settings,
            database=self.database,
            hasher=self.hasher,
            memory=self.memory,
            dry=self.dry,
            eager=self.eager,
            clock=self.clock,
        )
