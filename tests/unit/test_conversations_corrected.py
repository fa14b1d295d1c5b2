"""What somebody says of one message holds for its conversation, whether the others were read before or after."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from shutil import copyfile

import pytest

from connectors.memory import MemoryMailbox
from tests.machines.processes import Process
from tests.machines.told_anew import HASHER, template
from tests.machines.views import view
from tests.machines.world import ANNA, BOB, DIRECTORY, KIM, NOA, OFFICE, Letter, World

FIRST = Letter(id="m0@mail.example", from_=KIM, to=ANNA, cc=OFFICE, date="Mon, 02 Mar 2026 08:00:00 +0000")
ANSWER = Letter(
    id="m1@mail.example", from_=NOA, to=ANNA, date="Mon, 02 Mar 2026 09:00:00 +0000", refs=("m0@mail.example",)
)
"""A stranger's, who is known by the conversation alone."""


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    """Kim is known, whose letter is read; it names an address that two others share, so one of them is in doubt."""
    world = World()
    world.boxes = {address: MemoryMailbox(clock=world.clock) for address in (ANNA, BOB)}
    world.deliver(ANNA, "INBOX", FIRST)
    copyfile(template(), tmp_path / "agent.db")
    process = Process(f"sqlite:///{tmp_path / 'agent.db'}", HASHER, world, "process")
    process.meet(*(person for person in DIRECTORY if person.address in (KIM, OFFICE) and person.name != "Kim Two"))
    process.sync(ANNA)
    yield process
    process.close()


def accept(process: Process) -> None:
    assert process.decide(0, accept=True)


def remove(process: Process) -> None:
    (one,) = (kept for kept in view(process.database).kept.values() if kept.facts[0] == KIM)
    process.remove(one.id)


@pytest.mark.parametrize(("correct", "outcome"), [(accept, "review"), (remove, "skipped: no-contact")])
@pytest.mark.parametrize("before", [True, False])
def test_an_answer_is_decided_by_what_the_conversation_is_after_a_correction(
    process: Process, correct: Callable[[Process], None], outcome: str, before: bool
) -> None:
    if not before:
        process.world.deliver(ANNA, "INBOX", ANSWER)
        process.sync(ANNA)
        assert view(process.database).outcomes[ANNA, "INBOX", "2"] == "logged"
    correct(process)
    if before:
        process.world.deliver(ANNA, "INBOX", ANSWER)
    process.settle()
    assert view(process.database).outcomes[ANNA, "INBOX", "2"] == outcome


def test_an_accepted_contact_has_every_message_of_that_message_id(process: Process) -> None:
    """Two that have other dates are two interactions, and one question."""
    process.world.deliver(ANNA, "INBOX", replace(FIRST, date="Mon, 02 Mar 2026 09:00:00 +0000"))
    process.sync(ANNA)
    accept(process)
    process.settle()
    found = [{name for name, _, _ in kept.people} for kept in view(process.database).kept.values()]
    assert found[0] == found[1] > {"Kim"}
    assert not view(process.database).doubts
