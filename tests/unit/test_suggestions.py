"""Addresses that mail suggests: noted where the admin allows it, and anybody's only once somebody says so."""

from collections.abc import Iterator
from pathlib import Path
from shutil import copyfile
from threading import Thread

import pytest

from agent.people.erasing import Forgetting, erase_contact
from agent.store.database import Database
from agent.store.directory import contacts, lookup
from agent.store.directory.contact_writes import open_directory
from agent.store.hashes import Hasher
from agent.store.mail import refusals
from agent.store.persons import erasure, merging, suggested
from agent.store.persons.person import hashes_of, person_of
from agent.store.persons.suggested import Suggested
from connectors.memory import MemoryMailbox
from tests.machines.processes import Process
from tests.machines.told_anew import HASHER, template
from tests.machines.world import ANNA, BOB, DIRECTORY, KIM, Letter, World
from tests.unit.command_line import CommandLine
from tests.unit.store_room import NOW, add_contacts, draft

DATE = "Fri, 20 Nov 2026 10:00:00 +0100"
ELSE = "kim.private@else.example"
"""From where Kim answers in a conversation that holds her mail."""


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    """A database with Kim, whose conversation a stranger answered in."""
    world = World()
    world.boxes = {ANNA: MemoryMailbox(clock=world.clock), BOB: MemoryMailbox(clock=world.clock)}
    world.deliver(ANNA, "INBOX", Letter(id="one@mail.example", from_=KIM, to=ANNA, date=world.date()))
    reply = Letter(
        id="two@mail.example", from_=f"Kim K <{ELSE}>", to=ANNA, date=world.date(), refs=("one@mail.example",)
    )
    world.deliver(ANNA, "INBOX", reply)
    copyfile(template(), tmp_path / "agent.db")
    process = Process(f"sqlite:///{tmp_path / 'agent.db'}", HASHER, world, "process")
    process.meet(DIRECTORY[0])
    yield process
    process.close()


def told(database: Database) -> list[tuple[object, object]]:
    """(address, name of the contact) of whatever is suggested."""
    with database.read() as connection:
        found = list(suggested.listed(connection))
    return [(one["address"], one["contact"] and one["contact"]["name"]) for one in found]  # type: ignore[index]  # told


@pytest.mark.parametrize(("allowed", "noted"), [(True, [(ELSE, "Kim")]), (False, [])])
def test_a_strangers_answer_in_a_contacts_conversation_is_noted_where_that_is_allowed(
    process: Process, allowed: bool, noted: list[object]
) -> None:
    process.sync(ANNA, suggest=allowed)
    assert told(process.database) == noted


def note(database: Database, hasher: Hasher, *contact_ids: str) -> None:
    with database.write() as connection:
        found = [Suggested(match_key=ELSE, address=ELSE, name="", contact_id=one, rule="name") for one in contact_ids]
        suggested.note(database, connection, hasher, found, NOW)


def test_what_was_refused_is_not_suggested_again_and_leaves_no_address(database: Database, hasher: Hasher) -> None:
    (kim,) = add_contacts(database, hasher, draft("Kim", KIM))
    note(database, hasher, kim)
    with database.write() as connection:
        assert suggested.refuse(connection, ELSE.upper())
        assert not suggested.refuse(connection, ELSE)
    note(database, hasher, kim)
    assert told(database) == []


def test_a_suggestion_ends_when_a_contact_gets_the_address(database: Database, hasher: Hasher) -> None:
    (kim,) = add_contacts(database, hasher, draft("Kim", KIM))
    note(database, hasher, kim, "")
    add_contacts(database, hasher, draft("Lea", ELSE))
    assert told(database) == []


def test_a_suggestion_follows_a_merge_and_goes_with_an_erased_contact(database: Database, hasher: Hasher) -> None:
    kim, double = add_contacts(database, hasher, draft("Kim", KIM), draft("Kim Double", "double@x.example"))
    note(database, hasher, kim, double)
    with database.write() as connection:
        writer = open_directory(database, connection, hasher)
        known = contacts.load(connection, [kim, double])
        merging.merge(writer, known[kim], known[double], NOW)
        left = contacts.load(connection, [kim])[kim]
    erase_contact(Forgetting(database=database, hasher=hasher, second=None, now=NOW, who="root"), left)
    assert told(database) == []


