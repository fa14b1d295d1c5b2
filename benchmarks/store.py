"""How many interactions a second the database takes, with participants, locations, decisions, links and threads.

The pages are decided outside the clock: what is timed is one fenced transaction a page, as the sync makes them.
"""

import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event

from agent.store import leases, migrate, roll
from agent.store.database import Database
from agent.store.directory.contact_writes import Draft, open_directory
from agent.store.directory.contacts import Email
from agent.store.hashes import Hasher
from agent.store.mail import folders, record
from agent.store.mail.folders import FolderState
from agent.store.mail.record import PageRows
from agent.store.owner import this_process
from agent.store.schedule import mailboxes
from agent.store.unit import fenced
from agent.sync.deciding import decide
from agent.sync.overlay import Overlay
from agent.sync.reader import Reader
from agent.sync.room import Room
from agent.sync.rows import Spot
from agent.sync.settling import Page, settle_page
from benchmarks import bare_store
from benchmarks.lab import Lab
from benchmarks.mailboxes import END, OWN_DOMAIN, OWNER, contacts
from benchmarks.table import Figure, middle, show
from config.model import ImapAccess, Mailbox, Organisation, Reminders, Settings, Store
from connectors.memory import MemoryMailbox, MemorySource
from connectors.message import Address, Cursor, Envelope, Folder
from matchers.policy import MatchPolicy, Own
from tests.servers.postgres import Postgres
from tests.servers.process import Missing

MESSAGES = 10_000
BEFORE = 100_000
"""Of a history that is no longer young: new rows lie among old ones then."""
PAGE = 500
ROUNDS = 3


def measure(lab: Lab) -> None:
    """Prints a table."""
    count = lab.count(MESSAGES)
    before = lab.count(BEFORE)
    figures = _figures("SQLite", [_on_file(count) for _ in range(ROUNDS)], 10_000)
    figures.append(_grown(before, _on_grown_file(count, before)))
    try:
        with Postgres() as server:
            rounds = [_round(server.database(), server.database(), count) for _ in range(ROUNDS)]
            figures += _figures("PostgreSQL", rounds, 4_000)
            figures.append(_grown(before, _on(server.database(), count, before)[0]))
    except Missing as missing:
        print(f"left out: {missing}")
    show(f"Store, {count:,} interactions in pages of {PAGE} (median of {ROUNDS})", figures)


def _figures(name: str, rounds: list[tuple[float, float, float]], bar: float) -> list[Figure]:
    return [
        Figure(what=name, value=middle([wall for wall, _, _ in rounds]), unit="interactions/s", bar=bar),
        Figure(what="a processor second of ours", value=middle([cpu for _, cpu, _ in rounds]), unit="interactions"),
        Figure(what="messages and three participants alone", value=middle([bare for _, _, bare in rounds]), unit="/s"),
        Figure(what="ours to that", value=middle([wall / bare for wall, _, bare in rounds]), unit="×"),
    ]


def _grown(before: int, rate: float) -> Figure:
    return Figure(what=f"with {before:,} there before (one round)", value=rate, unit="interactions/s")


def _on_grown_file(count: int, before: int) -> float:
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        return _on(f"sqlite:///{Path(folder) / 'crm-agent.db'}", count, before)[0]


def _on_file(count: int) -> tuple[float, float, float]:
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        file = Path(folder) / "crm-agent.db"
        return _round(f"sqlite:///{file}", f"sqlite:///{file.with_name('bare.db')}", count)


def _round(url: str, bare_url: str, count: int) -> tuple[float, float, float]:
    """What `_on` tells, and interactions a second of the bare loop, in turns."""
    return *_on(url, count), bare_store.rate(bare_url, count, PAGE)


def _on(url: str, count: int, before: int = 0) -> tuple[float, float]:
    """Interactions a second, and a processor second of this process. before: how many are written before the clock."""
    with closing(Database(url)) as database, _room(database) as (room, state):
        seconds = used = 0.0
        for first in range(0, before, PAGE):
            _write(room, state, *_page(room, state, first))
        for first in range(before, before + count, PAGE):
            rows, stamp = _page(room, state, first)
            started, spent = time.perf_counter(), time.process_time()
            _write(room, state, rows, stamp)
            seconds, used = seconds + time.perf_counter() - started, used + time.process_time() - spent
        return count / seconds, count / used


def _page(room: Room, state: FolderState, first: int) -> tuple[PageRows, datetime]:
    """A page of mail from contacts, decided and settled."""
    spot = Spot(mailbox_id=room.lease.mailbox_id, folder_id=state.id, validity="1", now=room.now())
    deciding = decide(room, [_envelope(number) for number in range(first, first + PAGE)])
    overlay = Overlay(deciding.known, spot, room.hasher, room.capture)
    settled = settle_page(Page(room=room, spot=spot, overlay=overlay, folders={}, bodies={}, known_places={}), deciding)
    assert len(settled.rows.interactions) == PAGE
    return settled.rows, spot.now


def _write(room: Room, state: FolderState, rows: PageRows, now: datetime) -> None:
    with fenced(room.database, room.lease) as connection:
        record.record(room.database, connection, rows, now)
        folders.save_cursor(connection, state.id, folders.HISTORY, Cursor("{}"))


@contextmanager
def _room(database: Database) -> Iterator[tuple[Room, FolderState]]:
    hasher = Hasher(b"k" * 40)
    migrate.upgrade(database, hasher)
    settings = _settings()
    roll.settle(database, settings, hasher, END)
    with database.write() as connection:
        open_directory(database, connection, hasher).add(
            [Draft(name=one.name, emails=(Email(address=one.email, primary=True),)) for one in contacts()],
            created_by="import",
        )
        (mailbox_id,) = mailboxes.ids(connection).values()
        folders.settle(connection, mailbox_id, [Folder(key="INBOX", name="INBOX", role="inbox")])
        state = folders.load(connection, mailbox_id)["INBOX"]
    lease = leases.take(database, mailbox_id, this_process(), 3600, END, force_due=True)
    assert lease is not None
    with Reader(MemorySource(MemoryMailbox())) as reader:
        room = Room(
            database=database, hasher=hasher, reader=reader, lease=lease, capture="subject", since=None,
            own=Own(addresses=frozenset({OWNER}), domains=frozenset({OWN_DOMAIN})), policy=MatchPolicy(),
            progress=lambda: None, stop=Event(), now=lambda: END,
        )  # fmt: skip
        yield room, state


def _settings() -> Settings:
    mailbox = Mailbox(
        address=OWNER,
        connector="lab",
        access=ImapAccess(host="127.0.0.1", username="anna"),
        timezone="UTC",
        capture="subject",
        reminders=Reminders(),
    )
    return Settings(
        organisation=Organisation(domains=(OWN_DOMAIN,)), store=Store(url="sqlite://"), mailboxes=(mailbox,)
    )


def _envelope(number: int) -> Envelope:
    moment = END - timedelta(minutes=number)
    return Envelope(
        id=str(number + 1), size=4_000 + number, server_time=moment, date=moment, subject=f"Offer {number}",
        message_id=f"{number}@company.example", references=(f"{number // 3}-a@x.example", f"{number // 3}-b@x.example"),
        from_=(Address(address=contacts()[number % len(contacts())].email, name="Katrin Lang"),),
        to=(Address(address=OWNER, name="Anna Smith"),), cc=(Address(address=f"b{number % 77}@third.example"),),
    )  # fmt: skip
