"""A daemon whose passes only write into a journal: `python -m tests.integration.engine_program URL CONFIG JOURNAL`.

Run as a process of its own, so that tests can stop, kill and wake it. What a pass does stands in the mailbox's path:
`hang` never ends, `slow` takes half a second, everything else ends at once.
"""

import os
import sys
import threading
import time
from pathlib import Path

from agent import observe
from agent.engine import daemon
from agent.engine.daemon import Wiring
from agent.engine.progress import Progress
from agent.engine.sources import Sources
from agent.store.database import Database
from agent.store.hashes import Hasher
from agent.store.unit import Lease
from config.load import load
from config.model import ArchiveAccess, Mailbox, Settings
from connectors.base import MailSource
from tests.storefixtures import KEY


class Journal:
    """Lines `address what pid`, each appended in one write."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def work(self, mailbox: Mailbox, lease: Lease, progress: Progress, stop: threading.Event) -> None:
        """A pass that leaves a begin and an end."""
        self._write(mailbox, "begin")
        if Path(_path(mailbox)).name == "hang":
            time.sleep(3600)
        if Path(_path(mailbox)).name == "slow":
            stop.wait(0.5)
        progress()
        self._write(mailbox, "end")

    def _write(self, mailbox: Mailbox, what: str) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(f"{mailbox.address} {what}\n")


def _quick(settings: Settings) -> Settings:
    """Polls every second, which a configuration file may not ask for."""
    read = tuple(mailbox.model_copy(update={"poll_seconds": 1}) for mailbox in settings.mailboxes)
    return settings.model_copy(update={"mailboxes": read})


def _path(mailbox: Mailbox) -> Path:
    assert isinstance(mailbox.access, ArchiveAccess)
    return mailbox.access.path


def _no_source(mailbox: Mailbox) -> MailSource:
    raise AssertionError("a pass of this program opens nothing")


def main(url: str, config: str, journal: str) -> None:
    """Runs until told to stop; exit code 3 if a pass did not end in time."""
    observe.configure("json", "info")
    database = Database(url)
    wiring = Wiring(
        database=database,
        hasher=Hasher(KEY),
        load=lambda: _quick(load(Path(config), secrets="none")),
        work_for=lambda settings: Journal(Path(journal)).work,
        sources=Sources(_no_source),
        pid_file=Path(config).with_name("pid"),
    )
    left = daemon.run(wiring, wiring.load())
    if left:
        os._exit(3)


if __name__ == "__main__":
    main(*sys.argv[1:])
