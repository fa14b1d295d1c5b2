"""A contact who writes from another address of the same company, whatever came first: the mail or the contact."""

from agent.store.mail import reviews
from tests.acceptance.scenarios.harness import Desk
from tests.acceptance.scenarios.letters import LEA, letter
from tests.servers.dovecot import DovecotUser

NORA = "nora@customer.example"
OTHER = "Nora Neu <n.neu@customer.example>"


def _links(desk: Desk) -> dict[str | None, dict[str, str]]:
    return {one.subject: dict(one.contacts) for one in desk.history()}


def test_a_full_name_is_linked_whatever_came_first_and_given_up_for_a_namesake(desk: Desk, user: DovecotUser) -> None:
    desk.know("Lea Leser", LEA, company="Other AG")
    desk.know("Somebody Else", "else@customer.example", company="Customer AG")
    user.append("INBOX", letter(from_=OTHER, subject="alone", message_id="alone@mail.example"))
    user.append("INBOX", letter(from_=LEA, cc=OTHER, subject="beside"))
    desk.read(user)
    desk.sync()
    assert _links(desk) == {"alone": {}, "beside": {LEA: "address"}}
    desk.know("Nora Neu", NORA, company="Customer AG")
    desk.sync()
    assert _links(desk) == {"alone": {NORA: "name"}, "beside": {LEA: "address", NORA: "name"}}
    assert [ruling.rule for ruling in desk.explain("alone@mail.example")] == ["name"]
    desk.know("Neu, Nora", "nora@elsewhere.example", company="Elsewhere AG")
    desk.sync()
    assert _links(desk) == {"alone": {}, "beside": {LEA: "address"}}


def test_a_signature_is_asked_about_on_what_is_kept_for_the_company(desk: Desk, user: DovecotUser) -> None:
    desk.know("Nora Neu", NORA, company="Customer AG")
    text = "Dear Anna,\n\nhere it is.\n\nKind regards\nNora Neu\n"
    user.append("INBOX", letter(from_="desk@customer.example", subject="signed", text=text))
    user.append("INBOX", letter(from_="desk@customer.example", subject="unsigned"))
    desk.read(user)
    desk.sync()
    assert _links(desk) == {"signed": {}, "unsigned": {}}
    with desk.open() as house, house.database.read() as connection:
        (item,) = reviews.open_items(connection)
    assert (item.envelope["subject"], item.address) == ("signed", "desk@customer.example")
    assert [one["email"] for one in item.candidates] == [NORA]
