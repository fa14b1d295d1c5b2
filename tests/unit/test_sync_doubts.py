"""Questions about a participant of mail that is kept: they stand as long as the doubt does, and no longer."""

from collections.abc import Iterator
from pathlib import Path
from shutil import copyfile

import pytest

from agent.store.directory import contacts
from agent.store.directory.contact_writes import open_directory
from agent.store.mail import reviews
from agent.store.persons import merging
from connectors.memory import MemoryMailbox
from tests.machines.processes import Process
from tests.machines.told_anew import HASHER, template
from tests.machines.views import view
from tests.machines.world import ANNA, BOB, KIM, OFFICE, Letter, Person, World

ONE, TWO = Person(name="Office One", address=OFFICE), Person(name="Office Two", address=OFFICE)
WHERE = (ANNA, "INBOX", "1")


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    """A mail from Kim to an address that two contacts share."""
    world = World()
    world.boxes = {ANNA: MemoryMailbox(clock=world.clock), BOB: MemoryMailbox(clock=world.clock)}
    world.deliver(ANNA, "INBOX", Letter(id="a@mail.example", from_=KIM, to=ANNA, cc=OFFICE, date=world.date()))
    copyfile(template(), tmp_path / "agent.db")
    process = Process(f"sqlite:///{tmp_path / 'agent.db'}", HASHER, world, "process")
    process.meet(ONE, TWO)
    yield process
    process.close()


def asked(process: Process) -> list[tuple[str, bool, int]]:
    """(address, whether the mail is kept already, candidates) of each open question."""
    with process.database.read() as connection:
        return [
            (item.address, item.interaction_id is not None, len(item.candidates))
            for item in reviews.open_items(connection)
        ]


def test_a_question_on_kept_mail_ends_when_the_address_is_one_persons(process: Process) -> None:
    process.meet(Person(name="Kim", address=KIM))
    process.settle((ANNA,))
    assert asked(process) == [(OFFICE, True, 2)]
    with process.database.write() as connection:
        writer = open_directory(process.database, connection, HASHER)
        kept, gone = (one for one in contacts.listing(connection) if one.name.startswith("Office"))
        merging.merge(writer, kept, gone, process.world.now)
    process.settle((ANNA,))
    assert view(process.database).outcomes[WHERE] == "logged"
    assert asked(process) == []


def test_a_question_on_kept_mail_names_whoever_may_be_meant_now(process: Process) -> None:
    process.meet(Person(name="Kim", address=KIM))
    process.settle((ANNA,))
    process.meet(Person(name="Office Three", address=OFFICE))
    process.settle((ANNA,))
    assert asked(process) == [(OFFICE, True, 3)]


def test_a_question_stays_when_the_mail_is_kept_for_somebody_else(process: Process) -> None:
    process.settle((ANNA,))
    assert asked(process) == [(OFFICE, False, 2)]
    process.meet(Person(name="Kim", address=KIM))
    process.settle((ANNA,))
    assert asked(process) == [(OFFICE, True, 2)]
