"""Initials and other forms of a contact's name beside an address at the company are asked about: they never decide, and
a family name alone asks nothing."""

from collections import defaultdict
from dataclasses import replace

import pytest

from connectors.message import Address, Envelope
from matchers.chain import MatchPolicy
from matchers.contact import Answers, Holder
from matchers.explain import sentence
from matchers.match import Log, Reason, Role
from matchers.names import full_name, may_shorten
from tests.unit.test_match_chain import CUST, PEOPLE, asked_of, decide, logged, mail, skipped

JANE = Holder(contact_id="jane", name="Jane Smith", email="jane@cust.example", company_id="c1")
JOHN = Holder(contact_id="john", name="John Smith", email="john@cust.example", company_id="c1")
SAM = Holder(contact_id="sam", name="Sam Smith", email="sam@cust.example", company_id="c1")


DOUBLE = (
    "Juan García López",
    "García López, Juan",
    "JUAN GARCÍA-LÓPEZ",
    "Juan Carlos García López",
    "Juan García de López",
)
"""Two family names, as in Spanish and Portuguese."""


def staff(*holders: Holder) -> Answers:
    shortened: dict[tuple[str, str], tuple[Holder, ...]] = defaultdict(tuple)
    for one in holders:
        name = full_name(one.name)
        for key in {name.short, name.inner} - {""}:
            shortened[one.company_id or "", key] += (one,)
    return replace(PEOPLE, shortened=shortened)


def stands_under(known: str, written: str) -> bool:
    """Whether the directory would find the known name for the written one."""
    name = full_name(known)
    return bool(({name.short, name.inner} - {""}) & set(full_name(written).asks))


def from_(name: str, address: str = "new@cust.example", **more: object) -> Envelope:
    return mail(**({"from_": (Address(address=address, name=name),)} | more))  # type: ignore[arg-type]  # see mail


def asked(decision: object) -> list[list[str]]:
    assert isinstance(decision, Log), decision
    return [[one.contact_id for one in doubt.candidates] for doubt in decision.doubts]


@pytest.mark.parametrize(
    "name",
    [
        *(
            "J. Smith",
            "J Smith",
            "Smith, J.",
            "Smith J.",
            "J. R. Smith",
            "J.R. Smith",
            "J.Smith",
            "SMITH, J",
            "j. smith",
        ),
        *("Dr. J. Smith", "J. Smith, PhD", "J. Smith Ph.D.", "J. Smith (Sales)", "J. Smith | Customer Ltd"),
    ],
)
def test_initials_at_the_company_ask_who_of_it_is_meant(name: str) -> None:
    log = logged(decide(from_(name), answers=staff(JOHN, SAM, JANE)))
    assert (log.links, log.suggestions, [one.company_id for one in log.companies]) == ((), (), ["c1"])
    (doubt,) = log.doubts
    assert (doubt.address, doubt.role) == ("new@cust.example", Role.FROM)
    assert [(one.contact_id, one.score) for one in doubt.candidates] == [("jane", 0.5), ("john", 0.5)]


def test_the_question_says_why_in_words() -> None:
    log = logged(decide(from_("J. Smith"), answers=staff(JANE)))
    fact = "Its name has initials that may mean one contact of Customer Ltd, but the address is of none"
    assert log.doubts[0].evidence == (fact,)
    assert sentence("logged", None, log.rule, log.evidence).endswith(f"{fact}.")


@pytest.mark.parametrize(
    "name", ["Smith", "Mr Smith", "Smith Team", "A. Smith", "Smith, Q.", "J. Smithe", "J.", "Jane"]
)
def test_a_family_name_alone_and_other_initials_say_only_the_company(name: str) -> None:
    assert asked(decide(from_(name), answers=staff(JANE, JOHN))) == []


def test_only_people_of_that_company_are_offered() -> None:
    elsewhere = replace(JANE, contact_id="other", company_id="c2")
    assert asked(decide(from_("J. Smith"), answers=staff(elsewhere, JOHN))) == [["john"]]
    assert asked(decide(from_("J. Smith"), answers=staff(elsewhere))) == []


def test_initials_at_a_free_mail_provider_or_beside_a_task_ask_nothing() -> None:
    answers = staff(JANE)
    assert skipped(decide(from_("J. Smith", "js@gmail.com"), answers=answers)).reason is Reason.NO_CONTACT
    assert asked(decide(from_("J. Smith", "sales@cust.example"), answers=answers)) == []


