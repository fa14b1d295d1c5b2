"""A signature never links: a contact's full name or number in it becomes a question, in the last lines alone."""

import pytest

from matchers.inside import above_quotes
from matchers.match import Log
from matchers.signature import MOST_SIGNERS, Colleague, by_signature, is_worth_reading, phone_key
from tests.unit.test_match_chain import BOB, EVE, decide, logged, mail

STAFF = {"c1": (Colleague(holder=BOB, phones=("+49 30 / 123 45 67",)), Colleague(holder=EVE, phones=("030 99",)))}
TEXT = "Dear Anna,\n\nhere is the offer you asked for.\n\nBest regards\n{}\n"


def stranger() -> Log:
    return logged(decide(mail("desk-7@cust.example")))


def asked(line: str) -> list[str]:
    log = by_signature(stranger(), TEXT.format(line), "desk-7@cust.example", STAFF)
    assert log.links == ()
    return [one.contact_id for doubt in log.doubts for one in doubt.candidates]


@pytest.mark.parametrize(
    "line", ["Bob Birch", "Robert Birch | Sales", "BIRCH, Bob", "Tel. 030 1234567", "+49 (30) 1234567"]
)
def test_a_contacts_name_or_number_under_a_mail_is_asked_about(line: str) -> None:
    assert asked(line) == ["bob"]


@pytest.mark.parametrize(
    "line", ["", "Bob", "B. Birch", "Kind regards from Bob Birch's desk", "Tel. 030 1234568", "99"]
)
def test_less_than_that_says_nothing(line: str) -> None:
    assert asked(line) == []


def test_who_is_greeted_signed_nothing() -> None:
    log = by_signature(stranger(), "Bob Birch,\n\nthank you.\n", "desk-7@cust.example", STAFF)
    assert log.doubts == ()


def test_a_name_that_stands_further_up_signed_nothing() -> None:
    text = "Dear Anna,\nBob Birch\n" + "and so on\n" * 40
    assert by_signature(stranger(), text, "desk-7@cust.example", STAFF).doubts == ()


def test_an_offices_number_points_to_nobody() -> None:
    office = tuple(
        Colleague(holder=BOB.__class__(contact_id=f"b{n}", name="", email=""), phones=("030 1234567",))
        for n in range(MOST_SIGNERS + 1)
    )
    log = by_signature(stranger(), TEXT.format("030 1234567"), "desk-7@cust.example", {"c1": office})
    assert log.doubts == ()


def test_mail_with_a_known_contact_is_not_read_for_it() -> None:
    assert not is_worth_reading(logged(decide(mail("bob@cust.example"))))
    assert is_worth_reading(stranger())


def test_a_number_is_one_with_or_without_its_country() -> None:
    assert phone_key("+49 (0)30 1234567") == phone_key("0049 30-1234567") == phone_key("030 1234567") == "301234567"
    assert phone_key("12345") == phone_key("") == ""


@pytest.mark.parametrize(
    "quote",
    [
        "> Hello,\n> Bob Birch\n",
        "On Mon, 4 May 2026 Bob <bob@cust.example> wrote:\nHello\nBob Birch\n",
        "-----Original Message-----\nHello\nBob Birch\n",
        "Von: Bob <bob@cust.example>\nGesendet: Montag\nAn: Anna\n\nHello\nBob Birch\n",
    ],
)
def test_what_is_quoted_signs_nothing(quote: str) -> None:
    text = f"Dear Anna,\n\nyes.\n\nThe desk\n{quote}"
    assert "Bob Birch" not in above_quotes(text)
    assert "The desk" in above_quotes(text)
