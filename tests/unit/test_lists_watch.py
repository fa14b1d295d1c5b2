"""While the daemon runs, every list is looked at in its turn, and whoever waits for it is told."""

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from agent.lists.judge import Doubt
from agent.lists.look import Looked
from agent.lists.watch import Watch
from agent.store.errors import StoreError
from config.model import CsvList, Made, MailboxList, Settings

SECONDS = 20.0
"""How long a test waits for what must come."""


def described(*names: str, every: float = 3600) -> Settings:
    """every: seconds between two looks."""
    return Settings(
        lists=tuple(
            MailboxList(
                connector=name,
                source=CsvList(path=f"/{name}.csv"),
                every=timedelta(seconds=every),
                make=lambda members: Made((), ()),
            )
            for name in names
        )
    )


class Looks:
    """Takes down which list was looked at, and fails as it is told."""

    def __init__(self, *fails: Exception | Doubt) -> None:
        self.seen: queue.Queue[str] = queue.Queue()
        self.told: queue.Queue[str] = queue.Queue()
        self._fails = list(fails)

    def look(self, one: MailboxList) -> Looked:
        self.seen.put(one.connector)
        failure = self._fails.pop(0) if self._fails else None
        if isinstance(failure, Exception):
            raise failure
        return Looked(connector=one.connector, doubt=failure)

    @contextmanager
    def watching(self, settings: Settings) -> Iterator[Watch]:
        watch = Watch(self.look, tell=lambda: self.told.put("told"))
        watch.over(settings)
        watch.start()
        try:
            yield watch
        finally:
            watch.stop(SECONDS)


def test_every_list_is_looked_at_at_once_and_somebody_is_told_each_time() -> None:
    looks = Looks()
    with looks.watching(described("a", "b")):
        assert {looks.seen.get(timeout=SECONDS) for _ in range(2)} == {"a", "b"}
        assert [looks.told.get(timeout=SECONDS) for _ in range(2)] == ["told", "told"]


def test_a_list_is_looked_at_again_after_its_time() -> None:
    looks = Looks()
    with looks.watching(described("a", every=0.01)):
        assert [looks.seen.get(timeout=SECONDS) for _ in range(3)] == ["a", "a", "a"]


def test_a_new_configuration_has_its_lists_looked_at_at_once() -> None:
    looks = Looks()
    with looks.watching(described("a")) as watch:
        assert looks.seen.get(timeout=SECONDS) == "a"
        watch.over(described("a"))
        assert looks.seen.get(timeout=SECONDS) == "a"
        watch.over(described("b"))
        assert looks.seen.get(timeout=SECONDS) == "b"


def test_a_fault_at_one_list_ends_no_later_look() -> None:
    """Neither a database that is down, nor what nobody foresaw, nor a list that was not taken."""
    looks = Looks(StoreError("down"), ZeroDivisionError(), Doubt(sentence="empty", advice=""))
    with looks.watching(described("a", every=0.01)):
        assert [looks.seen.get(timeout=SECONDS) for _ in range(4)] == ["a"] * 4


def test_it_ends_although_a_directory_hangs() -> None:
    hangs, let_go = threading.Event(), threading.Event()

    def look(one: MailboxList) -> Looked:
        hangs.set()
        let_go.wait(SECONDS)
        return Looked(connector=one.connector)

    watch = Watch(look, tell=lambda: None)
    watch.over(described("a"))
    watch.start()
    assert hangs.wait(SECONDS)
    watch.stop(0)
    let_go.set()
    watch.stop(SECONDS)
