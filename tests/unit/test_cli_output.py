"""Rows come out as tables for people and as JSON lines for programs, and nothing in them can harm a terminal."""

import io
import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from pathlib import Path

import pytest

from agent.cli.output import emit, progress
from agent.cli.sync import summary

ROWS: list[dict[str, object]] = [
    {"id": 1, "subject": "Angebot für März", "seen_at": datetime(2026, 3, 2, 9, 5, tzinfo=UTC), "tags": ["a", "b"]},
    {"id": 20, "subject": None, "seen_at": None, "tags": []},
]


class Colour(Enum):
    RED = "red"


def test_a_table_has_aligned_columns_with_headings(capsys: pytest.CaptureFixture[str]) -> None:
    emit(ROWS, as_json=False, columns=("id", "seen_at", "subject", "tags"))
    assert capsys.readouterr().out.splitlines() == [
        "ID  SEEN AT                 SUBJECT           TAGS",
        "1   2026-03-02 09:05+00:00  Angebot für März  a, b",
        "20  -                       -                 -",
    ]


def test_without_columns_those_of_the_first_row_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    emit([{"b": True, "a": timedelta(minutes=2)}, {"b": False}], as_json=False)
    assert capsys.readouterr().out.splitlines() == ["B    A", "yes  120 s", "no   -"]


def test_columns_are_aligned_as_a_terminal_shows_them(capsys: pytest.CaptureFixture[str]) -> None:
    """Wide letters take two places, accents of their own none; what is empty is a dash."""
    emit([{"a": "日本", "b": 1}, {"a": "e\u0301", "b": 2}, {"a": "", "b": 3}], as_json=False)
    assert capsys.readouterr().out.splitlines() == ["A     B", "日本  1", "e\u0301     2", "-     3"]


def test_json_is_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    rows: list[dict[str, object]] = [
        *ROWS,
        {"every": timedelta(hours=1), "on": date(2026, 1, 2), "at": Path("a/b"), "is": Colour.RED, "of": {"z", "a"}},
    ]
    emit(rows, as_json=True, columns=("id",))
    first, second, third = map(json.loads, capsys.readouterr().out.splitlines())
    assert first == {**ROWS[0], "seen_at": "2026-03-02T09:05:00+00:00"}
    assert second == ROWS[1]
    assert third == {"every": 3600.0, "on": "2026-01-02", "at": "a/b", "is": "red", "of": ["a", "z"]}


def test_a_text_of_strangers_ends_no_line_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever a reader takes for the end of a line, a row stays one."""
    row = {"text": "a\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029\r\nb"}
    emit([row], as_json=True)
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line) == row


def test_json_rows_are_written_as_they_come(capsys: pytest.CaptureFixture[str]) -> None:
    def rows() -> Iterator[dict[str, object]]:
        yield {"n": 1}
        assert capsys.readouterr().out == '{"n": 1}\n'
        yield {"n": 2}

    emit(rows(), as_json=True)
    assert capsys.readouterr().out == '{"n": 2}\n'


@pytest.mark.parametrize("value", [datetime(2026, 1, 1), object(), b"bytes"])
def test_json_refuses_what_it_cannot_say_exactly(value: object) -> None:
    with pytest.raises(TypeError):
        emit([{"value": value}], as_json=True)


def test_nothing_to_show_is_said_to_people_only(capsys: pytest.CaptureFixture[str]) -> None:
    emit([], as_json=False, empty="no interactions")
    told = capsys.readouterr()
    assert (told.out, told.err) == ("", "no interactions\n")
    emit([], as_json=True, empty="no interactions")
    told = capsys.readouterr()
    assert (told.out, told.err) == ("", "")


def test_control_characters_of_strangers_reach_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    emit([{"subject": "a\x1b[31m\r\nb\u202ec\x07"}], as_json=False)
    assert capsys.readouterr().out == "SUBJECT\na [31m  b c\n"


def test_progress_is_silent_where_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    stream = io.StringIO()
    with progress(stream) as show:
        show(1, 2, "anna")
    with progress() as show:
        show(1, None, "anna")
    assert stream.getvalue() == ""
    assert capsys.readouterr() == ("", "")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_shows_a_bar_on_a_terminal() -> None:
    stream = Terminal()
    with progress(stream) as show:
        show(200, 1000, "anna [bold]\x1b[31m")
    assert "200/1000" in stream.getvalue()
    assert "anna [bold]" in stream.getvalue()


def test_a_pass_is_summed_up_in_a_line() -> None:
    """What is out of the ordinary is named only where there is any."""
    assert summary(Counter()) == "0 logged, 0 skipped, 0 review, 0 reminders, 0 contacts created"
    counts = Counter({"logged": 2, "skipped:bulk": 1, "skipped:no-contact": 3, "reminders": 1, "before-start": 4})
    assert summary(counts) == (
        "2 logged, 4 skipped (bulk 1, no-contact 3), 0 review, 1 reminder, 0 contacts created, 4 older than `since`"
    )
