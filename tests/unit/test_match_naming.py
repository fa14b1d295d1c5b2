"""Strangers known by their full name: only at the contact's own company domain, only if nobody shares the name."""

from dataclasses import replace
from datetime import date

import pytest

from connectors.message import Address, Envelope
from matchers.chain import MatchPolicy
from matchers.contact import Answers, CompanyRef, Holder
from matchers.match import Reason
from matchers.names import NO_NAME, full_name, may_shorten, name_key
from matchers.naming import Names
from tests.unit.test_match_chain import (
    BOB,
    CUST,
    EVE,
    PEOPLE,
    asked_of,
    contacts,
    decide,
    logged,
    mail,
    reviewed,
    skipped,
)

ELSEWHERE = replace(BOB, contact_id="bob2", email="bob@else.example", company_id="c2")
INITIAL = replace(BOB, contact_id="bob3", name="Bob Q. Birch")


def named(*holders: Holder, **more: object) -> Answers:
    by_name: dict[str, tuple[Holder, ...]] = {}
    for one in holders:
        by_name[name_key(one.name)] = (*by_name.get(name_key(one.name), ()), one)
    return replace(PEOPLE, named=by_name, **more)  # type: ignore[arg-type]  # one helper for every field


def from_(name: str, address: str = "b.birch@cust.example", **more: object) -> Envelope:
    return mail(**({"from_": (Address(address=address, name=name),)} | more))  # type: ignore[arg-type]  # see mail


@pytest.mark.parametrize("name", ["Bob Birch", "Birch, Bob", "BOB BIRCH", "Robert Birch", "Dr. Rob Birch (Sales)"])
def test_the_full_name_at_the_companys_domain_is_logged_with_less_confidence_and_a_suggestion(name: str) -> None:
    log = logged(decide(from_(name), answers=named(BOB, EVE)))
    (link,) = log.links
    assert (link.contact_id, link.rule, link.address) == ("bob", "name", "b.birch@cust.example")
    assert link.confidence < 1
    assert log.suggestions == (("b.birch@cust.example", "bob"),)
    assert (log.rule, log.companies) == ("name", ())


@pytest.mark.parametrize(
    "name", ["", "Bob", "B. Birch", "Birch", "Bobby-Lee Birch", "Bob Birch and Eve Elm", "Rob Burch"]
)
def test_parts_of_a_name_and_likenesses_say_only_the_company(name: str) -> None:
    log = logged(decide(from_(name), answers=named(BOB, EVE)))
    assert (log.links, log.doubts, [one.company_id for one in log.companies]) == ((), (), ["c1"])


def test_namesakes_at_the_company_are_asked_about() -> None:
    log = logged(decide(from_("Bob Birch"), answers=named(BOB, replace(BOB, contact_id="bob2"))))
    (doubt,) = log.doubts
    assert (log.links, log.rule, len(doubt.candidates)) == ((), "domain", 2)


def test_a_namesake_anywhere_keeps_the_name_from_deciding() -> None:
    log = logged(decide(from_("Bob Birch"), answers=named(BOB, ELSEWHERE)))
    assert log.links == ()
    assert [one.contact_id for one in log.doubts[0].candidates] == ["bob"]


def test_another_initial_is_another_person() -> None:
    assert logged(decide(from_("Bob X. Birch"), answers=named(INITIAL))).links == ()
    assert contacts(decide(from_("Bob Q Birch"), answers=named(INITIAL))) == ["bob3"]
    assert contacts(decide(from_("Bob Birch"), answers=named(INITIAL))) == ["bob3"]


@pytest.mark.parametrize(
    ("name", "linked"),
    [
        *(
            ("Juan García López", True),
            ("García López, Juan", True),
            ("GARCÍA LÓPEZ Juan", True),
            ("García López Juan", True),
        ),
        *(("López García, Juan", False), ("Juan López García", False)),
    ],
)
def test_the_order_of_two_family_names_tells_two_people_apart(name: str, linked: bool) -> None:
    juan = replace(BOB, name="Juan García López")
    log = logged(decide(from_(name), answers=named(juan)))
    assert ([one.contact_id for one in log.links], len(log.doubts)) == (["bob"], 0) if linked else ([], 1)


