"""The calendar in memory keeps what every calendar keeps."""

from collections.abc import Callable

import pytest

from connectors.base import CalendarSink
from connectors.memory_calendar import MemoryCalendar
from tests.contracts.calendar_sink import CalendarSinkContract


class TestMemory(CalendarSinkContract):
    @pytest.fixture
    def make(self) -> Callable[[], CalendarSink]:
        return MemoryCalendar().open
