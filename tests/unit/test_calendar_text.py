"""iCalendar text of any kind: read without harm, written as RFC 5545 wants it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import Skippable
from connectors.ical import ITEM_LIMIT, compose, means_done, read, revise
from connectors.zones import iana_name
from tests.contracts.calendar_sink import an_event

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TEXT = compose(an_event(), NOW)
LINES = TEXT.split(b"\r\n")
NASTY = [
    b"DTSTART:99999999T999999Z",
    b"DTSTART;TZID=../../etc/passwd:20260101T000000",
    b"DTSTART:00010101T000000Z",
    b"DTSTART;VALUE=DATE:20260231",
    b"SUMMARY;ENCODING=BASE64:////",
    b"BEGIN:VEVENT",
    b"END:VEVENT",
    b"END:VCALENDAR",
    b"BEGIN:VTIMEZONE",
    b"RRULE:FREQ=SECONDLY;COUNT=999999999",
    b"TRIGGER:-P99999999999D",
    b"X-CRM-REMINDER:",
    b"\xff\xfe\x00",
    b";;;:::",
    b":",
    b"A" * 5_000,
]


def parsed(data: bytes) -> object:
    return read(data, href="h", etag="e")


@given(data=st.binary(max_size=2_000))
def test_any_bytes_are_read_or_are_not_ours(data: bytes) -> None:
    assert parsed(data) is None


@given(
    edits=st.lists(
        st.tuples(st.integers(0, len(LINES) - 1), st.sampled_from(["cut", "twice", "swap", *NASTY])), max_size=6
    )
)
def test_a_spoiled_item_of_ours_never_raises(edits: list[tuple[int, str | bytes]]) -> None:
    lines = list(LINES)
    for place, edit in edits:
        at = place % len(lines)
        if isinstance(edit, bytes):
            lines.insert(at, edit)
        elif edit == "cut" and len(lines) > 1:
            del lines[at]
        elif edit == "twice":
            lines.insert(at, lines[at])
        else:
            lines[at], lines[-1] = lines[-1], lines[at]
    data = b"\r\n".join(lines)
    found = read(data, href="h", etag="e")
    assert found is None or (found.uid and found.reminder)


@given(title=st.text(max_size=300), description=st.text(max_size=500))
def test_any_words_come_back_as_they_are_but_for_what_a_calendar_cannot_hold(title: str, description: str) -> None:
    found = read(compose(an_event(title=title, description=description), NOW), href="h", etag="e")
    assert found is not None
    assert not found.description.strip() or found.description.split() == _printable(description).split()
    assert found.title.split() == _printable(title).split()


def _printable(text: str) -> str:
    return "".join(sign for sign in text if sign >= " " or sign in "\n\t").replace("\x7f", "")


@pytest.mark.parametrize(
    "data",
    [
        b"BEGIN:VCALENDAR\r\n" * 5_000,
        TEXT.replace(b"BEGIN:VALARM", b"BEGIN:VALARM\r\n" * 300),
        TEXT.replace(b"SUMMARY:", b"SUMMARY:" + b"x" * ITEM_LIMIT),
        TEXT.replace(b"SUMMARY:", b"X-A:1\r\n" * 30_000 + b"SUMMARY:"),
    ],
)
def test_what_is_too_large_or_too_deep_is_not_looked_at(data: bytes) -> None:
    assert parsed(data) is None


def test_a_long_title_and_text_are_cut() -> None:
    found = read(TEXT.replace(b"SUMMARY:", b"SUMMARY:" + b"y" * 5_000), href="h", etag="e")
    assert found is not None
    assert len(found.title) == 1_000


def test_one_changed_occurrence_of_a_series_is_not_the_item() -> None:
    event = TEXT[TEXT.index(b"BEGIN:VEVENT") : TEXT.index(b"END:VCALENDAR")]
    changed = event.replace(b"UID:", b"RECURRENCE-ID:20260330T063000Z\r\nUID:").replace(b"Waiting", b"Changed")
    found = read(TEXT.replace(b"BEGIN:VEVENT", changed + b"BEGIN:VEVENT", 1), href="h", etag="e")
    assert found is not None
    assert found.title.startswith("Waiting")


def test_an_item_that_moves_rings_again() -> None:
    snoozed = TEXT.replace(b"BEGIN:VALARM", b"BEGIN:VALARM\r\nACKNOWLEDGED:20260302T090000Z")
    snoozed = snoozed.replace(b"CLASS:PRIVATE", b"CLASS:PRIVATE\r\nX-MOZ-LASTACK:20260302T090000Z")
    same = revise(snoozed, an_event(title="New"), NOW)
    moved = revise(snoozed, an_event(start=datetime(2026, 4, 1, 8, 30)), NOW)
    assert b"ACKNOWLEDGED" in same
    assert b"X-MOZ-LASTACK" in same
    assert b"ACKNOWLEDGED" not in moved
    assert b"X-MOZ-LASTACK" not in moved
    assert moved.count(b"BEGIN:VALARM") == 1


def test_sequence_rises_with_every_change() -> None:
    twice = revise(revise(TEXT, an_event(title="b"), NOW), an_event(title="c"), NOW)
    assert b"SEQUENCE:2" in twice


def test_what_is_not_ours_is_never_rewritten() -> None:
    foreign = TEXT.replace(b"X-CRM-REMINDER", b"X-OTHER")
    with pytest.raises(Skippable):
        revise(foreign, an_event(), NOW)


def test_the_zone_is_spelt_out_for_the_years_around() -> None:
    far = compose(replace(an_event(), start=datetime(2035, 7, 2, 8, 30)), NOW).decode()
    assert "BEGIN:VTIMEZONE" in far
    assert "20350325T0" in far


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        ("W. Europe Standard Time", "Europe/Berlin"),
        ("w. europe standard time", "Europe/Berlin"),
        ('"Europe/Berlin"', "Europe/Berlin"),
        ("/freeassociation.sourceforge.net/Tzfile/Europe/Berlin", "Europe/Berlin"),
        ("/mozilla.org/20070129_1/America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires"),
        ("UTC", "UTC"),
        ("Customized Time Zone", None),
        ("Europe", None),
        ("../../../etc/passwd", None),
        ("a\0b", None),
        ("x" * 10_000, None),
        ("", None),
    ],
)
def test_zone_names_of_programs_are_translated(name: str, zone: str | None) -> None:
    assert iana_name(name) == zone


@pytest.mark.parametrize(
    ("title", "categories", "status", "done"),
    [
        ("✓ Call", (), "", True),
        ("Done - call", (), "", True),
        ("Call", ("Work", "Done"), "", True),
        ("Call", (), "completed", True),
        ("Donelly", ("Undone",), "CONFIRMED", False),
        ("", (), "", False),
    ],
)
def test_done_is_what_people_write(title: str, categories: tuple[str, ...], status: str, done: bool) -> None:
    assert means_done(title, categories, status) is done
