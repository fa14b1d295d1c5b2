"""New databases that are told about a world's mail and people, each in an order of its own."""

import atexit
import shutil
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path

from agent.store.database import Database
from agent.store.hashes import Hasher
from agent.store.migrate import upgrade
from connectors.memory import MemoryMailbox
from tests.machines.processes import Process
from tests.machines.world import ANNA, BOB, World

HASHER = Hasher(b"a key that only tests know, and long enough")
BOTH = (ANNA, BOB)

MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of one's own is made in it; files in memory make thousands of runs


@cache
def template() -> Path:
    """An SQLite file with the present schema, to be copied; it goes with the test process."""
    folder = tempfile.mkdtemp(dir=MEMORY if MEMORY.is_dir() else None)
    atexit.register(shutil.rmtree, folder)
    database = Database(f"sqlite:///{folder}/template.db")
    upgrade(database, HASHER)
    database.close()
    return Path(folder) / "template.db"


def contacts_first(world: World, url: str) -> Process:
    """Everybody is known before the first mail is read; Anna's mailbox comes first."""
    process = Process(url, HASHER, world, "contacts first")
    process.meet(*world.known)
    process.settle(BOTH, page=3)
    return process


def contacts_last(world: World, url: str) -> Process:
    """All mail is read while nobody is known; Bob's mailbox comes first."""
    process = Process(url, HASHER, world, "contacts last")
    process.settle((BOB, ANNA), page=2)
    process.meet(*reversed(world.known))
    process.settle((BOB, ANNA), page=2)
    return process


def forward(world: World, url: str) -> Process:
    """The mailboxes are watched from the day they were empty, so all mail is read oldest first."""
    boxes = {address: _emptied(box) for address, box in world.boxes.items()}
    process = Process(url, HASHER, world, "forward", boxes=boxes)
    process.meet(*world.known[::2])
    process.settle(BOTH)
    for address, box in world.boxes.items():
        for name, folder in box.folders.items():
            there = boxes[address].folders[name]
            there.messages, there.next, there.changes = dict(folder.messages), folder.next, there.changes + 1
    process.meet(*world.known[1::2])
    process.settle(BOTH)
    return process


def _emptied(box: MemoryMailbox) -> MemoryMailbox:
    """A mailbox as it was before its first message came."""
    new = MemoryMailbox(tells_flags=box.tells_flags, late_headers=box.late_headers)
    new.folders = {name: replace(folder, messages={}, next=1, changes=0) for name, folder in box.folders.items()}
    return new
