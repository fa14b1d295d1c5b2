"""`python -m benchmarks match-speed`: how fast a page is decided, with the answers at hand and with a large directory.

The mail is a salesperson's mix of the slices. Addresses are new on every page, as in a first sync: what rules remember
of spellings helps as much as it does there. Hostile texts are read as forwards would be.
"""

import gc
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from random import Random

import sqlalchemy as sa

from agent.store import migrate
from agent.store.database import Database
from agent.store.directory import lookup as directory
from agent.store.hashes import Hasher
from benchmarks.matching.judge import POLICY
from benchmarks.matching.letters import Letter
from benchmarks.matching.machines import MACHINES
from benchmarks.matching.people import PEOPLE
from benchmarks.matching.world import OWN, World, make_world
from benchmarks.table import Figure, middle, show
from connectors.message import Address, Envelope
from matchers.chain import Heading, match_page, read_heading, wanted
from matchers.contact import Answers
from matchers.inside import above_quotes, failed_addresses, forwarded_senders
from tests.servers.postgres import Postgres
from tests.servers.process import Missing

PAGE = 500
PAGES = 40
ROUNDS = 3
DIRECTORY = 1_000_000
SMALL_DIRECTORY = 10_000
HOSTILE = 100_000
"""Characters of a hostile text."""

PIECES = ("On ", ">", "a@", "From: ", "From: a@\n", "From: a@b\nTo: c\n", "[mailto:", "> ", "\n", "@")

PURE_BAR, LOOKED_UP_BAR, HOSTILE_BAR = 20_000, 3_000, 50
"""Envelopes a second, envelopes a second, milliseconds."""