def test_who_takes_part_under_a_known_address_is_not_asked_about_again() -> None:
    answers = replace(staff(JANE, JOHN), holders={"jane@cust.example": (JANE,)})
    cc = (Address(address="jane@cust.example", name="Jane Smith"),)
    assert asked(decide(from_("J. Smith", cc=cc), answers=answers)) == [["john"]]
    only = replace(answers, shortened=staff(JANE).shortened)
    assert asked(decide(from_("J. Smith", cc=cc), answers=only)) == []


def test_a_known_address_needs_no_name() -> None:
    answers = replace(staff(JANE, JOHN), holders={"new@cust.example": (SAM,)})
    log = logged(decide(from_("J. Smith"), answers=answers))
    assert ([one.contact_id for one in log.links], log.doubts) == (["sam"], ())


@pytest.mark.parametrize("known", DOUBLE)
@pytest.mark.parametrize("name", ["J. García", "García, J.", "Juan García", "GARCIA J", "J. García López"])
def test_of_two_family_names_the_first_asks_as_the_last_does(name: str, known: str) -> None:
    log = logged(decide(from_(name), answers=staff(replace(JANE, name=known))))
    assert (log.links, [len(doubt.candidates) for doubt in log.doubts]) == ((), [1])


@pytest.mark.parametrize("known", ["J. Smith", "Smith, J.", "J. Q. Smith", "Jane Quinn Smith", "J. Smith-Jones"])
@pytest.mark.parametrize("name", ["Jane Smith", "Smith, Jane", "Dr. Jane Smith (Sales)", "SMITH Jane"])
def test_a_full_name_asks_about_a_contact_who_is_entered_by_a_form_of_it(name: str, known: str) -> None:
    log = logged(decide(from_(name), answers=staff(replace(JANE, name=known), SAM)))
    assert (log.links, log.suggestions, [one.company_id for one in log.companies]) == ((), (), ["c1"])
    fact = "Its name may be a form of that of one contact of Customer Ltd, but the address is of none"
    assert [(doubt.candidates[0].contact_id, doubt.evidence) for doubt in log.doubts] == [("jane", (fact,))]


@pytest.mark.parametrize("known", ["K. Smith", "Joan Smith", "J. P. Smith", "Jane Paula Smith", "Jane Jones", "Smith"])
def test_a_full_name_asks_nothing_about_a_name_that_contradicts_it(known: str) -> None:
    assert asked(decide(from_("Jane Quinn Smith"), answers=staff(replace(JANE, name=known)))) == []


@pytest.mark.parametrize("known", ["王伟", "王 伟"])
def test_a_name_of_two_characters_in_one_is_asked_about_and_never_decides(known: str) -> None:
    """It may be a whole name, or half of a Japanese or Korean one."""
    wei = replace(JANE, name=known)
    log = logged(decide(from_("王伟"), answers=replace(staff(wei, SAM), named={"王伟": (wei,)})))
    assert (log.links, asked(log)) == ((), [["jane"]])


def test_the_contact_of_the_full_name_is_linked_whoever_else_may_be_meant() -> None:
    """Or every colleague who is entered by initials would hold up the mail of whoever is known in full."""
    answers = replace(staff(replace(SAM, name="J. Smith"), JANE), named={"jane smith": (JANE,)})
    log = logged(decide(from_("Jane Smith"), answers=answers))
    assert ([one.contact_id for one in log.links], log.doubts) == (["jane"], ())


def test_namesakes_and_forms_of_the_name_are_offered_together() -> None:
    elsewhere = replace(JANE, contact_id="other", company_id="c2")
    answers = replace(staff(replace(SAM, name="J. Smith"), JANE), named={"jane smith": (JANE, elsewhere)})
    log = logged(decide(from_("Jane Smith"), answers=answers))
    assert (log.links, asked(log)) == ((), [["sam", "jane"]])


def test_a_form_of_a_name_at_free_mail_asks_nothing() -> None:
    answers = staff(replace(JANE, name="J. Smith"))
    assert skipped(decide(from_("Jane Smith", "js@gmail.com"), answers=answers)).reason is Reason.NO_CONTACT


def test_a_contact_who_is_known_by_initials_is_asked_about_too() -> None:
    """Equal initials are no equal name: somebody else may have them."""
    short = replace(JANE, name="J. Smith")
    assert asked(decide(from_("J. Smith"), answers=staff(short))) == [["jane"]]


