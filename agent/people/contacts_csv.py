"""Reads contacts from CSV: a header row, comma, semicolon or tab, UTF-8 with or without BOM.

Called by `contacts import`. Whatever the bytes are, it yields rows and refusals with line numbers and never raises.
"""

import codecs
import csv
import io
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from agent.people.rows import Refused, Row, check_birthday, clean, is_unreadable, problems_of, unique

SYSTEM = "external"
"""The name under which the column `external_id` is kept; `external_id:hubspot` names another."""

MOST_COLUMNS = 500

_ALIASES = {
    "e_mail": "email",
    "mail": "email",
    "email_address": "email",
    "e_mail_address": "email",
    "full_name": "name",
    "display_name": "name",
    "telephone": "phone",
    "job_title": "title",
    "organisation": "company",
    "organization": "company",
    "company_name": "company",
}
"""What other programs call our columns; used only where our own name does not stand beside it."""

_OURS = frozenset(
    {
        *("name", "email", "other_emails", "phone", "company", "company_domain"),
        *("title", "owner", "stage", "birthday", "valid_from", "valid_to", "external_id"),
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """The columns in the order of the file. names: ours, folded; or the firm's own, as written."""

    names: tuple[str, ...]
    delimiter: str


def read_contacts_csv(data: bytes) -> Iterator[Row | Refused]:
    """One value for each row that holds anything."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        yield Refused(line=1, why="the file is UTF-16: save it as CSV UTF-8")
        return
    text = data.removeprefix(codecs.BOM_UTF8).decode("utf-8", "surrogateescape")
    delimiter = delimiter_of(text, _OURS | set(_ALIASES))
    rows = records(text, delimiter)
    line, cells = next(rows, (1, "the file is empty: it needs a header row with at least the column email"))
    header = cells if isinstance(cells, str) else _header(cells, delimiter)
    if isinstance(header, str):
        yield Refused(line=line, why=header)
        return
    for line, cells in rows:
        yield Refused(line=line, why=cells) if isinstance(cells, str) else _row(line, cells, header)


def delimiter_of(text: str, columns: Collection[str]) -> str:
    """The one that finds most of these columns in the first lines; a comma if none does."""
    start = text.lstrip("\r\n")[:20_000].split("\n", 2)
    lines = start[1:2] if start[0].lower().startswith("sep=") else start[:1]
    if not lines:
        return ","

    def known(delimiter: str) -> int:
        return sum(fold(cell.strip(' "\r')) in columns for cell in lines[0].split(delimiter))

    return max(",;\t", key=known)


def records(text: str, delimiter: str) -> Iterator[tuple[int, list[str] | str]]:
    """(line, cells), or (line, why) where the csv module gives up on one record; blank records are left out.

    It asks for a line beyond the last one only in the middle of a record: that one swallowed the rows that follow.
    """
    asked_beyond = False

    def lines() -> Iterator[str]:
        nonlocal asked_beyond
        yield from io.StringIO(text, newline="")
        asked_beyond = True

    reader = csv.reader(lines(), delimiter=delimiter)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield line, f"it cannot be read as CSV ({error}): is a quote not closed?"
            continue
        if asked_beyond:
            yield line, "a quote in it is not closed: nothing was read from there on"
            return
        if line == 1 and cells and cells[0].lower().startswith("sep="):
            continue
        if any(cell.strip() for cell in cells):
            yield line, cells


def fold(name: str) -> str:
    """A column's name as it is compared."""
    return clean(name).casefold().replace(" ", "_").replace("-", "_")


def _header(cells: Sequence[str], delimiter: str) -> Header | str:
    """The columns, or what is wrong with them."""
    folded = [fold(cell) for cell in cells]
    names = tuple(_name_of(cell, plain, folded) for cell, plain in zip(cells, folded, strict=True))
    if "email" not in names:
        return "no column email: the first row must name the columns, at least name and email"
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        return f"column {twice[0]!r} stands twice: rename one"
    if len(names) > MOST_COLUMNS:
        return f"more than {MOST_COLUMNS} columns: keep those you need"
    return Header(names=names, delimiter=delimiter)


def _name_of(cell: str, folded: str, all_folded: Sequence[str]) -> str:
    if folded in _OURS or folded.startswith("external_id:"):
        return folded
    ours = _ALIASES.get(folded, "")
    return ours if ours and ours not in all_folded else clean(cell)


def _row(line: int, cells: Sequence[str], header: Header) -> Row | Refused:
    if len(cells) > len(header.names) and any(cell.strip() for cell in cells[len(header.names) :]):
        many = f"{len(cells)} cells, the header {len(header.names)}"
        why = f"it has {many}: put a value that holds {header.delimiter!r} in quotes"
        return Refused(line=line, why=why)
    if any(is_unreadable(cell) for cell in cells):
        return Refused(line=line, why="it is not UTF-8: save the file as CSV UTF-8")
    told = {name: clean(cell) for name, cell in zip(header.names, cells, strict=False) if name}
    row = _told_row(line, told)
    problems = problems_of(row)
    if problems:
        return Refused(line=line, why="; ".join(problems))
    birthday, first, last = (check_birthday(day) or "" for day in (row.birthday, row.valid_from, row.valid_to))
    return replace(row, birthday=birthday, valid_from=first, valid_to=last)


def _told_row(line: int, told: Mapping[str, str]) -> Row:
    others = told.get("other_emails", "").split(";")
    return Row(
        line=line,
        name=told.get("name", ""),
        emails=unique([told.get("email", ""), *(other.strip() for other in others)]),
        phones=unique([phone.strip() for phone in told.get("phone", "").split(";")]),
        company=told.get("company", ""),
        company_domain=told.get("company_domain", ""),
        title=told.get("title", ""),
        owner=told.get("owner", ""),
        stage=told.get("stage", ""),
        birthday=told.get("birthday", ""),
        valid_from=told.get("valid_from", ""),
        valid_to=told.get("valid_to", ""),
        external_ids=_external_ids(told),
        fields={name: value for name, value in told.items() if value and not _is_ours(name)},
    )


def _is_ours(name: str) -> bool:
    return name in _OURS or name.startswith("external_id:")


def _external_ids(told: Mapping[str, str]) -> dict[str, str]:
    """System -> id, of `external_id` and of `external_id:hubspot` and its like."""
    named = {name: value for name, value in told.items() if value and name.partition(":")[0] == "external_id"}
    return {name.partition(":")[2] or SYSTEM: value for name, value in named.items()}
