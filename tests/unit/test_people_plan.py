"""What an import does: a row means the contact with that address and that name, and importing twice does nothing."""

from collections.abc import Sequence
from dataclasses import replace
from zlib import crc32

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.people.plan import Claims, Outcome, Plan, fold_name, keys_of, plan_import
from agent.people.rows import Refused, Row
from agent.store.directory.contact_writes import Draft
from agent.store.directory.contacts import Contact, Email
from matchers.address import normalise
from matchers.company import corporate_domain


def row(line: int = 2, name: str = "Anna Ash", email: str = "anna@x.example", **more: object) -> Row:
    return replace(Row(line=line, name=name, emails=(email,)), **more)  # type: ignore[arg-type]  # one helper


def stored(contact_id: str, draft: Draft) -> Contact:
    """What the store hands out for a draft: its primary address first, the others by key, no stated domain."""
    order = sorted(draft.emails, key=lambda email: (not email.primary, normalise(email.address).match_key))
    return Contact(
        id=contact_id,
        name=draft.name,
        emails=tuple(order),
        phones=draft.phones,
        company=draft.company or None,
        title=draft.title,
        owner=draft.owner,
        stage=draft.stage,
        fields=dict(draft.fields),
        external_ids=dict(draft.external_ids),
    )


def carry_out(plan: Plan, existing: Sequence[Contact]) -> list[Contact]:
    kept = [stored(c.id, plan.update[c.id]) if c.id in plan.update else c for c in existing]
    return kept + [stored(f"{crc32(repr(draft).encode()):08x}", draft) for draft in plan.add]


def claims_after(plan: Plan) -> Claims:
    drafts = (*plan.add, *plan.update.values())
    return Claims(
        stated=frozenset(
            (fold_name(draft.company), corporate_domain(draft.company_domain))
            for draft in drafts
            if draft.company and corporate_domain(draft.company_domain)
        )
    )


def outcomes(plan: Plan) -> list[str]:
    return [result.outcome.value for result in plan.results]


ANNA = stored("a", Draft(name="Anna Ash", emails=(Email(address="anna@x.example", primary=True),), stage="lead"))


def test_an_unknown_person_is_added() -> None:
    plan = plan_import([row(phones=("1",), birthday="1980-05-17", owner="Me@OurFirm.example")], [])
    (draft,) = plan.add
    assert outcomes(plan) == ["added"]
    assert draft.emails == (Email(address="anna@x.example", primary=True),)
    assert (draft.owner, draft.fields) == ("Me@OurFirm.example", {"birthday": "1980-05-17"})


def test_the_same_address_and_name_is_the_same_contact_in_any_spelling() -> None:
    plan = plan_import([row(name="ANNA  ash", email="Anna@X.EXAMPLE")], [ANNA])
    assert outcomes(plan) == ["unchanged"]
    assert (plan.add, plan.update) == ((), {})


def test_what_a_row_says_is_changed_and_what_it_leaves_out_stays() -> None:
    plan = plan_import([row(title="Buyer")], [ANNA])
    assert outcomes(plan) == ["updated"]
    assert (plan.update["a"].title, plan.update["a"].stage) == ("Buyer", "lead")


def test_the_same_address_under_another_name_is_a_second_contact() -> None:
    plan = plan_import([row(name="Bob Birch")], [ANNA])
    assert outcomes(plan) == ["shared"]
    assert [draft.name for draft in plan.add] == ["Bob Birch"]
    assert "Anna Ash" in plan.results[0].text


def test_two_rows_of_one_file_share_an_address_too() -> None:
    plan = plan_import([row(), row(3, "Bob Birch"), row(4), row(5, title="Boss")], [])
    assert outcomes(plan) == ["added", "shared", "unchanged", "updated"]
    assert [(draft.name, draft.title) for draft in plan.add] == [("Anna Ash", "Boss"), ("Bob Birch", "")]


def test_a_row_without_name_means_the_only_holder() -> None:
    assert outcomes(plan_import([row(name="")], [ANNA])) == ["unchanged"]
    bob = stored("b", Draft(name="Bob Birch", emails=ANNA.emails))
    plan = plan_import([row(name="")], [ANNA, bob])
    assert outcomes(plan) == ["refused"]
    assert "several contacts" in plan.results[0].text


def test_a_contact_without_name_gets_the_name_of_the_row() -> None:
    nameless = stored("x", Draft(emails=ANNA.emails))
    plan = plan_import([row()], [nameless])
    assert (outcomes(plan), plan.update["x"].name) == (["updated"], "Anna Ash")


def test_a_new_main_address_joins_the_known_ones() -> None:
    plan = plan_import([row(emails=("new@x.example", "anna@x.example"))], [ANNA])
    assert [(email.address, email.primary) for email in plan.update["a"].emails] == [
        ("new@x.example", True),
        ("anna@x.example", False),
    ]