@pytest.mark.parametrize("log_names", [True, False])
def test_the_policy_of_full_names_does_not_let_initials_decide(log_names: bool) -> None:
    policy = MatchPolicy(log_names=log_names)
    log = logged(decide(from_("J. Smith"), answers=staff(JANE), policy=policy))
    assert (log.links, len(log.doubts)) == ((), 1)


def test_the_directory_is_asked_only_at_the_companies_it_knows() -> None:
    mails = [from_("J. Smith"), from_("J. Smith", "js@unknown.example"), from_("B. Birch", "bob@cust.example")]
    assert asked_of(*mails).names(PEOPLE).short == {("c1", "j smith")}
    assert CUST.company_id == "c1"


@pytest.mark.parametrize(
    ("short", "known"),
    [
        ("J.-L. Picard", "Jean-Luc Picard"),
        ("J. Picard", "Jean-Luc Picard"),
        ("J.-L. Picard", "Jean Picard"),
        ("J. van der Berg", "Jan van der Berg"),
        ("J. v. d. Berg", "Berg, Jan van der"),
        ("J. R. Smith", "Jane Smith"),
        ("J. Smith", "Jane Mary Smith"),
        ("B. Gates", "William Gates"),
        ("W. Gates", "Bill Gates"),
        ("Th. Müller", "Thomas Mueller"),
        ("Chr. Schmidt", "Christian Schmidt"),
        ("И. Иванов", "Иван Иванов"),
        ("Ö. Yılmaz", "Ömer Yilmaz"),
        ("J. Smith", "John Smith Jr."),
        ("P. O’Neil", "Patrick O'Neil"),
        *(("J. García", known) for known in DOUBLE),
        ("J. López", "Juan García López"),
        ("J. García López", "Juan García"),
        ("J. C. García", "García López, Juan Carlos"),
        ("A. Müller", "Anna Müller-Schmidt"),
        ("J. García", "GARCÍA LÓPEZ Juan"),
        ("LEFÈVRE Paul", "P. Lefevre"),
        ("EXT Jane Smith", "Jane Smith"),
        ("J. Silva", "João da Silva e Souza"),
        *(("Smith Jane", known) for known in ("J. Smith", "Smith, J.", "J. Q. Smith")),
        *(("Wang Wei", "W. Wang"), ("Smith Bob", "R. Smith"), ("Gates Bill", "W. Gates")),
        *(("王伟", "王 伟"), ("王 伟", "王伟"), ("王伟", "王伟"), ("佐々木", "佐々木"), ("민수", "민 수")),
    ],
)
def test_initials_may_mean_a_name_that_contradicts_none_of_them(short: str, known: str) -> None:
    assert stands_under(known, short)
    assert may_shorten(full_name(short), full_name(known))


@pytest.mark.parametrize(
    ("short", "known"),
    [
        ("J. P. Picard", "Jean-Luc Picard"),
        ("J. R. Smith", "Jane Quinn Smith"),
        ("Th. Müller", "Tim Müller"),
        ("L. Picard", "Jean-Luc Picard"),
        ("J. Smith", "Jane Smythe"),
        ("А. Smith", "Anna Smith"),  # a Cyrillic А
        ("J. García Pérez", "Juan García López"),
        ("M. García", "Juan García López"),
        ("J. García", "García Juan López"),
        *(
            ("Smith, Jane", "S. Jane"),
            ("Smith Jane", "K. Smith"),
            ("Smith Jane", "J. P. Jones"),
            ("SMITH Jane", "S. Jane"),
            ("Smith Jr", "J. Smith"),
            ("Smith Sales", "S. Smith"),
        ),
        *(("王伟", "王 伟国"), ("王伟", "李伟"), ("佐々木", "佐々木 太郎"), ("王", "王 伟")),
    ],
)
def test_initials_do_not_mean_a_name_that_they_contradict(short: str, known: str) -> None:
    assert not (stands_under(known, short) and may_shorten(full_name(short), full_name(known)))


@pytest.mark.parametrize("name", ["J. Sales", "J. S.", "A. B. C.", "J. and K. Smith", "J. Smith via Team", ""])
def test_what_holds_no_initials_with_a_family_name_has_no_short_keys(name: str) -> None:
    assert full_name(name).asks == ()


@pytest.mark.parametrize("name", ["Jane Smith, B.A.", "Jane Smith, MD, PhD", "Jane Smith Ph.D.", "Smith, Jane, M.Sc."])
def test_degrees_behind_a_name_are_no_initials(name: str) -> None:
    assert full_name(name) == full_name("Jane Smith")
