"""Reminders in a calendar of Exchange Online behind a wire that breaks: what is told of CalDAV holds here too."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent.store.database import Database
from agent.store.hashes import Hasher
from config.model import Calendar, GraphCalendar
from connectors.base import CalendarSink
from connectors.graph.calendar import GraphSink
from tests.contracts.graph_owner import access_to
from tests.servers.graph import Tenant
from tests.servers.graph.mailbox import Mailbox
from tests.unit import test_reminder_caldav
from tests.unit.reminder_room import Room

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # what differs is the calendar alone

test_cut_off_creation = test_reminder_caldav.test_an_item_whose_creation_was_cut_off_stands_exactly_once
test_cut_off_withdrawal = test_reminder_caldav.test_a_withdrawal_that_was_cut_off_removes_it_and_dismisses_nothing
test_killed = test_reminder_caldav.test_a_process_killed_between_the_write_and_the_commit_leaves_exactly_one_item
test_edited = test_reminder_caldav.test_the_owners_edit_is_kept_and_their_deletion_is_not_undone
test_ticked_off = test_reminder_caldav.test_the_owner_ticks_it_off
test_deleted_early = test_reminder_caldav.test_an_item_deleted_before_it_was_ever_read_back_is_dismissed
test_restored = test_reminder_caldav.test_after_a_restored_backup_no_second_item_stands
test_away = test_reminder_caldav.test_a_server_that_is_away_for_a_day_gets_everything_later
test_others = test_reminder_caldav.test_nothing_of_the_owners_own_is_touched


@dataclass(frozen=True, kw_only=True)
class Item:
    """version: changes with the event."""

    href: str
    version: str
    title: str


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """The owner's calendar, in the words of a CalDAV collection of the lab."""

    mailbox: Mailbox

    def items(self) -> list[Item]:
        return [
            Item(href=event.immutable_id, version=event.change_key, title=event.subject)
            for event in self.mailbox.calendars.events()
        ]

    def edit(self, item: Item, old: str, new: str) -> Item:
        title = f"SUMMARY:{item.title}".replace(old, new).removeprefix("SUMMARY:")
        self.mailbox.calendars.change(self.mailbox.calendars.event(item.href), subject=title)
        return next(one for one in self.items() if one.href == item.href)

    def delete(self, href: str) -> None:
        self.mailbox.calendars.delete(self.mailbox.calendars.event(href))

    def put(self, name: str, text: str) -> None:
        start = datetime(2026, 4, 1, 8, 0, tzinfo=UTC)
        self.mailbox.calendars.add(start, start + timedelta(hours=1), subject=name + text[:10])


@dataclass(frozen=True, kw_only=True)
class Wire:
    """Faults of the tenant by the names of the proxy in front of a CalDAV server."""

    tenant: Tenant

    def lose_answer(self, verb: str) -> None:
        self.tenant.faults.lose_answer(self._path(verb))

    def lose_request(self, verb: str) -> None:
        self.tenant.faults.lose_request(self._path(verb))

    def answer(self, status: int, *, times: int | None) -> None:
        self.tenant.faults.fail(status, times=times)

    def clear(self) -> None:
        self.tenant.faults.clear()

    def _path(self, verb: str) -> str:
        return "POST .*/events" if verb == "PUT" else f"{verb} .*/events"


class GraphRoom(Room):
    """A room whose calendar stands in Exchange Online."""

    def open(self, calendar: Calendar) -> CalendarSink:
        assert isinstance(calendar, GraphCalendar)
        return GraphSink(calendar, today=lambda: self.now.date(), sleep=lambda _: None)


@pytest.fixture
def calendar(graph_tenant: Tenant) -> Outlook:
    return Outlook(mailbox=graph_tenant.mailbox("anna@lab.example"))


@pytest.fixture
def dav_proxy(graph_tenant: Tenant) -> Wire:
    return Wire(tenant=graph_tenant)


@pytest.fixture
def room(
    database: Database, hasher: Hasher, tmp_path: Path, calendar: Outlook, graph_tenant: Tenant, ca_file: Path
) -> Room:
    access = access_to(graph_tenant, calendar.mailbox.address, ca_file, tmp_path)
    room = GraphRoom(database=database, hasher=hasher, folder=tmp_path, calendar=GraphCalendar(access=access))
    room.contact()
    return room


def test_nobody_was_ever_invited(room: Room, calendar: Outlook) -> None:
    room.wrote()
    room.tend()
    room.wait(hours=1)
    room.bounced(kind="auto-reply")
    room.tend()
    assert calendar.mailbox.calendars.written
    assert calendar.mailbox.calendars.attendees_written == []
