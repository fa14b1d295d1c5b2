"""Ids in little memory are the same set as their texts, whatever they look like."""

import hypothesis.strategies as st
from hypothesis import given

from connectors.idset import Numbers, compact

IDS = st.sets(
    st.one_of(
        st.integers(0, 2**40).map(str),
        st.sampled_from(["007", "", "-1", "٣", "1 ", "AAMkAD=", "9" * 30, "²"]),
        st.text(max_size=5),
    )
)
DECIMAL = st.sets(st.integers(0, 10**18 - 1).map(str))


@given(IDS, IDS)
def test_differences_and_intersections_are_those_of_the_texts(one: set[str], other: set[str]) -> None:
    left, right = compact(iter(one)), compact(iter(other))
    assert left == one
    assert left - right == one - other
    assert left & right == one & other
    assert frozenset(one) - right == one - other
    assert {id in left for id in one} <= {True}
    assert all((id in left) == (id in one) for id in other)


@given(DECIMAL)
def test_decimal_ids_are_kept_as_numbers_and_come_back_as_written(ids: set[str]) -> None:
    kept = compact(iter(ids))
    assert isinstance(kept, Numbers)
    assert list(kept) == sorted(ids, key=int)
    assert len(kept) == len(ids)


def test_one_id_of_another_kind_loses_none_of_the_others() -> None:
    assert compact(iter(["5", "17", "x", "9"])) == {"5", "17", "x", "9"}