@pytest.mark.parametrize("address", ["info@cust.example", "jira@cust.example", "noreply@cust.example"])
def test_a_name_beside_an_address_of_a_task_says_only_the_company(address: str) -> None:
    answers = named(BOB, holders={})
    log = logged(decide(from_("Bob Birch", address), answers=answers))
    assert (log.links, log.doubts) == ((), ())


def test_a_name_without_its_companys_domain_never_links() -> None:
    assert skipped(decide(from_("Bob Birch", "bob@else.example"), answers=named(BOB))).reason is Reason.NO_CONTACT


def test_a_contacts_name_at_free_mail_is_asked_about() -> None:
    review = reviewed(decide(from_("Bob Birch", "bobby77@gmail.com"), answers=named(BOB)))
    (doubt,) = review.doubts
    assert (review.rule, [one.contact_id for one in doubt.candidates]) == ("name", ["bob"])


def test_an_address_that_was_somebody_elses_is_no_matter_of_names() -> None:
    gone = replace(EVE, valid_to=date(2020, 1, 1))
    answers = named(BOB, holders={"b.birch@cust.example": (gone,)})
    assert logged(decide(from_("Bob Birch"), answers=answers)).links == ()


def test_somebody_whose_address_ended_is_asked_about() -> None:
    left = replace(BOB, valid_to=date(2020, 1, 1))
    log = logged(decide(from_("Bob Birch"), answers=named(left)))
    assert (log.links, len(log.doubts)) == ((), 1)


def test_the_firm_may_want_to_be_asked() -> None:
    log = logged(decide(from_("Bob Birch"), answers=named(BOB), policy=MatchPolicy(log_names=False)))
    assert (log.links, len(log.doubts), log.rule) == ((), 1, "domain")


def test_nobody_of_ours_is_known_by_name() -> None:
    ours = CompanyRef(company_id="c9", name="Our Firm", domain="ourfirm.example")
    answers = named(replace(BOB, company_id="c9"), companies={"ourfirm.example": ours, "cust.example": CUST})
    envelope = from_("Bob Birch", "b.birch@ourfirm.example", to=(Address(address="x@else.example"),))
    assert skipped(decide(envelope, answers=answers)).reason is Reason.NO_CONTACT


def test_a_name_beside_a_known_contact_adds_a_link() -> None:
    cc = (Address(address="b.birch@cust.example", name="Bob Birch"),)
    assert contacts(decide(mail("eve@cust.example", cc=cc), answers=named(BOB))) == ["eve", "bob"]


def test_names_are_asked_only_where_the_place_tells_something() -> None:
    mails = [
        from_("Bob Birch"),
        from_("Eve Elm", "eve@cust.example"),
        from_("Ann Ash", "ann@unknown.example"),
        from_("Joe Free", "joe@gmail.com"),
        mail("me@ourfirm.example", to=(Address(address="zed@gmail.com", name="Zed Zorn"),)),
    ]
    short = {("c1", "r birch"), ("c1", "b birch")}  # Robert is Bob, and Bob may be entered as B.
    short |= {("c1", "b bob")}  # or Birch is the given name
    full = frozenset({"birch robert", "free joseph"})
    assert asked_of(*mails).names(PEOPLE) == Names(full=full, short=frozenset(short))