@pytest.mark.parametrize("of_kept", [None, "open", "refused"])
@pytest.mark.parametrize("of_gone", [None, "open", "refused"])
def test_a_refusal_outlives_a_merge_and_its_undoing(
    database: Database, hasher: Hasher, of_kept: str | None, of_gone: str | None
) -> None:
    kim, double = add_contacts(database, hasher, draft("Kim", KIM), draft("Kim Double", "double@x.example"))
    said = {kim: of_kept, double: of_gone}
    note(database, hasher, *(one for one, state in said.items() if state == "open"))
    with database.write() as connection:
        refusals.refuse(database, connection, ELSE, [one for one, state in said.items() if state == "refused"], NOW)
        writer = open_directory(database, connection, hasher)
        known = contacts.load(connection, [kim, double])
        merging.merge(writer, known[kim], known[double], NOW)
        one = kim if "refused" in said.values() else None
        assert lookup.refused(connection, [ELSE]) == ({ELSE: {one}} if one else {})
        last = merging.last_merge(connection, kim)
        assert last is not None
        merging.unmerge(writer, contacts.load(connection, [kim])[kim], last, NOW)
        theirs = {one for one, state in said.items() if state == "refused"}
        assert lookup.refused(connection, [ELSE]) == ({ELSE: theirs} if theirs else {})


def test_whoever_is_being_erased_is_not_suggested(database: Database, hasher: Hasher) -> None:
    """Another worker noted the address before the erasure could be seen."""
    noting = Thread(target=note, args=(database, hasher, ""))
    with database.write() as connection:
        person = person_of(connection, None, [ELSE])
        writer = open_directory(database, connection, hasher)
        erasure.erase(writer, person, hashes_of(hasher, person), NOW, "root")
        noting.start()
        noting.join(0.2)  # it waits, or it is done
    noting.join()
    assert told(database) == []


@pytest.fixture
def crm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    """Where Kim is a contact, and a stranger in her conversation and one other are suggested."""
    for folder in ("cur", "new", "tmp"):
        (tmp_path / "mail" / folder).mkdir(parents=True)
    settings = (
        "[organisation]\ndomains = ['ourfirm.example']\n[policy]\nsuggest_contacts = true\n[[connectors]]\n"
        f"name = 'archive'\ntype = 'maildir'\nmailboxes = [{{ address = '{ANNA}', path = 'mail' }}]\n"
    )
    letters = (
        Letter(id="one@mail.example", from_=KIM, to=ANNA, date=DATE),
        Letter(id="two@mail.example", from_=f"Kim K <{ELSE}>", to=ANNA, date=DATE, refs=("one@mail.example",)),
        Letter(id="three@mail.example", from_=ANNA, to="Nora New <nora@new.example>", date=DATE),
    )
    for letter in letters:
        (tmp_path / "mail" / "cur" / f"{letter.id}:2,S").write_bytes(letter.raw)
    run = CommandLine(tmp_path, monkeypatch, capsys, settings)
    run("migrate")
    run("contacts", "add", KIM, "--name", "Kim")
    run("sync")
    return run


def test_accepting_gives_the_contact_the_address_or_makes_a_contact(crm: CommandLine) -> None:
    shown = {str(one["address"]): one for one in crm.rows("contacts", "suggestions")}
    assert shown.keys() == {ELSE, "nora@new.example"}
    assert (shown[ELSE]["name"], shown[ELSE]["contact"]["email"]) == ("Kim K", KIM)
    assert ELSE in crm("contacts", "suggestions")
    crm("contacts", "accept", ELSE)
    crm("contacts", "accept", "nora@new.example")
    assert crm.rows("contacts", "suggestions") == []
    crm("sync")
    assert [linked_by(crm, id) for id in ("two", "three")] == [("Kim", "address"), ("Nora New", "address")]


def linked_by(crm: CommandLine, id: str) -> tuple[str, str]:
    """(name, rule) of the one contact of this message."""
    (told,) = [one for one in crm.rows("interactions", "list") if one["message_id"] == f"{id}@mail.example"]
    (contact,) = told["contacts"]
    return contact["name"], contact["rule"]


def test_refusing_leaves_the_address_nobodys(crm: CommandLine) -> None:
    crm("contacts", "refuse", ELSE)
    assert "nothing is suggested" in crm("contacts", "accept", ELSE, code=1)
    assert [one["address"] for one in crm.rows("contacts", "suggestions")] == ["nora@new.example"]
    assert ELSE not in crm("contacts", "list", "--json")


def test_an_address_suggested_of_several_is_given_to_nobody_without_a_word(crm: CommandLine) -> None:
    crm("contacts", "add", "lea@other.example", "--name", "Lea")
    lea = next(str(one["id"]) for one in crm.rows("contacts", "list") if one["name"] == "Lea")
    database = Database("sqlite:///crm-agent.db")
    note(database, HASHER, lea)
    database.close()
    assert lea in crm("contacts", "accept", ELSE, code=2)
    crm("contacts", "accept", ELSE, "lea@other.example")
    assert ELSE in crm("contacts", "show", "lea@other.example")
