"""The rules on letters with known truth: who is linked, asked about, left alone, and what is machine mail."""

from random import Random

import pytest

from benchmarks.matching.judge import Judged, judge, total, wilson
from benchmarks.matching.machines import MACHINES
from benchmarks.matching.people import PEOPLE
from benchmarks.matching.report import NEVER_WRONG, RECALL_BAR, WRONG_BAR, figures
from benchmarks.matching.world import make_world

LETTERS = 60
"""A slice; `python -m benchmarks matching` has more."""


@pytest.fixture(scope="module")
def judged() -> Judged:
    random = Random(11)  # noqa: S311  # letters, no secrets
    return judge(make_world(random), PEOPLE | MACHINES, LETTERS, random)


def test_hardly_a_link_is_wrong_and_hardly_one_is_missing(judged: Judged) -> None:
    whole = total(list(judged.slices.values()))
    assert 100 * whole.wrong / (whole.wrong + whole.right) <= WRONG_BAR
    assert 100 * whole.found / whole.linkable >= RECALL_BAR


@pytest.mark.parametrize("name", NEVER_WRONG)
def test_where_only_a_person_can_tell_no_link_is_wrong(judged: Judged, name: str) -> None:
    assert judged.slices[name].wrong == 0


@pytest.mark.parametrize("name", MACHINES)
def test_machine_mail_is_caught_and_no_personal_mail_with_it(judged: Judged, name: str) -> None:
    assert (judged.slices[name].missed, judged.slices[name].lost) == (0, 0)


def test_bounces_and_automatic_replies_say_whom_they_are_about(judged: Judged) -> None:
    for name in ("bounces", "auto-replies"):
        assert judged.slices[name].signals == LETTERS


def test_every_figure_that_has_a_bar_reaches_it_but_for_the_few_letters(judged: Judged) -> None:
    missed = [one.what for one in figures(judged) if one.met == "no"]
    assert missed in ([], ["wrong automatic links, upper bound"])


def test_the_bounds_of_a_share_are_those_of_wilson() -> None:
    low, high = wilson(8, 10)
    assert (round(low, 3), round(high, 3)) == (0.49, 0.943)
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(0, 765)[1] < 0.005 < wilson(0, 700)[1]
