"""One answer for all questions about an address: `--always` settles those that wait and those to come; it is undone."""

from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import copyfile
from typing import Any

import pytest
import sqlalchemy as sa

from agent.people.ruling import give_address
from agent.store.database import Database
from agent.store.directory import contacts, lookup
from agent.store.directory.contacts import Contact
from agent.store.hashes import Hasher
from agent.store.mail import refusals, reviews
from agent.store.mail.reviews import Item
from agent.store.persons import suggested
from agent.store.persons.suggested import Suggested
from connectors.memory import MemoryMailbox
from tests.machines.processes import Process
from tests.machines.told_anew import HASHER, template
from tests.machines.world import ANNA, BOB, Letter, Person, World
from tests.unit.command_line import CommandLine
from tests.unit.store_room import NOW, add_contacts, draft

JANE = Person(name="Jane Smith", address="jane@customer.example", company="Customer")
JS = "J. Smith <js@customer.example>"


def deliver(world: World, *numbers: int, from_: str = JS, box: str = ANNA, **more: str) -> None:
    for number in numbers:
        letter = Letter(id=f"{number}@mail.example", from_=from_, to=box, date=world.date(), **more)  # type: ignore[arg-type]  # all of them are texts
        world.deliver(box, "INBOX", letter)


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    """Three mails of an unknown address at Jane's company, whose initials may be hers; one lies in Bob's mailbox."""
    world = World()
    world.boxes = {ANNA: MemoryMailbox(clock=world.clock), BOB: MemoryMailbox(clock=world.clock)}
    deliver(world, 1, 2)
    deliver(world, 3, box=BOB)
    copyfile(template(), tmp_path / "agent.db")
    process = Process(f"sqlite:///{tmp_path / 'agent.db'}", HASHER, world, "process")
    process.meet(JANE)
    process.settle()
    yield process
    process.close()


def asked(process: Process) -> list[str]:
    """The Message-ID of each mail that is asked about."""
    with process.database.read() as connection:
        return sorted(str(item.envelope["message_id"])[0] for item in reviews.open_items(connection))


def linked(process: Process) -> list[tuple[str, str]]:
    """(rule, origin) of every link."""
    with process.database.read() as connection:
        return [(row.rule, row.origin) for row in connection.execute(sa.text("SELECT rule, origin FROM links"))]


def answered(process: Process, answer: Callable[[sa.Connection, Item, Contact], object]) -> None:
    with process.database.write() as connection:
        item = next(reviews.open_items(connection))
        (jane,) = [one for one in contacts.listing(connection) if one.name == JANE.name]
        answer(connection, item, jane)


def refuse(process: Process) -> None:
    """What `review reject --always` does."""

    def answer(connection: sa.Connection, item: Item, jane: Contact) -> None:
        refusals.refuse(process.database, connection, item.address, [jane.id], process.world.now)
        reviews.reject(process.database, connection, item, process.world.now)

    answered(process, answer)


def test_an_answer_without_a_rule_is_about_its_message_alone(process: Process) -> None:
    answered(process, lambda connection, item, _: reviews.reject(process.database, connection, item, process.world.now))
    process.settle()
    assert len(asked(process)) == 2


def test_an_accepted_address_answers_what_waits_in_all_mailboxes_and_what_comes(process: Process) -> None:
    def answer(connection: sa.Connection, item: Item, jane: Contact) -> None:
        assert give_address(process.database, connection, HASHER, jane, item.address) is None
        reviews.accept(process.database, connection, item, jane, process.world.now)

    answered(process, answer)
    deliver(process.world, 4)
    process.settle()
    assert (asked(process), [rule for rule, _ in linked(process)].count("address")) == ([], 3)
    assert len(linked(process)) == 4


def test_a_refused_address_is_asked_about_neither_where_it_waits_nor_when_it_comes(process: Process) -> None:
    refuse(process)
    deliver(process.world, 4)
    deliver(process.world, 5, from_="js@customer.example", text="Hello\n\nThank you\nJane Smith")
    deliver(process.world, 6, from_="Jane Smith <js@customer.example>")
    process.settle()
    assert (asked(process), linked(process)) == ([], [])


def test_another_contact_of_such_a_name_is_asked_about_although_one_was_refused(process: Process) -> None:
    refuse(process)
    process.settle()
    process.meet(Person(name="John Smith", address="john@customer.example", company="Customer"))
    process.settle()
    with process.database.read() as connection:
        names = {str(one["name"]) for item in reviews.open_items(connection) for one in item.candidates}
    assert (len(asked(process)), names) == (2, {"John Smith"}), "what was rejected by itself stays so"


def test_a_refusal_that_is_taken_back_asks_again(process: Process) -> None:
    refuse(process)
    process.settle()
    with process.database.write() as connection:
        assert [one["address"] for one in refusals.listed(connection)] == ["js@customer.example"]
        assert refusals.forget(process.database, connection, "JS@customer.example")
        assert not refusals.forget(process.database, connection, "js@customer.example")
    process.settle()
    assert len(asked(process)) == 2, "what was rejected by itself stays so"


