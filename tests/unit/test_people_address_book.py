"""Contacts out of a mailbox's own address book: by the rules of imports, once a day, and nobody is taken away."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

import pytest

from agent.bootstrap import House
from agent.engine.once import run_once
from agent.engine.runner import Ending, Runner
from agent.engine.sources import Sources
from agent.people.address_book import rows_of
from agent.people.erasing import Forgetting, erase_contact
from agent.people.rows import Row
from agent.store import feed, roll
from agent.store.database import Database
from agent.store.directory import contacts
from agent.store.directory.contact_writes import Draft, open_directory
from agent.store.directory.contacts import Contact, Email
from agent.store.hashes import Hasher
from agent.store.mail import history
from agent.store.mail.history import Wanted
from agent.upkeep import Upkeep
from config.model import ArchiveAccess, Mailbox, Organisation, Reminders, Settings
from connectors.errors import NeedsSignIn
from connectors.memory import MemoryMailbox
from connectors.message import Card
from matchers.policy import Own
from tests.unit.store_room import NOW

ANNA, KIM = "anna@ourfirm.example", "kim@customer.example"
MAIL = f"From: {KIM}\r\nTo: {ANNA}\r\nSubject: Hello\r\nMessage-ID: <a@mail.example>\r\n\r\nHello\r\n"


class Desk:
    """Anna's mailbox with an address book, read as the daemon and `sync` read it."""

    def __init__(self, folder: Path, hasher: Hasher) -> None:
        self.now = datetime.now(UTC)
        self.box = MemoryMailbox()
        self.database = Database(f"sqlite:///{folder / 'crm-agent.db'}")
        self.hasher = hasher
        self.folder = folder

    def card(self, id: str, name: str, *emails: str, **more: str) -> None:
        self.box.cards[id] = Card(id=id, name=name, emails=emails, **more)  # type: ignore[arg-type]  # texts alone

    def sync(self, *, eager: bool = True, wanted: bool = True) -> None:
        mailbox = Mailbox(
            address=ANNA,
            connector="office",
            access=ArchiveAccess(path=self.folder),
            timezone="Europe/Berlin",
            capture="full",
            import_contacts=wanted,
            reminders=Reminders(),
        )
        settings = Settings(organisation=Organisation(domains=("ourfirm.example",)), mailboxes=(mailbox,))
        house = House(
            settings=settings,
            described=settings,
            database=self.database,
            hasher=self.hasher,
            sources=Sources(lambda _: self.box.open()),
            upkeep=Upkeep(database=self.database),
            clock=lambda: self.now,
        )
        roll.settle(self.database, settings, self.hasher, datetime.now(UTC))
        runner = Runner(database=self.database, work=house.work(eager=eager), dice=lambda: 0.5)
        (passed,) = run_once(runner, [mailbox], Event())
        assert passed.ended.ending is Ending.DONE, passed

    def known(self) -> list[Contact]:
        with self.database.read() as connection:
            return sorted(contacts.listing(connection), key=lambda one: one.name)

    def names(self) -> list[str]:
        return [one.name for one in self.known()]

    def changes(self) -> int:
        """How much followers were told."""
        with self.database.read() as connection:
            return len(feed.read(connection, 0, 1000))

    def add(self, name: str, address: str, **columns: str) -> None:
        draft = Draft(name=name, emails=(Email(address=address, primary=True),), **columns)  # type: ignore[arg-type]  # texts
        with self.database.write() as connection:
            open_directory(self.database, connection, self.hasher).add([draft], created_by="import")


@pytest.fixture
def desk(tmp_path: Path, sqlite_template: Path, hasher: Hasher) -> Iterator[Desk]:
    shutil.copyfile(sqlite_template, tmp_path / "crm-agent.db")
    desk = Desk(tmp_path, hasher)
    yield desk
    desk.database.close()


def test_whoever_stands_in_the_book_is_the_owners_contact_and_their_mail_is_logged(desk: Desk) -> None:
    desk.box.deliver("INBOX", MAIL.encode(), when=desk.now)
    desk.card("c1", "Kim Kunde", KIM, company="Customer", title="Buyer")
    desk.sync()
    (kim,) = desk.known()
    assert (kim.name, kim.company, kim.title, kim.owner, kim.created_by) == (
        "Kim Kunde", "Customer", "Buyer", ANNA, "mailbox",
    )  # fmt: skip
    assert kim.external_ids == {"office": "c1"}
    with desk.database.read() as connection:
        assert [one["subject"] for one in history.listed(connection, Wanted())] == ["Hello"]


