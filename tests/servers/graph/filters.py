"""`$filter` of OData 4.01 as far as Outlook and the directory take it: comparisons, and/or/not, any, startswith."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypeVar

from tests.servers.graph import refusals
from tests.servers.graph.properties import canonical

Item = TypeVar("Item")
Test = Callable[[Mapping[str, Any]], bool]
_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<moment>\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-]\d\d:\d\d)?)?)"
    r"|(?P<number>-?\d+(?:\.\d+)?)|(?P<word>[@A-Za-z_][\w./]*)|(?P<sign>[(),:]))"
)
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda left, right: left == right,
    "ne": lambda left, right: left != right,
    "gt": lambda left, right: left is not None and left > right,
    "ge": lambda left, right: left is not None and left >= right,
    "lt": lambda left, right: left is not None and left < right,
    "le": lambda left, right: left is not None and left <= right,
}
_FUNCTIONS: dict[str, Callable[[str, str], bool]] = {
    "startswith": lambda left, right: left.startswith(right),
    "endswith": lambda left, right: left.endswith(right),
    "contains": lambda left, right: right in left,
}
_COMPARED = re.compile(r"([A-Za-z][\w/]*)\s+(?:eq|ne|gt|ge|lt|le)\b|\(\s*([A-Za-z][\w/]*)\s*,")
_LITERALS = {"true": True, "false": False, "null": None}


@lru_cache(maxsize=512)
def compiled(text: str) -> Test:
    """The filter as a function of an entity. Refused if it cannot be read."""
    reader = _Reader(text)
    test = reader.either()
    if reader.next is not None:
        raise reader.wrong()
    return test


@lru_cache(maxsize=512)
def properties(text: str) -> tuple[str, ...]:
    """The paths that the filter compares, in their order."""
    bare = re.sub(r"'(?:[^']|'')*'", "''", text)
    return tuple(compared or argument for compared, argument in _COMPARED.findall(bare))


def order(text: str) -> list[tuple[str, bool]]:
    """The paths of `$orderby`, each with whether it runs down. Refused if it cannot be read."""
    found = [part.split() for part in text.split(",")]
    if any(len(words) not in (1, 2) or words[1:] not in ([], ["asc"], ["desc"]) for words in found):
        raise refusals.bad_request(f"Invalid orderby clause: {text}")
    return [(words[0], words[1:] == ["desc"]) for words in found]


def ordered(found: Sequence[Item], text: str, entity_of: Callable[[Item], Mapping[str, Any]]) -> list[Item]:
    """In the order of `$orderby`."""
    items = list(found)
    for path, down in reversed(order(text)):
        keys = {id(item): str(value_of(entity_of(item), path) or "") for item in items}
        items.sort(key=lambda item, keys=keys: keys[id(item)], reverse=down)  # type: ignore[misc]  # bound to this path
    return items


class _Reader:
    """A recursive descent over the tokens: or, and, not, one comparison."""

    def __init__(self, text: str) -> None:
        self._text, self._tokens, position = text, [], 0
        while position < len(text.rstrip()):
            found = _TOKEN.match(text, position)
            if found is None:
                raise self.wrong()
            self._tokens.append((str(found.lastgroup), found[str(found.lastgroup)]))
            position = found.end()

    @property
    def next(self) -> str | None:
        return self._tokens[0][1] if self._tokens else None

    def wrong(self) -> refusals.Refuse:
        return refusals.bad_request(f"Invalid filter clause: {self._text}")

    def take(self, *expected: str) -> str:
        if not self._tokens or (expected and self._tokens[0][1] not in expected):
            raise self.wrong()
        return self._tokens.pop(0)[1]

    def either(self) -> Test:
        tests = [self.both()]
        while self.next == "or":
            self.take()
            tests.append(self.both())
        return tests[0] if len(tests) == 1 else lambda entity: any(test(entity) for test in tests)

    def both(self) -> Test:
        tests = [self.one()]
        while self.next == "and":
            self.take()
            tests.append(self.one())
        return tests[0] if len(tests) == 1 else lambda entity: all(test(entity) for test in tests)

    def one(self) -> Test:
        if self.next == "not":
            self.take()
            inner = self.one()
            return lambda entity: not inner(entity)
        if self.next == "(":
            self.take()
            test = self.either()
            self.take(")")
            return test
        return self.comparison()

    def comparison(self) -> Test:
        word = self.take()
        if word in _FUNCTIONS and self.next == "(":
            return self.function(_FUNCTIONS[word])
        if word.lower().endswith("/any") and self.next == "(":
            return self.any(word[: -len("/any")])
        compare, value = _COMPARE[self.take(*_COMPARE)], self.literal()
        if isinstance(value, datetime):
            return lambda entity: _compared(compare, instant(value_of(entity, word)), value)
        if word.endswith("/id") and isinstance(value, str):
            named = canonical(value)
            return lambda entity: compare(value_of(entity, word), named)
        return lambda entity: _compared(compare, _same_kind(value_of(entity, word), value), value)

    def function(self, test: Callable[[str, str], bool]) -> Test:
        self.take("(")
        path = self.take()
        self.take(",")
        value = str(self.literal()).lower()
        self.take(")")
        return lambda entity: test(str(value_of(entity, path) or "").lower(), value)

    def any(self, path: str) -> Test:
        self.take("(")
        variable = self.take()
        self.take(":")
        inner = self.either()
        self.take(")")
        return lambda entity: any(inner({**entity, variable: item}) for item in value_of(entity, path) or ())

    def literal(self) -> object:
        kind, text = self._tokens.pop(0) if self._tokens else ("", "")
        if kind == "text":
            return text[1:-1].replace("''", "'")
        if kind == "number":
            return float(text) if "." in text else int(text)
        if kind == "word" and text.lower() in _LITERALS:
            return _LITERALS[text.lower()]
        if kind != "moment":
            raise self.wrong()
        return moment(text)


def value_of(entity: Mapping[str, Any], path: str) -> Any:  # noqa: ANN401  # a property of any type
    """`from/emailAddress/address` of an entity; refused if it has no such property."""
    value: Any = entity
    for name in path.split("/"):
        if value is None:
            return None
        if not isinstance(value, Mapping) or name not in value:
            raise refusals.unknown_property(name, "entity")
        value = value[name]
    return value


def moment(text: str) -> datetime:
    """A date or time of a filter."""
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise refusals.bad_request(f"Invalid filter clause: '{text}' is no time.") from None
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def instant(value: object) -> object:
    """A property that is a time, as one; whatever else as it is."""
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _compared(compare: Callable[[Any, Any], bool], left: object, right: object) -> bool:
    """Refused where the types have no order."""
    try:
        return compare(left, right)
    except TypeError:
        raise refusals.bad_request("A binary operator with incompatible types was detected.") from None


def _same_kind(value: object, literal: object) -> object:
    """Texts compare without case, as in Exchange."""
    if isinstance(value, str) and isinstance(literal, str) and value.lower() == literal.lower():
        return literal
    return value
