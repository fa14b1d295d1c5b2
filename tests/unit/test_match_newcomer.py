"""Strangers who become contacts: whom we write to, or everybody who writes, never machines, tasks or our own."""

from dataclasses import replace

import pytest

from connectors.message import Address, Envelope, Flags
from matchers.contact import ThreadView
from matchers.newcomer import CreateContacts, newcomers
from tests.unit.test_match_chain import BOB, EVE, OWN, PEOPLE, decide, mail, people
from tests.unit.test_match_initials import JANE, staff
from tests.unit.test_match_naming import named


def created(envelope: Envelope, create: CreateContacts, erased: frozenset[str] = frozenset()) -> list[str]:
    decision = decide(envelope, erased=erased)
    found = newcomers(envelope, decision, own=OWN, answers=PEOPLE, create=create, erased_keys=erased)
    return [newcomer.address for newcomer in found]


WE_WRITE = mail("me@ourfirm.example", "new@else.example bob@cust.example", cc=people("cem@ourfirm.example o@x.example"))
THEY_WRITE = mail("new@else.example", "me@ourfirm.example other@else.example")


def test_nobody_is_created_unless_the_firm_wants_it() -> None:
    assert created(WE_WRITE, "never") == created(THEY_WRITE, "never") == []


def test_whom_we_write_to_becomes_a_contact_unless_known_or_ours() -> None:
    assert created(WE_WRITE, "when-we-write") == created(WE_WRITE, "always") == ["new@else.example", "o@x.example"]


def test_who_writes_to_us_becomes_a_contact_only_where_always_is_said() -> None:
    assert created(THEY_WRITE, "when-we-write") == []
    assert created(THEY_WRITE, "always") == ["new@else.example"]


def test_the_name_is_the_one_the_mail_shows() -> None:
    envelope = mail("", from_=(Address(address="New@Else.example", name="New One"),))
    (newcomer,) = newcomers(envelope, decide(envelope), own=OWN, answers=PEOPLE, create="always")
    assert (newcomer.name, newcomer.match_key) == ("New One", "new@else.example")


@pytest.mark.parametrize(
    "envelope",
    [
        mail("info@else.example"),
        mail("no-reply@else.example"),
        mail("new@else.example", headers={"list-id": "<x>"}),
        mail("new@else.example", headers={"auto-submitted": "auto-replied"}),
        mail("mailer-daemon@else.example"),
        mail("new@else.example", " ".join(f"p{n}@else.example" for n in range(101))),
        mail("new@else.example", flags=Flags(private=True)),
        mail("cem@ourfirm.example"),
        mail("undisclosed"),
        mail("@else.example"),
    ],
)
def test_machines_tasks_crowds_and_private_mail_create_nobody(envelope: Envelope) -> None:
    assert created(envelope, "always") == []


def test_an_erased_person_is_not_created_again() -> None:
    envelope = mail("me@ourfirm.example", "bob@cust.example new@else.example")
    assert created(envelope, "always", frozenset({"new@else.example"})) == []


@pytest.mark.parametrize(
    ("name", "address"),
    [("Jane Smith", "js@cust.example"), ("J. Smith", "js@cust.example"), ("Jane Smith", "js@gmail.com")],
)
def test_who_may_be_a_contact_by_the_name_is_not_made_another(name: str, address: str) -> None:
    """The contact would be two people from then on, and mail under the name be asked about for ever."""
    answers = replace(named(JANE), shortened=staff(JANE).shortened)
    envelope = mail("", from_=(Address(address=address, name=name),), cc=people("new@cust.example"))
    decision = decide(envelope, answers=answers)
    assert newcomers(envelope, decision, own=OWN, answers=answers, create="always") == ()
    assert [one.address for one in newcomers(envelope, decide(envelope), own=OWN, answers=PEOPLE, create="always")] == [
        address
    ]


def test_who_is_asked_about_for_the_conversation_or_the_category_alone_becomes_a_contact() -> None:
    thread = ThreadView(thread_id="t", contacts=(BOB, EVE))
    for decision in (
        decide(mail("new@else.example"), thread=thread),
        decide(mail("new@else.example", flags=Flags(categories=frozenset({"CRM"})))),
    ):
        (one,) = newcomers(mail("new@else.example"), decision, own=OWN, answers=PEOPLE, create="always")
        assert one.address == "new@else.example"
