"""A list is believed as long as it differs from the last one by no more than it may."""

import pytest

from agent.lists.judge import Change, Doubt, change, judge
from config.model import Member


def people(*names: str) -> list[Member]:
    return [Member(address=f"{name}@x.example") for name in names]


def test_the_first_list_may_be_as_long_as_it_likes() -> None:
    assert judge(None, people(*map(str, range(500))), most_change=1) is None


@pytest.mark.parametrize("known", [None, people("anna")])
def test_an_empty_list_is_never_believed(known: list[Member] | None) -> None:
    doubt = judge(known, [], most_change=100)
    assert doubt is not None
    assert doubt.sentence == "the list is empty"


@pytest.mark.parametrize(
    ("names", "believed"),
    [
        ("anna ben", True),
        ("anna ben eva", True),
        ("anna", True),
        ("anna eva", True),  # one came, one went
        ("anna ben eva fay", True),
        ("anna ben eva fay gus", False),
        ("eva fay", False),
    ],
)
def test_joiners_and_leavers_count_together(names: str, believed: bool) -> None:
    assert (judge(people("anna", "ben"), people(*names.split()), most_change=2) is None) is believed


def test_a_doubt_says_how_many_and_what_would_be_believed() -> None:
    assert judge(people("anna", "ben"), people("eva", "fay", "gus"), most_change=4) == Doubt(
        sentence="3 joined and 2 left since the last list, more than most_change = 4 believes",
        advice="if that is right, write most_change = 5 and reload",
    )


def test_letter_case_and_other_settings_make_nobody_join_or_leave() -> None:
    assert change(people("anna"), [Member(address="ANNA@X.example", timezone="UTC")]) == Change(joined=0, left=0)
