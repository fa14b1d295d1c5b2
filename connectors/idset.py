"""All ids of a folder in little memory: a mailbox of 100,000 messages is compared without 100,000 texts.

Called by sources that list a folder and by the store that lists what is known of one. Ids that are decimal numbers
(IMAP UIDs) take eight octets each; any others are kept as they are.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Set
from itertools import chain, filterfalse, islice

_AT_ONCE = 1_000
"""So many texts are held at a time."""


class Numbers(Set[str]):
    """A set of decimal ids, ascending. Equal to any set of the same texts."""

    def __init__(self, values: Iterable[int]) -> None:
        self._values = array("q", sorted(set(values)))

    def __contains__(self, id: object) -> bool:
        numbers = _numbers([id]) if isinstance(id, str) else None
        return numbers is not None and self._holds(numbers[0])

    def __iter__(self) -> Iterator[str]:
        return map(str, self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __sub__(self, other: Set[object]) -> Set[str]:
        """A folder compared with its rows mostly holds what it held."""
        if not isinstance(other, Numbers):
            return super().__sub__(other)
        return Numbers(() if self._values == other._values else filterfalse(other._holds, self._values))

    def _holds(self, value: int) -> bool:
        at = bisect_left(self._values, value)
        return at < len(self._values) and self._values[at] == value

    @classmethod
    def _from_iterable(cls, it: Iterable[str]) -> Set[str]:  # type: ignore[override]  # what remains may be of any kind
        return compact(it)


def compact(ids: Iterable[str]) -> Set[str]:
    """These ids as a set, whatever they look like."""
    found = array("q")
    rest = iter(ids)
    while some := list(islice(rest, _AT_ONCE)):
        numbers = _numbers(some)
        if numbers is None:
            return frozenset(chain(map(str, found), some, rest))
        found.extend(numbers)
    return Numbers(found)


def _numbers(ids: list[str]) -> "array[int] | None":
    """The numbers whose only spellings these are; None if one is not, or does not fit."""
    try:
        numbers = array("q", map(int, ids))
    except (ValueError, OverflowError):
        return None
    return numbers if list(map(str, numbers)) == ids else None
