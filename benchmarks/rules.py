"""How long the reminder rules take on a large history: all of them for every mailbox, and after one page of new mail.

Rows go straight into the tables, as a sync would leave them: 100,000 contacts of 100 salespeople, 5,000,000 messages of
three years (`benchmarks.years`), purchases of every fifth contact. A pass writes no calendar.
"""

import multiprocessing
import random
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from agent import garbage
from agent.reminders.rhythm import rhythm_of
from agent.store import feed, migrate, tables
from agent.store.database import Database
from agent.store.hashes import Hasher
from agent.store.unit import Lease
from agent.tending.remembered import Remembered
from agent.tending.tend import Tended, Tending, tend_mailbox
from benchmarks.lab import Lab
from benchmarks.resident import forget_peak, peak
from benchmarks.table import Figure, middle, show
from benchmarks.years import Years
from config.model import (
    AfterRule,
    ArchiveAccess,
    GoneQuiet,
    KeyDate,
    LateOrder,
    Mailbox,
    MeetingFollowUp,
    Organisation,
    PromiseRule,
    Reminders,
)
from tests.servers.postgres import Postgres
from tests.servers.process import Missing

CONTACTS, MESSAGES, PEOPLE = 100_000, 5_000_000, 100
PAGE, PAGES = 50, 9
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
_BATCH = 20_000
_KEY = b"k" * 40
_HELD = {"lease_owner": "benchmark", "lease_until": NOW + timedelta(days=999), "lease_epoch": 1}
ALL = Reminders(
    waiting_for_them=AfterRule(),
    waiting_for_us=AfterRule(),
    flagged=AfterRule(),
    gone_quiet=GoneQuiet(),
    late_order=LateOrder(),
    key_date=KeyDate(),
    meeting_follow_up=MeetingFollowUp(),
    promise=PromiseRule(),
)


def measure(lab: Lab) -> None:
    """Prints a table for each database."""
    garbage.look_seldom()  # as the program does
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        _on(f"sqlite:///{Path(folder) / 'crm-agent.db'}", "SQLite", lab)
    try:
        with Postgres() as server:
            _on(server.database(), "PostgreSQL", lab)
    except Missing as missing:
        print(f"left out: {missing}")


def _on(url: str, name: str, lab: Lab) -> None:
    share = 50 if lab.quick else 1
    contacts, messages, people = CONTACTS // share, MESSAGES // share, max(PEOPLE // share, 4)
    with closing(Database(url)) as database:
        _fill_beside(url, contacts, people, messages)
        firm = _Firm(database, Hasher(_KEY), contacts, people, messages)
        whole = firm.everybody()
        again = [firm.after_a_page(number % people) for number in range(PAGES)]
    figures = [
        Figure(what="every mailbox once", value=whole.seconds, unit="s", bar=60, least=False),
        Figure(what="of it processor time of ours", value=whole.used, unit="s"),
        Figure(what="resident at most", value=whole.resident, unit="MB", bar=500, least=False),
        Figure(
            what=f"after a page of {PAGE}",
            value=middle([one.seconds for one in again]) * 1000,
            unit="ms",
            bar=50,
            least=False,
        ),
        Figure(what="of it processor time of ours", value=middle([one.used for one in again]) * 1000, unit="ms"),
    ]
    size = f"{contacts:,} contacts, {messages:,} messages, {people} mailboxes"
    show(f"All rules on {name}: {size}; {whole.placed:,} placed", figures)


def _fill_beside(url: str, contacts: int, people: int, messages: int) -> None:
    """In a process of its own: sorting five million rows for an index leaves memory behind that no rule asked for."""
    filling = multiprocessing.get_context("spawn").Process(target=_fill, args=(url, contacts, people, messages))
    filling.start()
    filling.join()
    assert filling.exitcode == 0


def _fill(url: str, contacts: int, people: int, messages: int) -> None:
    with closing(Database(url)) as database:
        hasher = Hasher(_KEY)
        migrate.upgrade(database, hasher)
        _Firm(database, hasher, contacts, people, 0).fill(messages)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Cost:
    """seconds, used: of a clock and of our processor time. resident: MB at most. placed: reminders."""

    seconds: float
    used: float
    resident: float
    placed: int


