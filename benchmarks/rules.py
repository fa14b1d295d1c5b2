"""How long the reminder rules take on a large history: all of them for every mailbox, and after one page of new mail.

Rows go straight into the tables, as a sync would leave them: 100,000 contacts of 100 salespeople, 5,000,000 messages of
three years in threads of three, purchases of every fifth contact. A pass writes no calendar.
"""

import random
import resource
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from agent.reminders.rhythm import rhythm_of
from agent.store import feed, migrate, tables
from agent.store.database import Database
from agent.store.hashes import Hasher
from agent.store.unit import Lease
from agent.tending.remembered import Remembered
from agent.tending.tend import Tended, Tending, tend_mailbox
from benchmarks.lab import Lab
from benchmarks.table import Figure, middle, show
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
_YEARS = timedelta(days=1095)
_BATCH = 20_000
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
        hasher = Hasher(b"k" * 40)
        migrate.upgrade(database, hasher)
        firm = _Firm(database, hasher, contacts, people)
        firm.fill(messages)
        memo: dict[str, Remembered] = {}
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        started, used = time.perf_counter(), time.process_time()
        placed = sum(firm.tend(number, memo).placed for number in range(people))
        whole, ours = time.perf_counter() - started, time.process_time() - used
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        again = [firm.after_a_page(number % people, memo) for number in range(PAGES)]
    show(
        f"All rules on {name}: {contacts:,} contacts, {messages:,} interactions, {people} mailboxes; {placed:,} placed",
        [
            Figure(what="every mailbox once", value=whole, unit="s", bar=60, least=False),
            Figure(what="of it processor time of ours", value=ours, unit="s"),
            Figure(what="memory added at most", value=grown, unit="MB", bar=500, least=False),
            Figure(what=f"after a page of {PAGE}", value=middle(again) * 1000, unit="ms", bar=50, least=False),
        ],
    )


class _Firm:
    """A firm in a database, and its salespeople by number."""

    def __init__(self, database: Database, hasher: Hasher, contacts: int, people: int) -> None:
        self.database, self.hasher, self.contacts, self.people = database, hasher, contacts, people
        self._dice = random.Random(7)
        self._number = 0
        self._own = {self._address(number): self._address(number) for number in range(people)}

    def fill(self, messages: int) -> None:
        self._insert(tables.mailboxes, (self._mailbox_row(number) for number in range(self.people)))
        self._insert(tables.contacts, (self._contact_row(number) for number in range(self.contacts)))
        self._insert(tables.contact_emails, (self._email_row(number) for number in range(self.contacts)))
        self._insert(tables.rhythms, filter(None, (self._rhythm_row(number) for number in range(0, self.contacts, 5))))
        for start in range(0, messages, _BATCH):
            self._record(range(start, min(start + _BATCH, messages)), self._any_time)
        with self.database.write() as connection:
            connection.execute(sa.text("ANALYZE"))

    def tend(self, number: int, memo: dict[str, Remembered]) -> Tended:
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
                memo=memo,
            )
        )

    def after_a_page(self, number: int, memo: dict[str, Remembered]) -> float:
        """Seconds of the pass after a page of new mail of this mailbox."""
        self.tend(number, memo)  # whatever others wrote before
        first = self._number - self._number % self.people + self.people + number
        ids = self._record(range(first, first + PAGE * self.people, self.people), lambda _: NOW - timedelta(minutes=5))
        with self.database.write() as connection:
            feed.append(
                self.database,
                connection,
                [feed.Change(kind="interaction", event="logged", entity=id, body={}) for id in ids],
            )
        started = time.perf_counter()
        self.tend(number, memo)
        return time.perf_counter() - started

    def _record(self, numbers: Sequence[int], when: Callable[[int], datetime]) -> list[str]:
        """Messages of a thread have numbers that differ by `people` times `contacts`' share, so one salesperson's."""
        rows: list[dict[str, object]] = []
        who: list[dict[str, object]] = []
        links: list[dict[str, object]] = []
        for number in numbers:
            self._number = max(self._number, number)
            contact = number % self.contacts
            ours, theirs = self._address(contact % self.people), f"c{contact}@buyer.example"
            turn = (number // self.contacts) % 3
            inbound = turn == 1
            thread = f"t{contact}-{number // self.contacts // 3}"
            id = f"i{number:09}"
            rows.append(self._interaction_row(id, thread, inbound, when(number)))
            sides = (theirs, ours) if inbound else (ours, theirs)
            for role, address in zip(("from", "to"), sides, strict=True):
                who.append(
                    {"interaction_id": id, "role": role, "address": address, "position": 0, "match_key": address}
                )
            links.append({"interaction_id": id, "contact_id": f"c{contact}", "role": "from" if inbound else "to",
                          "email": theirs, "rule": "address", "confidence": 1.0, "evidence": []})  # fmt: skip
        for table, content in ((tables.interactions, rows), (tables.participants, who), (tables.links, links)):
            self._insert(table, iter(content))
        return [str(row["id"]) for row in rows]

    def _any_time(self, number: int) -> datetime:
        """Threads spread over the years, their messages some days apart."""
        turn, thread = (number // self.contacts) % 3, number // self.contacts // 3
        dice = random.Random(number % self.contacts * 1_000 + thread)
        return NOW - timedelta(seconds=dice.randrange(int(_YEARS.total_seconds()))) + timedelta(days=turn)

    def _interaction_row(self, id: str, thread: str, inbound: bool, at: datetime) -> dict[str, object]:
        return {
            "id": id, "message_key": self.hasher.hash(id), "kind": "email", "occurred_at": min(at, NOW),
            "direction": "inbound" if inbound else "outbound", "subject": f"Offer {thread}", "thread_id": thread,
            "capture": "full", "rule": "address", "attachments": [], "flagged_as": [], "words": 40,
            "asks": self._dice.random() < 0.3, "recorded_at": NOW,
        }  # fmt: skip

    def _mailbox_row(self, number: int) -> dict[str, object]:
        address = self._address(number)
        return {"address": address, "written": address, "connector": "mail", "next_due": NOW, **_HELD}

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