@pytest.mark.parametrize(
    "name",
    [
        *("Dr. med. Jane Smith", "Dr. rer. nat. Jane Smith", "Prof. Dr. h.c. mult. Jane Smith", "Dr.-Ing. Jane Smith"),
        *(
            "Dipl.-Kfm. Jane Smith",
            "Univ.-Prof. Dr. Jane Smith",
            "Avv. Jane Smith",
            "Dra. Jane Smith",
            "Eng. Jane Smith",
        ),
        *(
            "Jane Smith, Ph. D.",
            "Jane Smith, B. A.",
            "Jane\u200b Smith",
            "\u202eJane Smith\u202c",
            "Jane Smith \U0001f680",
        ),
        *(
            "\U0001f31fJane Smith\U0001f31f",
            "** Jane Smith **",
            "Jane Smith \u2022 Customer",
            "Jane Smith/Sales/Customer",
        ),
        *("Smith, Jane /CUST/DE", "Jane Smith / Customer", "Jane\u00a0Smith", "Jane Smith \u00b7 Sales"),
    ],
)
def test_titles_branches_and_ornaments_are_no_part_of_a_name(name: str) -> None:
    assert full_name(name) == full_name("Jane Smith") != NO_NAME


@pytest.mark.parametrize("name", ["Jane Smith / John Doe", "Smith, Jane / Doe, John", "Jane Smith / Customer Ltd"])
def test_somebody_else_behind_a_stroke_keeps_the_name_from_deciding(name: str) -> None:
    assert name_key(name) == ""
    assert may_shorten(full_name(name), full_name("Jane Smith"))


@pytest.mark.parametrize("name", ["Phil Smith", "Eng Wei", "Nat King", "Arch Smith", "Marcel·lí Puig"])
def test_words_that_are_titles_elsewhere_are_names_without_their_dot(name: str) -> None:
    assert len(full_name(name).key.split()) >= 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("José García", "Jose Garcia"),
        ("GATES Bill", "William Gates"),
        ("ΓΙΩΡΓΟΣ ΠΑΠΑΔΟΠΟΥΛΟΣ", "Γιώργος Παπαδόπουλος"),
        ("Артём Королёв", "АРТЕМ КОРОЛЕВ"),
        ("أحمد علي", "احمد علي"),
        ("山田 太郎", "山田太郎"),
        ("山田\u3000太郎", "Dr. 山田 太郎 (営業)"),
        ("김민수", "김 민수"),
        ("Jürgen Groß", "GROSS, JUERGEN"),
        ("Pat O’Neil", "pat oneil"),
        ("Li 伟", "伟 Li"),
    ],
)
def test_spellings_of_one_name_are_equal(one: str, other: str) -> None:
    assert name_key(one) == name_key(other) != ""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        *(("Jane Smith", "John Smith"), ("Alex Fox", "Alexander Fox"), ("Bоb Birch", "Bob Birch")),
        *(("Jo Li Jr", "Jo Li"), ("Иван Йовкин", "Иван Иовкин")),
    ],
)
def test_other_names_are_not(one: str, other: str) -> None:
    assert name_key(one) != name_key(other)


def test_namesakes_whose_name_holds_no_family_name_are_asked_about_like_others() -> None:
    jr = replace(BOB, name="Bob Jr")
    assert logged(decide(from_("Bob Jr"), answers=named(jr, replace(jr, contact_id="bob2")))).doubts != ()


@pytest.mark.parametrize("name", ["山田\u3000太郎", "山田太郎", "山田 太郎"])
def test_a_name_without_a_blank_is_known_at_its_company(name: str) -> None:
    taro = replace(BOB, name="山田 太郎")
    assert asked_of(from_(name)).names(PEOPLE).full == {"山田太郎"}
    assert contacts(decide(from_(name), answers=named(taro))) == ["bob"]


@pytest.mark.parametrize("name", ["佐々木", "王伟", "민수", "Müller", "Иванов"])
def test_what_may_be_one_half_of_a_name_is_no_name(name: str) -> None:
    assert name_key(name) == ""


def test_a_look_alike_letter_makes_another_name() -> None:
    assert full_name("Bоb Birch") != full_name("Bob Birch")  # a Cyrillic о