def test_an_address_keeps_its_days_and_its_spelling() -> None:
    from datetime import date

    email = Email(address="Anna@X.example", primary=True, valid_to=date(2027, 1, 1))
    plan = plan_import([row(title="Buyer")], [replace(ANNA, emails=(email,))])
    assert plan.update["a"].emails == (email,)


def test_of_two_namesakes_the_one_with_that_main_address_is_meant() -> None:
    other = Email(address="ash@x.example", primary=True)
    twin = stored("b", Draft(name="Anna Ash", emails=(other, Email(address="anna@x.example"))))
    plan = plan_import([row(email="ash@x.example", title="T"), row(3, title="U")], [twin, ANNA])
    assert (plan.update["b"].title, plan.update["a"].title) == ("T", "U")


def test_an_erased_person_is_not_brought_back() -> None:
    plan = plan_import([row(emails=("new@x.example", "A.n.n.a@gmail.com"))], [], erased_keys={"anna@gmail.com"})
    assert (outcomes(plan), plan.add) == (["refused"], ())
    assert "erased" in plan.results[0].text


def test_what_could_not_be_read_is_told_in_its_place() -> None:
    plan = plan_import([row(), Refused(line=3, why="no mail address"), row(4, "Bob", "bob@x.example")], [])
    assert [(result.line, result.outcome.value) for result in plan.results] == [
        (2, "added"),
        (3, "refused"),
        (4, "added"),
    ]
    assert plan.count(Outcome.ADDED) == 2


def test_a_companys_capitals_are_no_change_and_its_new_domain_is_one() -> None:
    firm = replace(ANNA, company="X Ltd")
    assert outcomes(plan_import([row(company="x LTD")], [firm])) == ["unchanged"]
    stated = row(company="X Ltd", company_domain="www.x.example")
    assert outcomes(plan_import([stated], [firm])) == ["updated"]
    known = Claims(stated=frozenset({("x ltd", "x.example")}))
    assert outcomes(plan_import([stated], [firm], claims=known)) == ["unchanged"]


def test_the_store_is_asked_for_every_address() -> None:
    rows: list[Row | Refused] = [row(emails=("A.nna@gmail.com", "b@x.example")), Refused(line=3, why="x")]
    assert keys_of(rows) == {"anna@gmail.com", "b@x.example"}


ADDRESSES = st.sampled_from(["a@x.example", "A@X.example", "b@x.example", "c@gmail.com", "c+1@gmail.com"])
ROWS = st.builds(
    Row,
    line=st.just(2),
    emails=st.lists(ADDRESSES, min_size=1, max_size=3, unique=True).map(tuple),
    name=st.sampled_from(["", "Ann", "ann", "Bob"]),
    phones=st.lists(st.sampled_from(["1", "2"]), max_size=2, unique=True).map(tuple),
    company=st.sampled_from(["", "X", "x", "Y"]),
    company_domain=st.sampled_from(["", "x.example", "gmail.com"]),
    title=st.sampled_from(["", "T", "U"]),
    birthday=st.sampled_from(["", "1980-05-17"]),
    fields=st.dictionaries(st.sampled_from("kl"), st.sampled_from(["1", "2"]), max_size=1),
)


@given(st.lists(ROWS, max_size=4), st.lists(ROWS, max_size=6))
@settings(max_examples=150, deadline=None)
def test_the_same_file_twice_changes_nothing_the_second_time(earlier: list[Row], rows: list[Row]) -> None:
    before = plan_import(earlier, [])
    known = carry_out(before, [])
    first = plan_import(rows, known, claims=claims_after(before))
    known = carry_out(first, known)
    claims = Claims(stated=claims_after(before).stated | claims_after(first).stated)
    again = plan_import(rows, known, claims=claims)
    assert (again.add, dict(again.update)) == ((), {})
    assert {result.outcome for result in again.results} <= {Outcome.UNCHANGED, Outcome.UPDATED, Outcome.REFUSED}


@given(st.lists(ROWS, max_size=6), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_the_order_in_which_the_store_answers_is_no_matter(rows: list[Row], random: object) -> None:
    known = carry_out(plan_import(rows, []), [])
    mixed = list(known)
    random.shuffle(mixed)  # type: ignore[attr-defined]  # Hypothesis gives a random.Random
    assert plan_import(rows[:2], known) == plan_import(rows[:2], mixed)


@given(st.lists(ROWS, max_size=6))
@settings(deadline=None)
def test_every_row_has_one_outcome_and_no_address_is_lost(rows: list[Row]) -> None:
    plan = plan_import(rows, [])
    assert len(plan.results) == len(rows)
    assert sum(plan.count(outcome) for outcome in (Outcome.ADDED, Outcome.SHARED)) == len(plan.add)
    held = {normalise(email.address).match_key for draft in plan.add for email in draft.emails}
    taken = [row for row, result in zip(rows, plan.results, strict=True) if result.outcome is not Outcome.REFUSED]
    assert held == keys_of(taken)