@pytest.mark.parametrize("write", range(5))
def test_a_refusal_while_a_page_is_being_read_counts_for_it(process: Process, write: int) -> None:
    """Before any write of the pass: also where a page was decided before, and is recorded after."""
    other = Database(str(process.database.engine.url))
    deliver(process.world, 4)
    ahead = [write]

    def interrupt(stage: str) -> None:
        ahead[0] -= stage == "before"
        if ahead[0] < 0:
            process.database.hook = lambda _: None
            with other.write() as connection:
                item = next(reviews.open_items(connection))
                refusals.refuse(other, connection, item.address, [str(item.candidates[0]["id"])], process.world.now)

    process.database.hook = interrupt
    process.sync(ANNA)
    other.close()
    process.settle()
    assert ahead == [-1], "there was such a write"
    assert "4" not in asked(process)


def test_names_that_were_linked_are_taken_back_when_somebody_says_no(process: Process) -> None:
    deliver(process.world, 4, from_="Jane Smith <jane.smith@customer.example>")
    process.settle()
    assert linked(process) == [("name", "automatic")]
    with process.database.write() as connection:
        (jane,) = [one for one in contacts.listing(connection) if one.name == JANE.name]
        refusals.refuse(process.database, connection, "jane.smith@customer.example", [jane.id], process.world.now)
    process.settle()
    assert (linked(process), asked(process)) == ([], ["1", "2", "3"])


def test_mail_that_is_kept_is_decided_anew_when_a_contact_comes_whose_name_a_form_of_it_may_be(
    process: Process,
) -> None:
    """Mail first, the contact later: the same as the other way round."""
    deliver(process.world, 4, from_="Juan García <jg@customer.example>")
    deliver(process.world, 5, from_="Peter Parker <pp@customer.example>")
    deliver(process.world, 6, from_="山田太郎 <yt@customer.example>")
    process.settle()
    assert asked(process) == ["1", "2", "3"]
    process.meet(
        Person(name="Juan García López", address="juan@customer.example", company="Customer"),
        Person(name="P. Parker", address="p@customer.example", company="Customer"),
        Person(name="山田 太郎", address="taro@customer.example", company="Customer"),
    )
    process.settle()
    assert (asked(process), linked(process)) == (["1", "2", "3", "4", "5"], [("name", "automatic")])


def test_it_is_kept_whose_an_address_is_not(database: Database, hasher: Hasher) -> None:
    """Once a contact, over a suggestion that says otherwise, and until a contact gets the address."""
    jane, john = add_contacts(database, hasher, draft("Jane", "jane@x.example"), draft("John", "john@x.example"))
    with database.write() as connection:
        one = Suggested(match_key="js@x.example", address="js@x.example", name="J. S.", contact_id=jane, rule="name")
        suggested.note(database, connection, hasher, [one], NOW)
        for _ in range(2):
            refusals.refuse(database, connection, "JS@x.example", [jane, john], NOW)
        assert lookup.refused(connection, ["js@x.example", "other@x.example"]) == {"js@x.example": {jane, john}}
        assert [one["contact"] for one in refusals.listed(connection)] == [
            {"id": jane, "name": "Jane"},
            {"id": john, "name": "John"},
        ]
        assert list(suggested.listed(connection)) == []
    add_contacts(database, hasher, draft("Jo", "js@x.example"))
    with database.write() as connection:
        assert lookup.refused(connection, ["js@x.example"]) == {}
        assert not refusals.forget(database, connection, "js@x.example")


@pytest.fixture
def crm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    """With a folder of such mail, and an address that two contacts share."""
    (tmp_path / "mail").mkdir()
    settings = (
        "[organisation]\ndomains = ['ourfirm.example']\n[[connectors]]\nname = 'archive'\ntype = 'maildir'\n"
        f"mailboxes = [{{ address = '{ANNA}', path = 'mail' }}]\n"
    )
    for number, sender in enumerate((JS, JS, JS, "Office <office@shared.example>")):
        letter = Letter(id=f"{number}@mail.example", from_=sender, to=ANNA, date="Fri, 20 Nov 2026 10:00:00 +0100")
        (tmp_path / "mail" / f"{number}.eml").write_bytes(letter.raw)
    run = CommandLine(tmp_path, monkeypatch, capsys, settings)
    run("migrate")
    run("contacts", "add", JANE.address, "--name", JANE.name, "--company", JANE.company)
    for name in ("Office One", "Office Two"):
        run("contacts", "add", "office@shared.example", "--name", name)
    run("sync")
    return run


def waiting(crm: CommandLine, address: str) -> list[dict[str, Any]]:
    return [item for item in crm.rows("review", "list") if item["address"] == address]


def test_the_command_line_says_that_one_answer_settles_all_and_takes_it_back(crm: CommandLine) -> None:
    one, other, _ = waiting(crm, "js@customer.example")
    crm("review", "reject", one["id"])
    assert "2 more about js@customer.example: `review reject ID --always`" in crm.notes
    crm("review", "reject", other["id"], "--always")
    assert "more about" not in crm.notes
    crm("sync")
    assert waiting(crm, "js@customer.example") == []
    (rule,) = crm.rows("review", "rules")
    assert (rule["address"], rule["rule"], rule["contact"]["name"]) == ("js@customer.example", "not theirs", JANE.name)
    assert JANE.name in crm("review", "rules")
    crm("review", "forget", "js@customer.example")
    crm("sync")
    assert len(waiting(crm, "js@customer.example")) == 1
    crm("review", "forget", "js@customer.example", code=1)


def test_a_shared_address_asks_for_each_mail_and_no_rule_says_otherwise(crm: CommandLine) -> None:
    (item,) = waiting(crm, "office@shared.example")
    refused = crm("review", "reject", item["id"], "--always", code=2)
    assert "is an address of a contact" in refused
    crm("review", "reject", item["id"])
    assert "more about" not in crm.notes
