"""Every key of a TOML text is found on the line where it stands, whatever the text looks like."""

import json
import tomllib
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.positions import KeyPath, lines

KEYS = st.sampled_from(["a", "b-1", "C_2", "3", "ä key", 'q"uote', "dot.ted", "", "]", "#"])
TEXTS = st.sampled_from(
    ["", "x", "[t]", "# no comment", 'quo"te', "it's", "back\\slash", "two\nlines\n[c]\nd = 1", "ü" * 5]
)
LEAVES = st.one_of(TEXTS, st.integers(-9, 9), st.booleans())
TREES = st.recursive(
    LEAVES,
    lambda children: st.one_of(st.lists(children, max_size=3), st.dictionaries(KEYS, children, max_size=3)),
    max_leaves=12,
)
TABLES = st.dictionaries(KEYS, TREES, max_size=4)


@dataclass
class Writer:
    """Writes a tree as TOML in one of many ways and remembers on which line it put each key."""

    data: st.DataObject
    text: str = ""
    places: dict[KeyPath, int] = field(default_factory=dict)

    def put(self, text: str) -> None:
        self.text += text

    def mark(self, path: KeyPath) -> None:
        self.places.setdefault(path, self.text.count("\n") + 1)

    def coin(self) -> bool:
        return self.data.draw(st.booleans())

    def key(self, key: str) -> str:
        bare = key.isascii() and key.replace("-", "").replace("_", "").isalnum()
        if bare and self.coin():
            return key
        return json.dumps(key, ensure_ascii=False) if self.coin() or "'" in key else f"'{key}'"

    def gap(self) -> None:
        """Between elements of an array: nothing, a line end, a comment."""
        self.put(self.data.draw(st.sampled_from(["", " ", "\n", '  # ] } = , "\n', "\n\n# more\n\t"])))

    def table(self, tree: dict[str, object], path: KeyPath) -> None:
        headed = {}
        for key, value in tree.items():
            inner = (*path, key)
            if self.may_be_headed(value) and self.coin():
                headed[key] = value
                continue
            self.put(self.data.draw(st.sampled_from(["", "\n", "# a = 1\n", "  "])))
            self.mark(inner)
            if isinstance(value, dict) and len(value) == 1 and self.coin():
                self.dotted(key, value, inner)
            else:
                self.put(f"{self.key(key)} = ")
                self.value(value, inner)
            self.put(self.data.draw(st.sampled_from(["\n", " # end\n", "\r\n"])))
        for key, value in headed.items():
            self.headed(value, (*path, key))

    def dotted(self, key: str, value: dict[str, object], path: KeyPath) -> None:
        ((name, inner),) = value.items()
        self.mark((*path, name))
        self.put(f"{self.key(key)} . {self.key(name)}= ")
        self.value(inner, (*path, name))

    def may_be_headed(self, value: object) -> bool:
        return isinstance(value, dict) or (
            isinstance(value, list) and bool(value) and all(isinstance(each, dict) for each in value)
        )

    def headed(self, value: object, path: KeyPath) -> None:
        heading = ".".join(self.key(part) for part in path if isinstance(part, str))
        if isinstance(value, dict):
            self.mark(path)
            self.put(f"[{heading}]\n")
            self.table(value, path)
            return
        assert isinstance(value, list)
        for index, each in enumerate(value):
            self.mark(path)
            self.mark((*path, index))
            self.put(f"[[ {heading} ]] # next\n")
            self.table(each, (*path, index))

    def value(self, value: object, path: KeyPath) -> None:
        if isinstance(value, dict):
            self.inline(value, path)
        elif isinstance(value, list):
            self.array(value, path)
        elif isinstance(value, str):
            self.string(value)
        else:
            self.put(json.dumps(value))

    def inline(self, value: dict[str, object], path: KeyPath) -> None:
        self.put("{ ")
        for index, (key, inner) in enumerate(value.items()):
            self.put(", " if index else "")
            self.mark((*path, key))
            self.put(f"{self.key(key)} = ")
            self.value(inner, (*path, key))
        self.put(" }")

    def array(self, value: list[object], path: KeyPath) -> None:
        self.put("[")
        for index, inner in enumerate(value):
            self.gap()
            self.mark((*path, index))
            self.value(inner, (*path, index))
            self.gap()
            self.put("," if index + 1 < len(value) or self.coin() else "")
        self.gap()
        self.put("]")

    def string(self, value: str) -> None:
        ways = [json.dumps(value, ensure_ascii=False)]
        if "'" not in value:
            ways.append(f"'''\n{value}'''")
            ways += [] if "\n" in value else [f"'{value}'"]
        escaped = value.replace("\\", "\\\\")
        ways.append(f'"""{escaped}"""' if not escaped.endswith('"') else json.dumps(value))
        self.put(self.data.draw(st.sampled_from(ways)))


@given(st.data(), TABLES)
@settings(deadline=None)
def test_each_key_is_found_on_the_line_it_was_written_on(data: st.DataObject, tree: dict[str, object]) -> None:
    writer = Writer(data)
    writer.table(tree, ())
    assert tomllib.loads(writer.text) == tree
    assert lines(writer.text) == writer.places


def test_strings_that_end_in_quotes_of_their_own_do_not_hide_what_follows() -> None:
    text = "a = \"\"\"x\"\"\"\"\"\nb = '''\ny'''''\nc = 1\n"
    assert tomllib.loads(text)["a"] == 'x""'
    assert lines(text) == {("a",): 1, ("b",): 2, ("c",): 4}


def test_nested_arrays_of_tables_belong_to_their_last_parent() -> None:
    text = "[[a]]\n[[a.b]]\nx = 1\n[[a]]\n[[a.b]]\nx = 1\n[a.b.c]\ny = 2\n[[a.b]]\n"
    assert lines(text)[("a", 1, "b", 0, "c", "y")] == 8
    assert lines(text)[("a", 1, "b", 1)] == 9
    assert lines(text)[("a", 0, "b", 0, "x")] == 3


@pytest.mark.parametrize("text", ["", "# only\n", "\n\n", "a = 1", "a = 1979-05-27 07:32:00 # at\nb = +inf"])
def test_small_texts_have_exactly_the_keys_that_they_hold(text: str) -> None:
    assert {path[0] for path in lines(text)} == set(tomllib.loads(text))
