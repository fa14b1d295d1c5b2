"""All ids of a folder in little memory: a mailbox of 100,000 messages is compared without 100,000 texts.

Called by sources that list a folder and by the store that lists what is known of one. Ids that are decimal numbers
(IMAP UIDs) take eight octets each; any others are kept as they are.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Set
from itertools import chain

_LONGEST = 18
"""Digits that surely fit."""


class Numbers(Set[str]):
    """A set of decimal ids, ascending. Equal to any set of the same texts."""

    def __init__(self, values: Iterable[int]) -> None:
        self._values = array("q", sorted(set(values)))

    def __contains__(self, id: object) -> bool:
        value = _number(id) if isinstance(id, str) else None
        if value is None:
            return False
        at = bisect_left(self._values, value)
        return at < len(self._values) and self._values[at] == value

    def __iter__(self) -> Iterator[str]:
        return map(str, self._values)

    def __len__(self) -> int:
        return len(self._values)

    @classmethod
    def _from_iterable(cls, it: Iterable[str]) -> Set[str]:  # type: ignore[override]  # what remains may be of any kind
        return compact(it)


def compact(ids: Iterable[str]) -> Set[str]:
    """These ids as a set, whatever they look like."""
    numbers = array("q")
    rest = iter(ids)
    for id in rest:
        value = _number(id)
        if value is None:
            return frozenset(chain(map(str, numbers), (id,), rest))
        numbers.append(value)
    return Numbers(numbers)


def _number(id: str) -> int | None:
    """The number whose only spelling this is, else None."""
    if id.isdecimal() and id.isascii() and len(id) <= _LONGEST and (id[0] != "0" or id == "0"):
        return int(id)
    return None
