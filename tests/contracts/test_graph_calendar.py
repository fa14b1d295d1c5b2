"""A calendar of the Graph simulator keeps the contract of calendars: the mailbox's own, and one with a name."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from config.model import GraphCalendar
from connectors.base import CalendarSink
from connectors.graph.calendar import GraphSink
from tests.contracts.calendar_sink import CalendarSinkContract
from tests.contracts.graph_owner import access_to
from tests.servers.graph import Tenant


class TestGraph(CalendarSinkContract):
    @pytest.fixture
    def make(self, graph_tenant: Tenant, ca_file: Path, tmp_path: Path) -> Callable[[], CalendarSink]:
        mailbox = graph_tenant.mailbox("anna@lab.example")
        access = access_to(graph_tenant, mailbox.address, ca_file, tmp_path)
        calendar = GraphCalendar(access=access, name="Follow-ups", create=True)
        return lambda: GraphSink(calendar, today=lambda: date(2026, 3, 20), sleep=lambda _: None)
