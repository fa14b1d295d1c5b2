"""The calendar in memory keeps the contract of calendars."""

from collections.abc import Callable
from datetime import date

import pytest

from connectors.base import CalendarSink
from connectors.errors import Conflict, Retriable
from connectors.memory import MemoryCalendar
from tests.contracts.calendar_sink import CalendarSinkContract, an_event


class TestMemoryCalendar(CalendarSinkContract):
    @pytest.fixture
    def calendar(self) -> MemoryCalendar:
        return MemoryCalendar()

    @pytest.fixture
    def make(self, calendar: MemoryCalendar) -> Callable[[], CalendarSink]:
        return calendar.open

    def test_what_the_owner_does_is_a_change_and_a_conflict_for_the_older_version(
        self, calendar: MemoryCalendar
    ) -> None:
        sink = calendar.open()
        first, second, third = (sink.create(an_event(number)) for number in (1, 2, 3))
        cursor = sink.changes(None).cursor
        calendar.user_moves(first.uid, date(2026, 4, 1))
        calendar.user_finishes(second.uid)
        calendar.user_deletes(third.uid)
        changes = sink.changes(cursor)
        assert {found.uid: (found.start, found.done) for found in changes.found} == {
            first.uid: (date(2026, 4, 1), False),
            second.uid: (second.start, True),
        }
        assert changes.gone == (third.href,)
        with pytest.raises(Conflict):
            sink.update(an_event(1, title="Ours"), first)

    def test_an_answer_that_is_lost_after_the_write_leaves_the_item(self, calendar: MemoryCalendar) -> None:
        def lose(call: str) -> None:
            raise Retriable(f"the connection broke after {call}")

        calendar.faults.after_write = lose
        with pytest.raises(Retriable):
            calendar.open().create(an_event())
        calendar.faults.after_write = None
        assert calendar.open().find(an_event().uid) is not None
        with pytest.raises(Conflict):
            calendar.open().create(an_event())
        assert calendar.writes == ["create"]

    def test_a_server_that_forgets_answers_with_everything(self, calendar: MemoryCalendar) -> None:
        sink = calendar.open()
        sink.create(an_event())
        cursor = sink.changes(None).cursor
        calendar.faults.forget = True
        changes = sink.changes(cursor)
        assert changes.complete
        assert len(changes.found) == 1
