"""Restrictions, order and pages of FindItem and FindFolder ([MS-OXWSSRCH] 2.2.4, [MS-OXWSCDATA] 2.2.3)."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar

from tests.servers.ews.fields import Path, path_of
from tests.servers.ews.soap import Node, Refusal, T, attributes, children, local

MOST = 1000  # folders or days a page
Thing = TypeVar("Thing")
Look = Callable[[Path], str | None]
_TERM = re.compile(r'(from|participants):"([^"*]+)"')
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)?$")


@dataclass(frozen=True, kw_only=True)
class Page(Generic[Thing]):
    """Some of what was found. next: offset of the page after it, None if this is the last. total: of all pages."""

    things: Sequence[Thing]
    next: int | None
    total: int

    @property
    def attributes(self) -> str:
        """What RootFolder says of the page."""
        last = "true" if self.next is None else "false"
        offset = self.total if self.next is None else self.next
        return attributes(IndexedPagingOffset=offset, TotalItemsInView=self.total, IncludesLastItemInRange=last)


def paged(found: Sequence[Thing], view: Node, limit: int = MOST) -> Page[Thing]:
    """The page that an indexed view asks for, of at most so many; the first one without a view."""
    offset, most = (0, limit)
    if view is not None:
        offset, most = int(view.get("Offset")), int(view.get("MaxEntriesReturned") or limit)
    if view is not None and view.get("BasePoint") == "End":
        end = max(0, len(found) - offset)
        begin = max(0, end - min(most, limit))
        return Page(things=found[begin:end], next=None if begin == 0 else len(found) - begin, total=len(found))
    end = offset + min(most, limit)
    after = end if end < len(found) else None
    return Page(things=found[offset:end], next=after, total=len(found))


def asked_for(query: str) -> frozenset[str]:
    """The addresses of a query for people: `from:"…" OR participants:"…"`, which is all that is known here of AQS."""
    found = _TERM.findall(query)
    if " OR ".join(f'{field}:"{phrase}"' for field, phrase in found) != query:
        raise Refusal("ErrorUnsupportedQueryFilter", "Only people, joined by OR, can be asked for here.")
    return frozenset(f"{field} {phrase}".lower() for field, phrase in found)


def matches(restriction: Node, look: Look) -> bool:
    """Does something that `look` knows meet a Restriction (or an element within one)? Raises Refusal."""
    name, inside = local(restriction), children(restriction)
    if name in ("Restriction", "And"):
        return all(matches(inner, look) for inner in inside)
    if name == "Or":
        return any(matches(inner, look) for inner in inside)
    if name == "Not":
        return not matches(inside[0], look)
    found = look(path_of(inside[0]))
    if name == "Exists":
        return found is not None
    if name == "Contains":
        return found is not None and _contains(restriction, found, inside[1].get("Value"))
    if name == "Excludes":
        return found is not None and not int(found) & int(inside[1].get("Value"), 0)
    return _compare(name, found, _constant(inside[1], look))


def _constant(element: Node, look: Look) -> str | None:
    inner = children(element)[0]
    return inner.get("Value") if local(inner) == "Constant" else look(path_of(inner))


def _compare(name: str, found: str | None, wanted: str | None) -> bool:
    if found is None or wanted is None:
        return name == "IsNotEqualTo"
    left, right = comparable(found), comparable(wanted)
    if type(left) is not type(right):
        left, right = found.lower(), wanted.lower()
    answers = {
        "IsEqualTo": left == right,
        "IsNotEqualTo": left != right,
        "IsGreaterThan": left > right,  # type: ignore[operator]  # of one type
        "IsGreaterThanOrEqualTo": left >= right,  # type: ignore[operator]  # of one type
        "IsLessThan": left < right,  # type: ignore[operator]  # of one type
        "IsLessThanOrEqualTo": left <= right,  # type: ignore[operator]  # of one type
    }
    if name not in answers:
        raise Refusal("ErrorUnsupportedPathForQuery", f"The restriction {name} is not supported.")
    return answers[name]


def comparable(written: str) -> datetime | int | str:
    """A value by which things can be put in order: moments as moments, numbers as numbers, text without case."""
    if _MOMENT.match(written):
        moment = datetime.fromisoformat(written)
        return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return int(written) if re.fullmatch(r"-?\d{1,18}", written) else written.lower()


def _contains(element: Node, found: str, wanted: str) -> bool:
    if element.get("ContainmentComparison", "IgnoreCase").startswith(("IgnoreCase", "Loose")):
        found, wanted = found.lower(), wanted.lower()
    mode = element.get("ContainmentMode", "FullString")
    if mode == "Substring":
        return wanted in found
    if mode == "Prefixed":
        return found.startswith(wanted)
    if mode == "FullString":
        return found == wanted
    words = re.findall(r"\w+", found)
    return any(word == wanted or (mode == "PrefixOnWords" and word.startswith(wanted)) for word in words)


def ordered(found: Sequence[Thing], order: Node, look: Callable[[Thing, Path], str | None]) -> list[Thing]:
    """Things in the order that SortOrder asks for; what lacks the property comes first."""
    things = list(found)
    for part in reversed([] if order is None else order.findall(f"{T}FieldOrder")):
        path = path_of(children(part)[0])
        things.sort(key=lambda thing: _rank(look(thing, path)), reverse=part.get("Order") == "Descending")
    return things


def _rank(found: str | None) -> tuple[int, float, str]:
    """Moments and numbers before texts, so that everything can be compared."""
    value = "" if found is None else comparable(found)
    if isinstance(value, datetime):
        return 0, value.timestamp(), ""
    return (0, float(value), "") if isinstance(value, int) else (1 if value else -1, 0.0, value)