def test_nobody_is_taken_from_the_book_unless_that_is_wanted(desk: Desk) -> None:
    desk.card("c1", "Kim Kunde", KIM)
    desk.sync(wanted=False)
    assert desk.known() == []


def test_the_same_book_again_changes_nothing_and_a_card_that_left_takes_nobody_away(desk: Desk) -> None:
    desk.card("c1", "Kim Kunde", KIM)
    desk.card("c2", "Max One", "office@shared.example")
    desk.card("c3", "Mia Two", "office@shared.example")
    desk.sync()
    assert desk.names() == ["Kim Kunde", "Max One", "Mia Two"]
    before = desk.changes()
    desk.sync()
    desk.box.cards.clear()
    desk.sync()
    assert (desk.names(), desk.changes()) == (["Kim Kunde", "Max One", "Mia Two"], before)


def test_a_card_fills_in_what_a_contact_lacks_and_overwrites_nothing(desk: Desk) -> None:
    desk.add("Kim Kunde", KIM, owner="ben@ourfirm.example", title="Head")
    desk.card("c1", "Kim Kunde", "kim@home.example", KIM, title="Buyer", company="Customer")
    desk.sync()
    (kim,) = desk.known()
    assert (kim.owner, kim.title, kim.company) == ("ben@ourfirm.example", "Head", "Customer")
    assert [(one.address, one.primary) for one in kim.emails] == [(KIM, True), ("kim@home.example", False)]


def test_a_contact_that_got_another_name_here_is_no_second_person(desk: Desk) -> None:
    desk.card("c1", "Kim", KIM)
    desk.sync()
    (kim,) = desk.known()
    with desk.database.write() as connection:
        writer = open_directory(desk.database, connection, desk.hasher)
        draft = Draft(name="Kim Kunde", emails=kim.emails, external_ids=kim.external_ids, owner=kim.owner)
        writer.update({kim.id: draft})
    desk.sync()
    assert desk.names() == ["Kim Kunde"]


def test_the_erased_are_not_brought_back(desk: Desk) -> None:
    desk.card("c1", "Kim Kunde", KIM)
    desk.sync()
    erase_contact(
        Forgetting(database=desk.database, hasher=desk.hasher, second=None, now=NOW, who="root"), desk.known()[0]
    )
    desk.sync()
    assert desk.known() == []


def test_the_book_is_read_once_a_day(desk: Desk) -> None:
    desk.sync(eager=False)
    desk.card("c1", "Kim Kunde", KIM)
    desk.now += timedelta(hours=23)
    desk.sync(eager=False)
    assert desk.known() == []
    desk.now += timedelta(hours=2)
    desk.sync(eager=False)
    assert desk.names() == ["Kim Kunde"]


def test_a_book_that_is_refused_holds_up_no_mail(desk: Desk) -> None:
    desk.add("Kim Kunde", KIM)
    desk.box.deliver("INBOX", MAIL.encode(), when=desk.now)

    def before(call: str, key: str) -> None:
        if call == "contacts":
            raise NeedsSignIn("the address book may not be read", advice="grant Contacts.Read")

    desk.box.faults.before = before
    desk.sync()
    with desk.database.read() as connection:
        assert [one["subject"] for one in history.listed(connection, Wanted())] == ["Hello"]


def test_colleagues_and_cards_without_a_usable_address_are_left_out() -> None:
    cards = [
        Card(id="1", name="Ben", emails=("ben.private@home.example", "ben@ourfirm.example")),
        Card(id="5", name="Below", emails=("below@de.ourfirm.example",)),
        Card(id="2", name="Phone Only", phones=("+49 30 1",)),
        Card(id="3", name="X", emails=("/o=Firm/ou=x/cn=y", "no address")),
        Card(id="4", name=KIM, emails=("broken@", KIM)),
    ]
    own = Own(addresses=frozenset({ANNA}), domains=frozenset({"ourfirm.example"}))
    (row,) = rows_of(cards, owner=ANNA, system="office", own=own)
    assert isinstance(row, Row)
    assert (row.name, row.emails, row.owner, row.external_ids) == ("", (KIM,), ANNA, {"office": "4"})
