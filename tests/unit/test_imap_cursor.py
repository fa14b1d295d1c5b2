"""Places of the lanes: what is read stays read, nothing is left out, other versions are refused."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import Fatal
from connectors.imap.cursor import EVERYTHING, Forward, History, Region, first_history, read_forward, read_history
from connectors.message import Cursor

FLOORS = (date(2026, 3, 1), date(2026, 1, 1), date(2025, 1, 1), EVERYTHING)


def test_a_forward_place_survives_writing() -> None:
    for place in (
        Forward(validity=1, next=2, expected=3),
        Forward(validity=2**32 - 1, next=2**32 - 1, expected=0, uidnext=7, modseq=2**62),
    ):
        assert read_forward(place.write()) == place


def test_a_history_place_survives_writing() -> None:
    place = first_history(9, 100).after_reading(60, 100, date(2026, 1, 1)).after_reading(40, 60, EVERYTHING)
    assert read_history(place.write()) == place


@pytest.mark.parametrize(
    "written",
    ["", "[]", "7", "{", '{"v": 2, "lane": "forward"}', '{"v": 1, "lane": "history"}', '{"v": 1, "lane": "forward"}'],
)
def test_a_place_of_another_kind_is_refused_with_a_sentence(written: str) -> None:
    with pytest.raises(Fatal, match="another version"):
        read_forward(Cursor(written))


@pytest.mark.parametrize(
    "written", ['{"v": 1, "lane": "history", "validity": 1, "regions": [[1]]}', '{"v": 1, "lane": "forward"}']
)
def test_a_garbled_history_is_refused(written: str) -> None:
    with pytest.raises(Fatal):
        read_history(Cursor(written))


def test_the_history_of_an_empty_folder_is_read_already() -> None:
    assert first_history(1, 1).unread(EVERYTHING) is None


def test_a_lower_floor_goes_on_and_a_higher_one_ends_at_once() -> None:
    place = first_history(1, 100).after_reading(1, 100, date(2026, 1, 1))
    assert place.unread(date(2026, 1, 1)) is None
    assert place.unread(date(2026, 6, 1)) is None
    assert place.unread(date(2025, 6, 1)) == Region(low=1, high=100, floor=date(2026, 1, 1))


@given(st.integers(2, 60), st.lists(st.tuples(st.sampled_from(FLOORS), st.integers(1, 30)), max_size=25))
def test_every_id_is_read_down_to_the_lowest_floor_asked_whatever_the_steps(
    top: int, steps: list[tuple[date, int]]
) -> None:
    place, read = first_history(1, top), dict[int, date]()
    for floor, width in steps:
        region = place.unread(floor)
        if region is None:
            assert all(read[uid] <= floor for uid in range(1, top))
            continue
        low = max(region.low, region.high - width)
        assert all(read.get(uid) == region.floor for uid in range(low, region.high))
        read |= dict.fromkeys(range(low, region.high), floor)
        place = place.after_reading(low, region.high, floor)
        assert _covered(place) == list(range(1, top))


def _covered(place: History) -> list[int]:
    return sorted(uid for region in place.regions for uid in range(region.low, region.high))
