"""Configuration files as trees in which every value knows the file and the line it came from.

Merging tables therefore needs no second book about places: a value carries its own.
"""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from pathlib import Path

from config.positions import KeyPath, lines
from config.problem import Problem

Scalar = str | int | float | bool | date | datetime | time
LARGEST = 4 * 1024 * 1024
"""Bytes of one configuration file: thousands of mailboxes take a few hundred thousand."""
_AT_LINE = re.compile(r" \(at line (\d+), column \d+\)$")


@dataclass(frozen=True, kw_only=True)
class Node:
    """One value with its place. `key` is dotted, as people write it: `connectors.mailboxes.password`."""

    value: "Scalar | dict[str, Node] | list[Node]"
    file: Path
    line: int
    key: str

    def table(self) -> "dict[str, Node]":
        """The entries if this is a table, else none."""
        return self.value if isinstance(self.value, dict) else {}

    def items(self) -> "list[Node]":
        """The elements if this is an array, else none."""
        return self.value if isinstance(self.value, list) else []

    def problem(self, what: str, instead: str = "") -> Problem:
        """A mistake at this place."""
        return Problem(file=self.file, line=self.line, key=self.key, what=what, instead=instead)


def read_tree(path: Path) -> Node | Problem:
    """The tree of one file, or what keeps it from being read: the system's reason or the first error of syntax."""
    try:
        if path.stat().st_size > LARGEST:
            return Problem(
                file=path,
                line=0,
                key="",
                what=f"the file is larger than {LARGEST // 2**20} MB",
                instead="spread its connectors over files in connectors.d",
            )
        text = path.read_bytes().decode("utf-8-sig")
        return parse_tree(text, path)
    except OSError as error:
        return Problem(file=path, line=0, key="", what=f"cannot be read: {error.strerror}")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        return Problem(file=path, line=line, key="", what="is not UTF-8 text", instead="save the file as UTF-8")


def parse_tree(text: str, path: Path) -> Node | Problem:
    """The tree of one TOML text, or its first error of syntax."""
    try:
        values = tomllib.loads(text)
        return _grow(values, (), lines(text), Node(value={}, file=path, line=1, key=""))
    except tomllib.TOMLDecodeError as error:
        return _syntax(str(error), text, path)
    except RecursionError:
        return Problem(file=path, line=0, key="", what="brackets or dotted keys are nested too deeply")


def _syntax(message: str, text: str, path: Path) -> Problem:
    place = _AT_LINE.search(message)
    line = int(place[1]) if place else text.count("\n") + 1
    what = _AT_LINE.sub("", message).removesuffix(" (at end of document)")
    return Problem(file=path, line=line, key="", what=f"this is not TOML: {what[:1].lower()}{what[1:]}")


def _grow(value: object, path: KeyPath, places: dict[KeyPath, int], parent: Node) -> Node:
    name = ".".join(part for part in path if isinstance(part, str))
    here = Node(value="", file=parent.file, line=places.get(path, parent.line), key=name)
    if isinstance(value, dict):
        return replace(here, value={key: _grow(each, (*path, key), places, here) for key, each in value.items()})
    if isinstance(value, list):
        return replace(here, value=[_grow(each, (*path, i), places, here) for i, each in enumerate(value)])
    assert isinstance(value, (str, int, float, bool, date, time))  # noqa: S101 - all that TOML has left
    return replace(here, value=value)


def strings(node: Node) -> Iterator[Node]:
    """Every text below and including this node."""
    if isinstance(node.value, str):
        yield node
    for child in (*node.table().values(), *node.items()):
        yield from strings(child)
