"""How a written value becomes a checked one: kinds read nodes, and whatever is wrong is noted, not thrown.

A `Kind` knows its JSON Schema and its conversion, so that the checks and the editor's completion cannot differ.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from config.node import Node
from config.problem import Problem
from config.secrets import Secret

Schema = Mapping[str, object]


class Nothing:
    """The type of WRONG."""


WRONG: Final = Nothing()
"""What a kind answers after it noted a problem."""


class Wrong(Exception):
    """Raised by a conversion: what is wrong and what to write instead."""

    def __init__(self, what: str, instead: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.instead = instead


@dataclass(kw_only=True)
class Reading:
    """One pass over written values. `address`: whose mailbox they are for; None leaves placeholders as they are."""

    problems: list[Problem] = field(default_factory=list)
    secrets: list[tuple[Node, Secret]] = field(default_factory=list)
    address: str | None = None

    def note(self, node: Node, what: str, instead: str = "") -> None:
        """Keeps a mistake found at a node."""
        self.problems.append(node.problem(what, instead))

    def for_mailbox(self, address: str) -> "Reading":
        """The same books, with placeholders filled for one mailbox."""
        return Reading(problems=self.problems, secrets=self.secrets, address=address)


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of value. `read` answers the checked value, or WRONG after noting why."""

    schema: Schema
    read: Callable[[Node, Reading], object]


def converted(schema: Schema, convert: Callable[[Node, Reading], object]) -> Kind:
    """A kind from a conversion that raises Wrong."""

    def read(node: Node, reading: Reading) -> object:
        try:
            return convert(node, reading)
        except Wrong as wrong:
            reading.note(node, wrong.what, wrong.instead)
            return WRONG

    return Kind(schema=schema, read=read)


def text_of(node: Node, instead: str = "write a text in quotes") -> str:
    """The text of a node. Raises Wrong if it is none, is blank, or holds control characters."""
    if not isinstance(node.value, str):
        raise Wrong(f"{name_of(node)} stands where a text belongs", instead)
    if not node.value.strip():
        raise Wrong("is empty", instead)
    if not node.value.isprintable():
        raise Wrong("holds control characters", instead)
    return node.value


def name_of(node: Node) -> str:
    """What a value is, in words."""
    names = {bool: "true or false", int: "a number", float: "a number", str: "a text", dict: "a table", list: "a list"}
    return names.get(type(node.value), "a date or time")
