"""A file of mailboxes: a header row with `address` and, as far as wanted, username, aliases, timezone, capture, since.

UTF-8 with or without BOM; comma, semicolon or tab. Aliases stand in one cell, separated by semicolons or blanks. One
mistake refuses the whole file: half a list would look like people who left.
"""

import codecs
import csv
import io
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import date
from pathlib import Path

from config.kinds import address, since, text, zone
from config.model import Member
from config.nearest import nearest, one_of
from config.node import Node
from config.problem import ConfigProblems, Problem
from config.reading import WRONG, Kind, Reading
from config.words import CAPTURE

LARGEST = 16 * 1024 * 1024
"""Bytes of one file: a hundred thousand mailboxes take a few million."""
COLUMNS: Mapping[str, Kind] = {
    "address": address,
    "username": text,
    "timezone": zone,
    "capture": CAPTURE,
    "since": since,
}
_ALIASES = "aliases"
_KNOWN = ("address", "username", _ALIASES, "timezone", "capture", "since")
_BETWEEN = re.compile(r"[;,\s]+")


def read_mailboxes(path: Path) -> tuple[Member, ...]:
    """Everybody in the file, in its order. Raises ConfigProblems with everything that is wrong in it."""
    reading = Reading()
    text = _text(path)
    rows = list(_rows(text, path))
    members = list(_members(rows, path, reading))
    if reading.problems:
        raise ConfigProblems(reading.problems)
    return tuple(members)


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise ConfigProblems([_whole(path, f"the file is larger than {LARGEST // 2**20} MB")])
        return content.removeprefix(codecs.BOM_UTF8).decode()
    except OSError as error:
        raise ConfigProblems([_whole(path, f"cannot be read: {error.strerror}")]) from error
    except UnicodeDecodeError as error:
        raise ConfigProblems([_whole(path, "is not UTF-8 text", "save the file as CSV UTF-8")]) from error


def _whole(path: Path, what: str, instead: str = "") -> Problem:
    return Problem(file=path, line=0, key="", what=what, instead=instead)


def _rows(text: str, path: Path) -> Iterator[tuple[int, list[str]]]:
    """Line and cells of every row that holds anything."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    line = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield line, [cell.strip() for cell in cells]
            line = reader.line_num + 1
    except csv.Error as error:
        what = f"cannot be read as CSV ({error})"
        raise ConfigProblems([Problem(file=path, line=line, key="", what=what, instead="close every quote")]) from error


def _delimiter(text: str) -> str:
    """The one that finds most of our columns in the first line that holds anything; a comma if none does."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    return max(",;\t", key=lambda one: sum(_folded(cell) in _KNOWN for cell in first.split(one)))


def _folded(cell: str) -> str:
    return cell.strip().strip('"').strip().lower()


def _members(rows: list[tuple[int, list[str]]], path: Path, reading: Reading) -> Iterator[Member]:
    if not rows:
        reading.problems.append(_whole(path, "is empty", f"write a first row with {', '.join(_KNOWN)}"))
        return
    (line, header), *people = rows
    columns = [_folded(cell) for cell in header]
    _check_header(columns, Node(value="", file=path, line=line, key=""), reading)
    if reading.problems:
        return
    seen: dict[str, int] = {}
    for line, cells in people:
        member = _member(columns, cells, Node(value="", file=path, line=line, key=""), reading)
        for own in (member.address, *member.aliases) if member else ():
            earlier = seen.setdefault(own.casefold(), line)
            if earlier != line:
                what, row = f'"{own}" is named already on line {earlier}', Node(value="", file=path, line=line, key="")
                reading.note(row, what, "name it once")
        if member is not None:
            yield member


def _check_header(columns: list[str], place: Node, reading: Reading) -> None:
    if "address" not in columns:
        reading.note(place, "has no column address", f"write a first row with {', '.join(_KNOWN)}")
        return
    for name in dict.fromkeys(columns):
        if name not in _KNOWN:
            near = nearest(name, _KNOWN)
            what = f"unknown column {name}" if name else "a column has no name"
            reading.note(place, what, f"write {near}" if near else f"remove it, or write {one_of(_KNOWN)}")
        elif columns.count(name) > 1:
            reading.note(place, f"column {name} stands twice", "remove one of the two")


def _member(columns: list[str], cells: list[str], row: Node, reading: Reading) -> Member | None:
    """One row, None after noting what is wrong with it. A cell that is empty or missing says nothing."""
    if len(cells) > len(columns):
        reading.note(row, f"has {len(cells)} cells under {len(columns)} columns", "put what holds a comma in quotes")
        return None
    written = {name: cell for name, cell in zip(columns, cells, strict=False) if cell}
    if "address" not in written:
        reading.note(row, "has no address", "write one, or remove the row")
        return None
    before = len(reading.problems)
    values = {
        name: kind.read(_cell(row, name, written[name]), reading) for name, kind in COLUMNS.items() if name in written
    }
    aliases = [
        address.read(_cell(row, _ALIASES, one), reading) for one in _BETWEEN.split(written.get(_ALIASES, "")) if one
    ]
    if len(reading.problems) > before or WRONG in values.values():
        return None
    return Member.model_validate({**values, "aliases": tuple(aliases)})


def _cell(row: Node, name: str, written: str) -> Node:
    """The cell as a configuration file would hold it, where days stand without quotes."""
    value: str | date = written
    if name == "since":
        with suppress(ValueError):
            value = date.fromisoformat(written)
    return Node(value=value, file=row.file, line=row.line, key=name)
