"""Whatever stands in the file, the answer is settings or a list of problems with their lines, never another error."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from config.load import load
from config.mailboxes_csv import read_mailboxes
from config.model import Settings
from config.problem import ConfigProblems
from config.schema import schema

SCHEMA: dict[str, Any] = dict(schema())


def names_and_words(part: object) -> set[str]:
    """Every key and every choice of the schema: what an admin's slips are made of."""
    found: set[str] = set()
    if isinstance(part, dict):
        found |= set(part.get("properties", {})) | {each for each in part.get("enum", []) if isinstance(each, str)}
        for each in part.values():
            found |= names_and_words(each)
    if isinstance(part, list):
        for each in part:
            found |= names_and_words(each)
    return found


WORDS = sorted(names_and_words(SCHEMA))
ODD = [
    "",
    " ",
    "x",
    "a@b.example",
    "{address}",
    "{local}/..",
    "{user}",
    "https://h/{local}/",
    "http://[",
    "https://h:x/",
]
ODD += ["sqlite:///x", "postgresql+psycopg://u@h:x/d", "30d", "0d", "3 working days", "08:30", "Europe", "../x", "PATH"]
ODD += ["~nobody/x", "graph", "a\u0000b", "é" * 300, "2026-01-01", "*@x.example", "service/user", "\ud7ff", "localhost"]
TEXTS = st.sampled_from([*WORDS, *ODD])
SCALARS = st.one_of(TEXTS, st.integers(-1, 10**9), st.booleans(), st.floats(allow_nan=False, allow_infinity=False))
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(WORDS), inner, max_size=4)),
    max_leaves=10,
)


def toml(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {toml(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


SOUND: dict[str, object] = {
    "host": "localhost",
    "password": {"env": "PATH"},
    "url": "https://h/{local}/",
    "path": "x",
    "timezone": "UTC",
    "since": "30d",
    "at": "08:30",
    "max_age": "30d",
    "after": "3 working days",
    "ca_file": "any-text.toml",
    "folders": ["INBOX"],
    "closed": [],
    "country": "DE",
    "domains": ["x.example"],
}
"""A value that is right for the key of that name, so that not everything is refused at the first look."""


def entry(name: str, part: dict[str, Any], depth: int) -> st.SearchStrategy[object]:
    if name == "address":
        return st.sampled_from(["a", "b", "c", "d/e", ".."]).map(lambda local: f"{local}@x.example")
    return st.one_of(*[st.just(SOUND[name])] * 9, shaped(part, depth)) if name in SOUND else shaped(part, depth)


def shaped(part: dict[str, Any], depth: int = 0) -> st.SearchStrategy[object]:
    """Values that mostly fit the schema, with anything at all in some places."""
    if "$ref" in part:
        part = SCHEMA["$defs"][str(part["$ref"]).removeprefix("#/$defs/")]
    if "anyOf" in part:
        return st.one_of(VALUES, *(shaped(each, depth) for each in part["anyOf"]))
    if part.get("type") == "object" and depth < 5:
        if isinstance(part.get("additionalProperties"), dict):
            each = shaped(part["additionalProperties"], depth + 1)
            return st.dictionaries(st.sampled_from(["birthday", "stage one", "a.b"]), each, max_size=2)
        keys = {key: entry(key, each, depth + 1) for key, each in part["properties"].items()}
        always = {key: keys[key] for key in part.get("required", [])}
        return st.fixed_dictionaries(always, optional={key: each for key, each in keys.items() if key not in always})
    if part.get("type") == "array":
        return st.lists(shaped(part["items"], depth + 1), max_size=2)
    if "enum" in part:
        return st.one_of(*[st.sampled_from(part["enum"])] * 9, SCALARS)
    return st.one_of(SCALARS, VALUES)


def answer(path: Path, text: str) -> Settings | ConfigProblems:
    path.write_text(text, encoding="utf-8")
    try:
        return load(path)
    except ConfigProblems as problems:
        return problems


@pytest.mark.parametrize("table", ["organisation", "store", "policy", "reminders", "connectors"])
@given(data=st.data())
@examples(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_anything_is_answered_by_settings_or_problems_with_lines(
    tmp_path_factory: pytest.TempPathFactory, table: str, data: st.DataObject
) -> None:
    written = data.draw(st.one_of(VALUES, shaped(SCHEMA["properties"][table])))
    path = tmp_path_factory.getbasetemp() / f"any-{table}.toml"
    told = answer(path, f"\n{table} = {toml(written)}\n")
    if isinstance(told, ConfigProblems):
        assert told.problems
        assert all(problem.line in (1, 2) and problem.what for problem in told.problems)
    else:
        assert told.path == path


@given(st.text(max_size=60))
@examples(deadline=None, suppress_health_check=list(HealthCheck))
def test_any_text_is_answered_by_settings_or_problems(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    told = answer(tmp_path_factory.getbasetemp() / "any-text.toml", text)
    assert isinstance(told, Settings) or told.problems


CELLS = st.sampled_from([*ODD, "anna@x.example", "ben@x.example", "Europe/Vienna", "full", ";", '"', "address"])
LISTS = st.one_of(
    st.binary(max_size=80),
    st.lists(st.lists(CELLS, max_size=5), max_size=4).map(
        lambda rows: "\n".join(["address,aliases,timezone,capture,since", *map(",".join, rows)]).encode(
            "utf-8", "replace"
        )
    ),
)


@given(LISTS)
@examples(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_file_of_mailboxes_is_answered_by_all_of_its_entries_or_problems(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(content)
    try:
        members = read_mailboxes(path)
    except ConfigProblems as problems:
        assert problems.problems
        return
    own = [each.casefold() for member in members for each in (member.address, *member.aliases)]
    assert all("@" in each for each in own)
    assert len(members) == len({member.address.casefold() for member in members})
