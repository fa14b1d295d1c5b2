"""The address book of a mailbox of Exchange Server: everybody in it once, and nobody who is not to be known."""

import pytest

from connectors.base import HoldsContacts
from connectors.errors import Skippable
from connectors.exchange import cards, reading
from connectors.message import Card
from tests.integration.exchange_lab import Open, box, opened
from tests.servers.ews import EwsServer, Mailbox
from tests.servers.ews.fields import simple
from tests.servers.ews.people import Person

__all__ = ["box", "opened"]


def test_people_are_told_with_what_concerns_a_customer(ews: EwsServer, box: Mailbox, opened: Open) -> None:
    phones = {"BusinessPhone": "+49 30 1", "MobilePhone": "+49 170 2", "BusinessFax": "+49 30 3", "HomeFax": "4"}
    kim = box.contact(
        "Kim Koch", "kim@customer.example", "k@other.example", phones=phones, company="Ltd", title="Buyer"
    )
    box.contact("", "bare@customer.example")
    before, source = box.snapshot(), opened()
    assert isinstance(source, HoldsContacts)
    one, other = sorted(source.contacts(), key=lambda card: -len(card.name))
    assert one == Card(
        id=kim,
        name="Kim Koch",
        emails=("kim@customer.example", "k@other.example"),
        phones=("+49 30 1", "+49 170 2"),
        company="Ltd",
        title="Buyer",
    )
    assert (other.name, other.emails) == ("", ("bare@customer.example",))
    assert box.snapshot() == before
    assert set(ews.operations) == {"GetFolder", "SyncFolderItems", "GetItem"}


def test_lists_and_what_is_private_are_nobody(box: Mailbox, opened: Open) -> None:
    box.distribution_list("Customers")
    for kind in ("Private", "Personal", "Confidential"):
        box.contact(kind, f"{kind}@home.example", sensitivity=kind)
    form = box.contact("Form", "form@customer.example")
    box.set(form, "ItemClass", simple("ItemClass", "IPM.Contact.Firm"))
    assert [card.name for card in opened().contacts()] == ["Form"]


def test_a_colleague_who_stands_there_by_name_has_the_address_of_the_directory(
    ews: EwsServer, box: Mailbox, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As far as so many may be looked up."""
    ews.person(Person(name="Ben", address="ben@ourfirm.example", legacy="/o=firm/cn=ben"))
    box.contact("Ben", "/o=firm/cn=ben", "/o=firm/cn=left", "ben@home.example")
    (card,) = opened().contacts()
    assert card.emails == ("ben@ourfirm.example", "ben@home.example")
    monkeypatch.setattr(cards, "MOST_LOOKED_UP", 1)
    assert [one.emails for one in opened().contacts()] == [("ben@home.example",)]
    assert ews.operations["ResolveNames"] == 2


def test_a_large_address_book_is_read_in_pages_and_each_once_while_it_changes(
    ews: EwsServer, box: Mailbox, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MOST_CHANGES", 3)
    ids = [box.contact(f"Person {number}", f"p{number}@customer.example") for number in range(8)]

    def meanwhile() -> None:
        box.delete(ids[0])
        box.contact("New", "new@customer.example")

    source = opened()
    ews.faults.before(meanwhile, "SyncFolderItems", skip=1)
    names = [card.name for card in source.contacts()]
    assert sorted(names) == ["New", *(f"Person {number}" for number in range(1, 8))]
    assert ews.operations["SyncFolderItems"] > 2


def test_a_mailbox_without_an_address_book_says_so(box: Mailbox, opened: Open) -> None:
    box.box.names.pop("contacts")
    with pytest.raises(Skippable):
        list(opened().contacts())
