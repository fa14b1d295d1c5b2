"""The whole round: the database first, then every mailbox with its calendar, several servers' worth at a time."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime

from agent.doctor import calendar, mail, storage
from agent.doctor.calendar import CalendarVisit
from agent.doctor.examine import examine
from agent.doctor.finding import Finding
from agent.doctor.mail import MailVisit
from agent.doctor.storage import StoreVisit
from agent.engine.servers import PER_SERVER
from config.model import Mailbox, Settings
from connectors.oauth import TokenCache


def round_of(settings: Settings, chosen: Sequence[Mailbox], *, write: bool) -> Iterator[Finding]:
    """Every finding, in the order of the configuration. write: calendars are tried with an item of our own.

    Raises StoreError if `store.url` means no database at all.
    """
    with closing(StoreVisit(store=settings.store)) as visit:
        yield from examine("database", visit, storage.looks(visit))
        tokens = visit.tokens()
        with ThreadPoolExecutor(max_workers=PER_SERVER, thread_name_prefix="doctor") as pool:
            for findings in pool.map(lambda mailbox: of_mailbox(mailbox, tokens, write=write), chosen):
                yield from findings


def of_mailbox(mailbox: Mailbox, tokens: TokenCache, *, write: bool) -> list[Finding]:
    """What there is to say of one mailbox and its calendar."""
    now = datetime.now(UTC)
    with closing(MailVisit(mailbox=mailbox, tokens=tokens, now=now)) as visit:
        found = list(examine(mailbox.address, visit, mail.looks(mailbox)))
    if mailbox.calendar is None:
        return found
    with closing(CalendarVisit(mailbox=mailbox, calendar=mailbox.calendar, now=now)) as visit:
        looks = calendar.looks(mailbox.calendar, write=write)
        return [*found, *examine(f"{mailbox.address} calendar", visit, looks)]
