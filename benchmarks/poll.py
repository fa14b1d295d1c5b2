"""What it costs to look at a mailbox where nothing happened: all that an agent does most of the day."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from benchmarks.inside import Agent, open_agent
from benchmarks.lab import Lab
from benchmarks.mailboxes import OWNER, small
from benchmarks.table import Figure, middle, show
from connectors.base import MailSource
from connectors.imap import ImapSource
from connectors.message import Cursor, Folder
from connectors.registry import open_source

MESSAGES = 100_000
FOLDERS = 20
ROUNDS = 15


def measure(lab: Lab) -> None:
    """Prints two tables."""
    count = lab.count(MESSAGES)
    with lab.firm(lab.mailbox("small", count)) as firm:
        firm.run("sync")
        with open_agent(firm.config) as agent:
            agent.read(OWNER)
            fresh = agent.round_trips(OWNER)
            figures = _large_folder(agent)
        show(
            f"Unchanged poll of a folder of {count:,} messages (median of {ROUNDS})",
            [*figures, _trips("fresh connection, whole pass, after sign-in", fresh, 3)],
        )
    _many_folders(lab)


def _large_folder(agent: Agent) -> list[Figure]:
    with _source(agent) as source:
        (folder,) = source.folders()
        cursor = _begin(source, folder)
        seconds, trips = _timed(source, lambda: list(source.changes(folder, cursor)))
    whole, whole_trips = _passes(agent)
    return [
        _trips("connector, kept connection", trips, 2),
        _milliseconds("connector, kept connection", seconds, 5),
        _trips("whole pass with the list of folders", whole_trips, None),
        _milliseconds("whole pass with the database", whole, None),
    ]


def _many_folders(lab: Lab) -> None:
    names = [f"Folder {number}" for number in range(FOLDERS - 1)]
    user = lab.dovecot.user(names)
    for name in ("INBOX", *names):
        lab.dovecot.bulk(user, name, small(20, first=100 * len(name)))
    with lab.firm(user) as firm:
        firm.run("sync")
        with open_agent(firm.config) as agent:
            agent.read(OWNER)
            with _source(agent) as source:
                source.folders()
                seconds, trips = _timed(source, source.folders)
            whole, whole_trips = _passes(agent)
    show(
        f"Unchanged poll of {FOLDERS} folders (median of {ROUNDS})",
        [
            _trips("connector, kept connection", trips, 1),
            _milliseconds("connector, kept connection", seconds, None),
            _trips("whole pass", whole_trips, 1),
            _milliseconds("whole pass with the database", whole, None),
        ],
    )


def _passes(agent: Agent) -> tuple[float, float]:
    """Seconds and round trips of an engine's pass over the mailbox."""
    agent.read(OWNER)
    seconds, trips = [], []
    for _ in range(ROUNDS):
        before, started = agent.round_trips(OWNER), time.perf_counter()
        agent.read(OWNER)
        seconds.append(time.perf_counter() - started)
        trips.append(agent.round_trips(OWNER) - before)
    return middle(seconds), middle(trips)


@contextmanager
def _source(agent: Agent) -> Iterator[ImapSource]:
    """A connection of its own to the mailbox."""
    source: MailSource = open_source(agent.house.settings.mailboxes[0])
    assert isinstance(source, ImapSource)
    try:
        yield source
    finally:
        source.close()


def _begin(source: ImapSource, folder: Folder) -> Cursor:
    (page,) = source.changes(folder, None)
    assert page.cursor is not None
    for later in source.changes(folder, page.cursor):
        assert not later.envelopes
    return page.cursor


def _timed(source: ImapSource, look: Callable[[], object]) -> tuple[float, float]:
    seconds, trips = [], []
    for _ in range(ROUNDS):
        before, started = source.round_trips, time.perf_counter()
        look()
        seconds.append(time.perf_counter() - started)
        trips.append(source.round_trips - before)
    return middle(seconds), middle(trips)


def _trips(what: str, value: float, bar: float | None) -> Figure:
    return Figure(what=what, value=value, unit="round trips", bar=bar, least=False)


def _milliseconds(what: str, seconds: float, bar: float | None) -> Figure:
    return Figure(what=what, value=seconds * 1e3, unit="ms", bar=bar, least=False)