def measure(*, quick: bool) -> None:
    """Prints the tables."""
    random = Random(4)
    world = make_world(random)
    letters = [_letter(world, random) for _ in range(PAGE * PAGES)]
    show("Deciding, answers at hand", _pure(world, letters))
    show("Hostile texts of 100 KB", _hostile())
    show(f"Deciding with a directory (pages of {PAGE})", _looked_up(letters, DIRECTORY // 5 if quick else DIRECTORY))


def _letter(world: World, random: Random) -> Letter:
    slices = PEOPLE | MACHINES
    (writer,) = random.choices([writer for writer, _ in slices.values()], [share for _, share in slices.values()])
    return writer(world, random)


def _pages(letters: Sequence[Letter]) -> list[list[Envelope]]:
    numbered = [replace(letter.envelope, id=str(number)) for number, letter in enumerate(letters)]
    return [numbered[start : start + PAGE] for start in range(0, len(numbered), PAGE)]


def _read(page: Sequence[Envelope]) -> list[Heading]:
    return [read_heading(envelope) for envelope in page]


def _decide(page: Sequence[Heading], answers: Answers) -> object:
    return match_page(page, own=OWN, policy=POLICY, answers=answers, threads={}, tombstones={})


def _pure(world: World, letters: Sequence[Letter]) -> list[Figure]:
    """The first time, when no spelling was seen before, is measured once; the others after it."""
    pages = _pages(letters)
    asked = _rate(lambda: [wanted(_read(page)) for page in pages], len(letters))
    known = [(page, world.answer(wanted(_read(page)))) for page in pages]
    rates = [
        _rate(lambda: [_decide(_read(page), answers) for page, answers in known], len(letters)) for _ in range(ROUNDS)
    ]
    return [
        Figure(what="reading the headings and deciding", value=middle(rates), unit="envelopes/s", bar=PURE_BAR),
        Figure(what="reading them and saying what to ask, all spellings new", value=asked, unit="envelopes/s"),
    ]


def _rate(work: Callable[[], object], count: int) -> float:
    """Of processor time: other programs on the machine do not count."""
    gc.collect()
    started = time.thread_time()
    work()
    return count / (time.thread_time() - started)


def _hostile() -> list[Figure]:
    return [
        Figure(
            what=f"{piece!r} over and over",
            value=min(_milliseconds(piece * (HOSTILE // len(piece))) for _ in range(ROUNDS)),
            unit="ms",
            bar=HOSTILE_BAR,
            least=False,
        )
        for piece in PIECES
    ]


def _milliseconds(text: str) -> float:
    started = time.thread_time()
    forwarded_senders(text)
    failed_addresses(text)
    above_quotes(text)
    return 1000 * (time.thread_time() - started)


def _looked_up(letters: Sequence[Letter], contacts: int) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        urls = [f"sqlite:///{Path(folder) / f'{size}.db'}" for size in (SMALL_DIRECTORY, contacts)]
        figures = _compared("SQLite", urls, letters, contacts)
    try:
        with Postgres() as server:
            return figures + _compared("PostgreSQL", [server.database(), server.database()], letters, contacts)
    except Missing as missing:
        print(f"left out: {missing}")
    return figures


def _compared(name: str, urls: Sequence[str], letters: Sequence[Letter], contacts: int) -> list[Figure]:
    few, many = (_with(url, letters, size) for url, size in zip(urls, (SMALL_DIRECTORY, contacts), strict=True))
    times = contacts // SMALL_DIRECTORY
    return [
        Figure(what=f"{name}, {contacts:,} contacts", value=many[0], unit="envelopes/s", bar=LOOKED_UP_BAR),
        Figure(what="a processor second of ours", value=many[1], unit="envelopes"),
        Figure(what=f"{name}, {SMALL_DIRECTORY:,} contacts", value=few[0], unit="envelopes/s"),
        Figure(what="a processor second of ours", value=few[1], unit="envelopes"),
        Figure(what=f"{name}, our cost with {times} times the contacts", value=few[1] / many[1], unit="×"),
    ]


def _with(url: str, letters: Sequence[Letter], contacts: int) -> tuple[float, float]:
    """Envelopes a second from the question to the decision, and a processor second of this process."""
    with closing(Database(url)) as database:
        migrate.upgrade(database, Hasher(b"k" * 40))
        with database.write() as connection:
            _fill(connection, contacts)
        pages = [_known(page, contacts) for page in _pages(letters)]
        rates = [_looked_up_rate(database, pages) for _ in range(ROUNDS)]
        return max(rate for rate, _ in rates), max(rate for _, rate in rates)


def _looked_up_rate(database: Database, pages: Sequence[Sequence[Envelope]]) -> tuple[float, float]:
    started, used = time.perf_counter(), time.thread_time()
    for page in pages:
        headings = _read(page)
        with database.read() as connection:
            answers = directory.answer(connection, wanted(headings))
        _decide(headings, answers)
    count = sum(map(len, pages))
    return count / (time.perf_counter() - started), count / (time.thread_time() - used)


def _known(page: Sequence[Envelope], contacts: int) -> list[Envelope]:
    """Every third letter is from somebody in the directory, spread over all of it."""
    return [
        envelope if int(envelope.id) % 3 else replace(envelope, from_=(_person(int(envelope.id), contacts),))
        for envelope in page
    ]


def _person(number: int, contacts: int) -> Address:
    n = number * 7919 % contacts
    return Address(address=f"n{n}@firm{n % 5000}.example", name=f"g{n} f{n % 400_000}")


_NUMBERS = "WITH RECURSIVE t(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM t WHERE n < :last)"
_FILLED = (
    (4_999, "INSERT INTO companies (id, name) @numbers SELECT 'c' || n, 'Firm ' || n FROM t"),
    (
        4_999,
        "INSERT INTO company_domains (domain, company_id, stated) @numbers"
        " SELECT 'firm' || n || '.example', 'c' || n, false FROM t",
    ),
    (
        None,
        "INSERT INTO contacts"
        " (id, name, name_key, short_key, inner_key, company_id, title, owner, stage, phones, fields, created_by,"
        " created_at) @numbers SELECT 'p' || n, 'g' || n || ' f' || (n % 400000), 'f' || (n % 400000) || ' g' || n,"
        " 'g f' || (n % 400000), '', 'c' || (n % 5000), '', '', '', '[]', '{}', 'import', 0 FROM t",
    ),
    (
        None,
        "INSERT INTO contact_emails (contact_id, match_key, address, is_primary) @numbers"
        " SELECT 'p' || n, 'n' || n || '@firm' || (n % 5000) || '.example',"
        " 'n' || n || '@firm' || (n % 5000) || '.example', true FROM t",
    ),
)
"""How a directory is made by the database itself: (last number, else that of the contacts; statement)."""


def _fill(connection: sa.Connection, contacts: int) -> None:
    for last, statement in _FILLED:
        connection.execute(sa.text(statement.replace("@numbers", _NUMBERS)), {"last": last or contacts - 1})
    connection.execute(sa.text("ANALYZE"))
