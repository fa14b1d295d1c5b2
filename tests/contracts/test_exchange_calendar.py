"""A calendar of Exchange Server keeps the contract of calendars through EWS."""

from collections.abc import Callable
from pathlib import Path

import pytest

from config.model import ExchangeCalendar
from connectors.exchange import ExchangeSink, open_calendar
from tests.contracts.calendar_sink import CalendarSinkContract
from tests.contracts.exchange_owner import access_to
from tests.servers.ews import EwsServer, Mailbox


class TestExchangeCalendar(CalendarSinkContract):
    @pytest.fixture
    def box(self, ews: EwsServer) -> Mailbox:
        return ews.mailbox()

    @pytest.fixture
    def make(self, ews: EwsServer, box: Mailbox, tmp_path: Path) -> Callable[[], ExchangeSink]:
        calendar = ExchangeCalendar(access=access_to(ews, box, tmp_path))
        return lambda: open_calendar(calendar)