class _Firm:
    """A firm in a database, and its salespeople by number."""

    def __init__(self, database: Database, hasher: Hasher, contacts: int, people: int, messages: int) -> None:
        self.database, self.hasher, self.contacts, self.people = database, hasher, contacts, people
        self._dice = random.Random(7)
        self._number = messages
        self._memo: dict[str, Remembered] = {}
        self._years = Years(database=database, contacts=contacts, people=people, now=NOW)
        self._own = {self._address(number): self._address(number) for number in range(people)}

    def fill(self, messages: int) -> None:
        self._insert(tables.mailboxes, (self._mailbox_row(number) for number in range(self.people)))
        self._insert(tables.contacts, (self._contact_row(number) for number in range(self.contacts)))
        self._insert(tables.contact_emails, (self._email_row(number) for number in range(self.contacts)))
        buyers = (number for number in range(self.contacts) if number // self.people % 5 == 0)
        self._insert(tables.rhythms, filter(None, map(self._rhythm_row, buyers)))
        self._insert(tables.folders, (self._folder_row(number) for number in range(self.people)))
        self._years.fill(messages)

    def everybody(self) -> _Cost:
        """Every mailbox's first pass."""
        forget_peak()
        return self._timed(range(self.people))

    def after_a_page(self, number: int) -> _Cost:
        """The pass after a page of new mail of this mailbox."""
        self._tend(number)  # whatever others wrote before
        first = self._number + number
        numbers = range(first, first + PAGE * self.people, self.people)
        self._number += PAGE * self.people
        self._years.record(numbers, NOW - timedelta(minutes=5))
        told = [feed.Change(kind="interaction", event="logged", entity=f"i{one:09}", body={}) for one in numbers]
        with self.database.write() as connection:
            feed.append(self.database, connection, told)
        return self._timed([number])

    def _timed(self, numbers: Iterable[int]) -> _Cost:
        started, used = time.perf_counter(), time.process_time()
        placed = sum(len(self._tend(number).placed) for number in numbers)
        return _Cost(
            seconds=time.perf_counter() - started,
            used=time.process_time() - used,
            resident=peak() / 1024,
            placed=placed,
        )

    def _tend(self, number: int) -> Tended:
        return tend_mailbox(
            Tending(
                database=self.database,
                hasher=self.hasher,
                lease=Lease(mailbox_id=number + 1, owner="benchmark", epoch=1),
                installation="benchmark",
                mailbox=_mailbox(self._address(number)),
                organisation=Organisation(),
                own=self._own,
                open_sink=None,
                clock=lambda: NOW,
                hold=lambda seconds: True,
                memo=self._memo,
            )
        )

    def _mailbox_row(self, number: int) -> dict[str, object]:
        address = self._address(number)
        return {"address": address, "written": address, "connector": "mail", "next_due": NOW, **_HELD}

    def _folder_row(self, number: int) -> dict[str, object]:
        return {"mailbox_id": number + 1, "key": "INBOX", "name": "INBOX", "role": "inbox"}

    def _contact_row(self, number: int) -> dict[str, object]:
        born = date(1980, 1, 1) + timedelta(days=number % 365)
        return {
            "id": f"c{number}", "name": f"Contact {number}", "owner": self._address(number % self.people),
            "stage": "customer", "phones": [], "fields": {"birthday": born.isoformat()}, "created_by": "import",
            "created_at": NOW,
        }  # fmt: skip

    def _email_row(self, number: int) -> dict[str, object]:
        address = f"c{number}@buyer.example"
        return {"contact_id": f"c{number}", "match_key": address, "address": address, "is_primary": True}

    def _rhythm_row(self, number: int) -> dict[str, object] | None:
        usual = self._dice.uniform(10, 90)
        days, day = [], NOW.date() - timedelta(days=int(usual * self._dice.uniform(0, 3)))
        for _ in range(self._dice.randint(4, 20)):
            days.append(day)
            day -= timedelta(days=max(1, int(usual * self._dice.lognormvariate(0, 0.4))))
        found = rhythm_of(days)
        assert found is not None
        return {"contact_id": f"c{number}", "gaps": found.gaps, "log_sum": found.log_sum,
                "log_squares": found.log_squares, "last_on": found.last}  # fmt: skip

    def _insert(self, table: sa.Table, rows: Iterator[dict[str, object]]) -> None:
        content = list(rows)
        for start in range(0, len(content), _BATCH):
            with self.database.write() as connection:
                self.database.insert_new(connection, table, content[start : start + _BATCH])

    def _address(self, number: int) -> str:
        return f"sales{number}@ourfirm.example"


def _mailbox(address: str) -> Mailbox:
    return Mailbox(
        address=address,
        connector="mail",
        access=ArchiveAccess(path=Path("/nowhere")),
        timezone="Europe/Berlin",
        capture="full",
        reminders=ALL,
    )
