"""The address book of a mailbox in Exchange Online: everybody once, nothing private, only where it may be read."""

from pathlib import Path

import pytest

from connectors.base import HoldsContacts
from connectors.errors import Fatal
from connectors.graph.source import GraphSource
from connectors.message import Card
from tests.contracts.graph_owner import access_to
from tests.servers.graph import Application, Tenant
from tests.servers.graph.mailbox import Mailbox


@pytest.fixture
def application(graph_tenant: Tenant) -> Application:
    return graph_tenant.application(roles={"Mail.Read", "Contacts.Read"})


@pytest.fixture
def mailbox(graph_tenant: Tenant) -> Mailbox:
    return graph_tenant.mailbox("anna@lab.example")


@pytest.fixture
def source(
    graph_tenant: Tenant, mailbox: Mailbox, application: Application, ca_file: Path, tmp_path: Path
) -> GraphSource:
    access = access_to(graph_tenant, mailbox.address, ca_file, tmp_path, application)
    return GraphSource(access, sleep=lambda _: None)


def test_a_contact_is_told_with_what_a_card_has(source: GraphSource, mailbox: Mailbox) -> None:
    """Addresses of Exchange's own are left out, the name may come in two parts."""
    assert isinstance(source, HoldsContacts)
    zoe = mailbox.add_contact(
        displayName="Zoe Bauer",
        emailAddresses=[
            {"name": "Zoe", "address": "Zoe@buyer.example"},
            {"name": "Zoe", "address": "/o=Firm/ou=x/cn=zoe"},
            {"name": "Zoe", "address": "Zoe@buyer.example"},
        ],
        businessPhones=["+49 30 1"],
        mobilePhone="+49 170 2",
        homePhones=["+49 30 1", "+49 30 3"],
        companyName="Buyer AG",
        jobTitle="Head of Purchasing",
    )
    max_ = mailbox.add_contact(displayName="", givenName="Max", surname="Erste")
    before = mailbox.snapshot()
    assert list(source.contacts()) == [
        Card(
            id=zoe,
            name="Zoe Bauer",
            emails=("Zoe@buyer.example",),
            phones=("+49 30 1", "+49 170 2", "+49 30 3"),
            company="Buyer AG",
            title="Head of Purchasing",
        ),
        Card(id=max_, name="Max Erste"),
    ]
    assert mailbox.snapshot() == before


@pytest.mark.parametrize("sensitivity", ["1", "2", "3", None])
def test_private_contacts_and_those_of_unknown_sensitivity_are_not_told(
    source: GraphSource, mailbox: Mailbox, sensitivity: str | None
) -> None:
    mailbox.add_contact(displayName="Doctor", sensitivity=sensitivity)
    kept = mailbox.add_contact(displayName="Zoe")
    assert [card.id for card in source.contacts()] == [kept]


def test_a_distribution_list_is_no_contact(source: GraphSource, mailbox: Mailbox) -> None:
    mailbox.add_contact(displayName="All buyers", message_class="IPM.DistList")
    assert list(source.contacts()) == []


def test_all_pages_are_read(source: GraphSource, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.graph.contacts.PAGE", 3)
    ids = [mailbox.add_contact(displayName=f"Contact {number}") for number in range(10)]
    assert [card.id for card in source.contacts()] == ids


def test_without_the_permission_it_is_named_and_mail_goes_on(source: GraphSource, application: Application) -> None:
    application.roles.discard("Contacts.Read")
    with pytest.raises(Fatal, match=r"Contacts\.Read is missing"):
        list(source.contacts())
    assert source.folders()
