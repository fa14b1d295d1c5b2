"""How commands speak: rows for people or one JSON object a line on stdout; progress and everything else on stderr."""

import codecs
import json
import os
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Annotated, Protocol, TextIO

import typer

from agent.cli.stop import Stop

Json = Annotated[bool, typer.Option("--json", help="One JSON object a line on stdout, nothing else there.")]
"""The option of every command that reads: `as_json: Json = False`."""

Row = Mapping[str, object]
_LINE_ENDS = {code: f"\\u{code:04x}" for code in (0x85, 0x2028, 0x2029)}
"""Signs beyond ASCII at which a reader may end a line (Python's `splitlines` does), as JSON writes them in ASCII."""


def emit(rows: Iterable[Row], *, as_json: bool, columns: Sequence[str] = (), empty: str = "") -> None:
    """Writes rows to stdout: as JSON lines as they come, or as one table of `columns` (default: the first row's keys).

    `empty` is said on stderr when there is no row and a person reads.
    """
    if as_json:
        escaped = not _takes_all()
        for row in rows:
            say(json.dumps(row, ensure_ascii=escaped, default=plain).translate(_LINE_ENDS))
        return
    table = list(rows)
    if not table:
        note(empty)
        return
    for line in lines_of_table(table, columns or tuple(table[0])):
        say(line)


def _takes_all() -> bool:
    """Whether stdout is UTF-8, the encoding of JSON (RFC 8259, 8.1)."""
    return (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("_", "-") in ("utf-8", "utf8")


def open_streams() -> None:
    """Lets stdout and stderr take every letter, whatever the locale, and be there where the caller closed them.

    A letter that the locale has no byte for is written as JSON writes it (`\\u00e9`), so JSON lines stay JSON.
    """
    codecs.register_error("as-json", _as_json)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # started with `>&-`
            setattr(sys, name, _nowhere())
        elif hasattr(stream, "reconfigure"):  # not where a test listens
            stream.reconfigure(errors="as-json")


def close_stdout() -> None:
    """Nothing more can be said there, not even at exit."""
    sys.stdout = _nowhere()


def finish() -> None:
    """Hands on what was said. Raises Stop where it cannot be written, BrokenPipeError where nobody reads any more."""
    with _writing():
        sys.stdout.flush()


def say(line: str) -> None:
    """One line on stdout. Raises Stop where it cannot be written, BrokenPipeError where nobody reads any more."""
    with _writing():
        sys.stdout.write(line + "\n")


@contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        close_stdout()
        raise Stop(f"the output cannot be written: {error.strerror}; make room there, or write it elsewhere") from error


def _nowhere() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123 - lives until the process ends


def _as_json(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)  # noqa: S101 - the handler is named for writing only
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end


def note(line: str) -> None:
    """One line for people on stderr; an empty one is left out."""
    if line:
        sys.stderr.write(line + "\n")


def plain(value: object) -> object:
    """What JSON cannot say itself: times as RFC 3339 with offset, durations in seconds, sets and tuples as lists.

    Raises TypeError for anything else, a time without offset among them.
    """
    if isinstance(value, datetime):
        if value.utcoffset() is None:
            raise TypeError("a time without offset cannot be told: make it aware where it was read")
        return value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def lines_of_table(rows: Sequence[Row], columns: Sequence[str]) -> Iterator[str]:
    """A table in aligned columns, headings in capitals, nothing after the last filled cell."""
    cells = [[title(column) for column in columns]] + [[cell(row.get(column)) for column in columns] for row in rows]
    widths = [max(map(_width, column)) for column in zip(*cells, strict=True)]
    for line in cells:
        padded = (text + " " * (width - _width(text)) for text, width in zip(line, widths, strict=True))
        yield "  ".join(padded).rstrip()


def _width(text: str) -> int:
    """Places that a terminal gives the text: two for wide letters, none for accents that stand by themselves."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )


def title(column: str) -> str:
    """A column's heading: `last_success` becomes `LAST SUCCESS`."""
    return column.replace("_", " ").upper()


def cell(value: object) -> str:
    """One value as a person reads it, on one line and without control characters: mail is written by strangers."""
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="minutes")
    if isinstance(value, (list, tuple, set, frozenset)):
        return ", ".join(cell(item) for item in value) or "-"
    if isinstance(value, Mapping):
        return ", ".join(f"{cell(key)} {cell(item)}" for key, item in value.items()) or "-"
    return printable(str(value if not isinstance(value, timedelta) else f"{value.total_seconds():g} s"))


def printable(text: str) -> str:
    """The text without what could move a cursor, colour a terminal or turn the direction of writing."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


class Progress(Protocol):
    """Where a long piece of work stands."""

    def __call__(self, done: int, total: int | None, label: str) -> None:
        """`done` of `total` (None: not known yet) so far; `label` names what is being done, without mail content."""


@contextmanager
def progress(stream: TextIO | None = None) -> Iterator[Progress]:
    """A progress bar on stderr if that is a terminal, else nothing at all.

    with progress() as show:
        show(200, 1000, "anna@ourfirm.example")
    """
    stream = stream or sys.stderr
    if stream.isatty():
        with _bar(stream) as show:
            yield show
    else:
        yield _silent


def _silent(done: int, total: int | None, label: str) -> None:
    """Says nothing: the output is no terminal."""


@contextmanager
def _bar(stream: TextIO) -> Iterator[Progress]:
    from rich.console import Console  # loaded only where somebody watches
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bars(*columns, console=Console(file=stream), transient=True) as bars:
        task = bars.add_task("", total=None)

        def show(done: int, total: int | None, label: str) -> None:
            bars.update(task, completed=done, total=total, description=printable(label))

        yield show
