"""What a salesperson does to an item with their calendar program, and that nothing of theirs is touched.

Inherited by the contract tests of calendars that store iCalendar text. A back end gives a `desk`: a calendar program
that works on the same calendar behind the agent's back.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from typing import Protocol

import pytest

from connectors.base import CalendarSink
from connectors.errors import Conflict, Skippable
from connectors.event import FoundEvent
from tests.contracts.calendar_sink import an_event


class Desk(Protocol):
    """A calendar program. Texts are whole iCalendar objects; names are those of hrefs, without folder."""

    def text(self, found: FoundEvent) -> str:
        """What stands there."""

    def replace(self, found: FoundEvent, text: str) -> None:
        """Saves an edited item."""

    def add(self, name: str, text: str) -> None:
        """Puts another item beside ours."""

    def remove(self, found: FoundEvent) -> None:
        """Deletes an item."""

    def names(self) -> set[str]:
        """Names of everything that stands there."""


FOREIGN = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//EN\r\nBEGIN:VEVENT\r\nUID:dentist\r\nDTSTAMP:20260101T000000Z\r\n"
    "DTSTART:20260401T080000Z\r\nSUMMARY:Dentist\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)
START = "DTSTART;TZID=Europe/Berlin:20260330T083000"
END = "DTEND;TZID=Europe/Berlin:20260330T084500"


class CalendarUserContract:
    """Inherit, and provide the fixtures `make` and `desk`."""

    @pytest.fixture
    def sink(self, make: Callable[[], CalendarSink]) -> CalendarSink:
        return make()

    def edited(self, sink: CalendarSink, desk: Desk, *edits: tuple[str, str]) -> FoundEvent | None:
        """Our item after a user replaced these pieces of its text; proves that the piece was there."""
        created = sink.create(an_event())
        text = desk.text(created)
        for old, new in edits:
            assert old in text
            text = text.replace(old, new)
        desk.replace(created, text)
        return sink.find(created.uid)

    @pytest.mark.parametrize(
        "edit",
        [
            ("SUMMARY:Waiting", "SUMMARY:✓ Waiting"),
            ("SUMMARY:Waiting", "SUMMARY:Done: Waiting"),
            ("SUMMARY:Waiting", "SUMMARY:done waiting"),
            ("TRANSP:TRANSPARENT", "TRANSP:TRANSPARENT\r\nCATEGORIES:Work,Done"),
            ("TRANSP:TRANSPARENT", "TRANSP:TRANSPARENT\r\nCATEGORIES:Work\r\nCATEGORIES:done"),
            ("TRANSP:TRANSPARENT", "TRANSP:TRANSPARENT\r\nSTATUS:COMPLETED"),
        ],
    )
    def test_done_is_read_from_title_category_and_status(
        self, sink: CalendarSink, desk: Desk, edit: tuple[str, str]
    ) -> None:
        found = self.edited(sink, desk, edit)
        assert found is not None
        assert found.done

    @pytest.mark.parametrize("title", ["Donelly calls back", "Not done", "Undone"])
    def test_other_words_are_not_taken_for_done(self, sink: CalendarSink, desk: Desk, title: str) -> None:
        found = self.edited(sink, desk, ("SUMMARY:Waiting", f"SUMMARY:{title}"))
        assert found is not None
        assert not found.done

    @pytest.mark.parametrize(
        ("start", "expected", "zone"),
        [
            ("DTSTART;TZID=Europe/Vienna:20260401T100000", datetime(2026, 4, 1, 10), "Europe/Vienna"),
            ("DTSTART:20260401T080000Z", datetime(2026, 4, 1, 8), "UTC"),
            ("DTSTART;TZID=W. Europe Standard Time:20260401T100000", datetime(2026, 4, 1, 10), "Europe/Berlin"),
            ("DTSTART:20260401T100000", datetime(2026, 4, 1, 10), ""),
            ("DTSTART;VALUE=DATE:20260401", date(2026, 4, 1), ""),
        ],
    )
    def test_a_moved_item_is_read_in_the_zone_it_was_moved_to(
        self, sink: CalendarSink, desk: Desk, start: str, expected: date, zone: str
    ) -> None:
        found = self.edited(sink, desk, (START, start), (END + "\r\n", ""))
        assert found is not None
        assert (found.start, found.timezone) == (expected, zone)

    def test_what_a_user_added_to_an_item_survives_our_update(self, sink: CalendarSink, desk: Desk) -> None:
        found = self.edited(sink, desk, ("TRANSP:TRANSPARENT", "TRANSP:TRANSPARENT\r\nLOCATION:Café\r\nCOLOR:red"))
        assert found is not None
        updated = sink.update(an_event(start=datetime(2026, 4, 2, 8, 30)), found)
        text = desk.text(updated)
        assert "LOCATION:Café" in text
        assert "COLOR:red" in text
        assert updated.start == datetime(2026, 4, 2, 8, 30)

    def test_an_item_the_user_changed_meanwhile_is_neither_updated_nor_deleted(
        self, sink: CalendarSink, desk: Desk
    ) -> None:
        created = sink.create(an_event())
        desk.replace(created, desk.text(created).replace("SUMMARY:Waiting", "SUMMARY:My words"))
        with pytest.raises(Conflict):
            sink.update(an_event(title="Ours"), created)
        with pytest.raises(Conflict):
            sink.delete(created)
        found = sink.find(created.uid)
        assert found is not None
        assert found.title.startswith("My words")

    def test_an_edit_and_a_deletion_by_the_user_are_changes(self, sink: CalendarSink, desk: Desk) -> None:
        first, second = sink.create(an_event(1)), sink.create(an_event(2))
        cursor = sink.changes(None).cursor
        desk.replace(first, desk.text(first).replace("SUMMARY:Waiting", "SUMMARY:My words"))
        desk.remove(second)
        changes = sink.changes(cursor)
        assert [found.uid for found in changes.found] == [first.uid]
        assert changes.complete or second.href in changes.gone

    def test_items_of_others_do_not_exist_for_us_and_are_never_touched(self, sink: CalendarSink, desk: Desk) -> None:
        desk.add("dentist.ics", FOREIGN)
        assert sink.find("dentist") is None
        assert sink.changes(None).found == ()
        cursor = sink.changes(None).cursor
        desk.add("dentist.ics", FOREIGN.replace("Dentist", "Dentist, moved"))
        assert sink.changes(cursor).found == ()
        sink.delete(sink.create(an_event()))
        assert "dentist.ics" in desk.names()

    @pytest.mark.parametrize(
        "edit",
        [
            ("X-CRM-REMINDER:", "X-OTHER:"),
            (
                "TRANSP:TRANSPARENT",
                "TRANSP:TRANSPARENT\r\nORGANIZER:mailto:me@x.example\r\nATTENDEE:mailto:a@b.example",
            ),
            ("TRANSP:TRANSPARENT", "TRANSP:TRANSPARENT\r\nSTATUS:CANCELLED"),
        ],
    )
    def test_an_item_the_user_made_their_own_has_left_us_and_is_left_alone(
        self, sink: CalendarSink, desk: Desk, edit: tuple[str, str]
    ) -> None:
        created = sink.create(an_event())
        cursor = sink.changes(None).cursor
        desk.replace(created, desk.text(created).replace(*edit))
        changes = sink.changes(cursor)
        assert changes.found == ()
        assert changes.complete or created.href in changes.gone
        with pytest.raises(Conflict):
            sink.create(an_event())
        with pytest.raises((Conflict, Skippable)):
            sink.update(an_event(), created)
        assert created.href.rpartition("/")[2].replace("%40", "@") in desk.names()

    def test_an_item_that_moved_to_another_name_is_found_and_not_made_twice(
        self, sink: CalendarSink, desk: Desk
    ) -> None:
        created = sink.create(an_event())
        text = desk.text(created)
        desk.remove(created)
        desk.add("renamed-by-a-program.ics", text)
        found = sink.find(created.uid)
        assert found is not None
        assert found.href.endswith("renamed-by-a-program.ics")
        with pytest.raises(Conflict):
            sink.create(an_event())
        assert desk.names() == {"renamed-by-a-program.ics"}
        sink.delete(found)
        assert desk.names() == set()

    def test_nobody_is_ever_invited(self, sink: CalendarSink, desk: Desk) -> None:
        created = sink.create(an_event(categories=("CRM",)))
        text = desk.text(sink.update(replace(an_event(), title="Changed"), created))
        assert "ATTENDEE" not in text
        assert "ORGANIZER" not in text
        for line in ("CLASS:PRIVATE", "TRANSP:TRANSPARENT", "ACTION:DISPLAY", "BEGIN:VTIMEZONE", "SEQUENCE:1"):
            assert line in text
