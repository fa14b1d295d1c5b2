"""What a server keeps back of mail that only its text may make anybody's: it waits, and is not taken for nobody's."""

from collections.abc import Iterator
from pathlib import Path
from shutil import copyfile

import pytest
import sqlalchemy as sa

from agent.store.mail import reviews
from agent.store.tables import gaps
from connectors.memory import MemoryMailbox
from tests.machines.processes import Process
from tests.machines.told_anew import HASHER, template
from tests.machines.views import view
from tests.machines.world import ANNA, BOB, DIRECTORY, KIM, Letter, World

QUOTED = f"See below.\n\n-----Original Message-----\nFrom: {KIM}\nSent: Monday\nTo: Bob\nSubject: Offer\n\nHello\n"
FORWARD = Letter(id="f@mail.example", from_=BOB, to=ANNA, subject="Fwd: Offer", text=QUOTED)
WHERE = (ANNA, "INBOX", "1")


@pytest.fixture
def world() -> World:
    world = World()
    world.boxes = {ANNA: MemoryMailbox(clock=world.clock), BOB: MemoryMailbox(clock=world.clock)}
    world.deliver(ANNA, "INBOX", FORWARD)
    return world


@pytest.fixture
def process(world: World, tmp_path: Path) -> Iterator[Process]:
    copyfile(template(), tmp_path / "agent.db")
    process = Process(f"sqlite:///{tmp_path / 'agent.db'}", HASHER, world, "process")
    process.meet(DIRECTORY[0])
    yield process
    process.close()


def keep_texts_back(box: MemoryMailbox) -> None:
    """Headers are handed out, texts are not."""

    def before(call: str, key: str) -> None:
        box.faults.refuse = {("INBOX", "1"): "UNAVAILABLE"} if call == "bodies" else {}

    box.faults.before = before


def heal(box: MemoryMailbox) -> None:
    box.faults.before, box.faults.refuse = None, {}


def asked(process: Process) -> list[str]:
    with process.database.read() as connection:
        return [item.address for item in reviews.open_items(connection)]


def tries(process: Process) -> list[int]:
    """How often each message that is owed was asked for in vain."""
    with process.database.read() as connection:
        return list(connection.execute(sa.select(gaps.c.attempts)).scalars())


def test_a_forward_without_its_text_waits_until_the_server_hands_it_out(world: World, process: Process) -> None:
    keep_texts_back(world.boxes[ANNA])
    process.sync(ANNA)
    assert (view(process.database).outcomes[WHERE], asked(process)) == ("pending", [])
    heal(world.boxes[ANNA])
    process.sync(ANNA)
    assert (view(process.database).outcomes[WHERE], asked(process)) == ("review", [KIM])
    assert tries(process) == []


def test_a_question_on_a_forward_stays_open_while_its_text_is_kept_back(world: World, process: Process) -> None:
    """It is read again for a new contact; each pass asks once, and no more, for what is kept back."""
    process.sync(ANNA)
    assert asked(process) == [KIM]
    keep_texts_back(world.boxes[ANNA])
    process.meet(DIRECTORY[1])
    process.sync(ANNA)
    assert (asked(process), tries(process)) == ([KIM], [1])
    heal(world.boxes[ANNA])
    process.sync(ANNA)
    assert (asked(process), tries(process)) == ([KIM], [])
