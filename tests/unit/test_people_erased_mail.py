"""Whether mail is read before a person is erased or after, the same rows stand there in the end."""

from collections.abc import Iterator
from pathlib import Path
from shutil import copyfile
from typing import Any

import pytest
import sqlalchemy as sa

from agent.people.erasing import Forgetting, erase_contact
from agent.store.directory import contacts
from agent.store.tables import company_links, interactions, links, locations, participants, texts
from connectors.memory import MemoryMailbox
from tests.machines.processes import Process
from tests.machines.told_anew import HASHER, template
from tests.machines.world import ANNA, BOB, KIM, LEA, MAX, Letter, Person, World
from tests.unit.people_room import everything

STRANGER, COLLEAGUE = "someone@nowhere.example", "new@customer.example"
PEOPLE = (
    Person(name="Kim Kunde", address=KIM),
    Person(name="Lea Leser", address=LEA),
    Person(name="Max Muster", address=MAX, company="Customer"),
)
LETTERS = (
    ("kim-to-lea", KIM, LEA, ()),
    ("lea-to-kim", LEA, KIM, ()),
    ("kim-alone", KIM, "", ()),
    ("kim-among-strangers", STRANGER, KIM, ()),
    ("kim-with-a-colleague", KIM, COLLEAGUE, ()),
    ("kim-in-leas-conversation", STRANGER, KIM, ("lea-to-kim",)),
    ("stranger-in-leas-conversation", STRANGER, "", ("lea-to-kim",)),
    ("kim-answers-lea", KIM, "", ("lea-to-kim",)),
)
KEPT = ["kim-to-lea", "lea-to-kim", "kim-with-a-colleague", "stranger-in-leas-conversation"]


@pytest.fixture
def world() -> World:
    world = World()
    world.boxes = {ANNA: MemoryMailbox(clock=world.clock), BOB: MemoryMailbox(clock=world.clock)}
    for name, author, cc, refs in LETTERS:
        world.deliver(ANNA, "INBOX", _letter(world, name, author, cc, refs))
    return world


def _letter(world: World, name: str, author: str, cc: str, refs: tuple[str, ...]) -> Letter:
    named: dict[str, Any] = {"id": f"{name}@mail.example", "subject": name, "text": f"words of {name}"}
    return Letter(
        from_=author, to=ANNA, cc=cc, date=world.date(), refs=tuple(f"{one}@mail.example" for one in refs), **named
    )


@pytest.fixture
def before(world: World, tmp_path: Path) -> Iterator[Process]:
    """All mail was read when Kim is erased."""
    process = _process(world, tmp_path / "before.db")
    process.settle((ANNA,))
    _erase(process)
    process.settle((ANNA,))
    yield process
    process.close()


@pytest.fixture
def after(world: World, tmp_path: Path) -> Iterator[Process]:
    """No mail was read when Kim is erased."""
    process = _process(world, tmp_path / "after.db")
    _erase(process)
    process.settle((ANNA,))
    yield process
    process.close()


def _process(world: World, path: Path) -> Process:
    copyfile(template(), path)
    process = Process(f"sqlite:///{path}", HASHER, world, path.stem)
    process.meet(*PEOPLE)
    return process


def _erase(process: Process) -> None:
    with process.database.read() as connection:
        kim = next(one for one in contacts.listing(connection) if one.name == "Kim Kunde")
    now = process.world.now
    erase_contact(Forgetting(database=process.database, hasher=HASHER, second=None, now=now, who="root"), kim)


def rows(process: Process) -> dict[str, list[tuple[object, ...]]]:
    """Whatever is kept of the mail, and how each place was decided."""
    kept = [column for column in interactions.c if column.name != "recorded_at"]
    places = [locations.c[name] for name in ("uid", "outcome", "reason", "interaction_id", "text_digest", "size")]
    with process.database.read() as connection:
        found = {
            table.name: connection.execute(sa.select(table)) for table in (participants, links, company_links, texts)
        }
        found |= {
            "interactions": connection.execute(sa.select(*kept)),
            "places": connection.execute(sa.select(*places)),
        }
        return {name: sorted((tuple(row) for row in read), key=repr) for name, read in found.items()}


def test_the_order_of_mail_and_erasure_changes_no_row(before: Process, after: Process) -> None:
    assert rows(before) == rows(after)


@pytest.mark.parametrize("order", ["before", "after"])
def test_what_others_share_is_kept_without_the_person_and_the_persons_words(
    order: str, request: pytest.FixtureRequest
) -> None:
    process: Process = request.getfixturevalue(order)
    kept = {str(row[interactions.c.keys().index("subject")]) for row in _interactions(process)}
    assert sorted(kept) == sorted(KEPT)
    told = everything(process.database)
    assert KIM not in told
    assert "words of kim-" not in told
    assert "words of lea-to-kim" in told


def _interactions(process: Process) -> list["sa.Row[tuple[object, ...]]"]:
    with process.database.read() as connection:
        return list(connection.execute(sa.select(interactions)).all())
