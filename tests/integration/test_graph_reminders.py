"""What a salesperson does to a reminder in Outlook is read back, and nothing of theirs is touched."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from config.model import GraphCalendar
from connectors.errors import Conflict, ConnectorError, Fatal, Interrupted
from connectors.event import CalendarCursor, FoundEvent
from connectors.graph.calendar import GraphSink
from tests.contracts.calendar_sink import an_event
from tests.contracts.graph_owner import access_to
from tests.servers.graph import Tenant
from tests.servers.graph.calendar import Calendars, Event
from tests.servers.graph.mailbox import Mailbox

TODAY = date(2026, 3, 20)


@pytest.fixture
def mailbox(graph_tenant: Tenant) -> Mailbox:
    return graph_tenant.mailbox("anna@lab.example")


@pytest.fixture
def make(graph_tenant: Tenant, mailbox: Mailbox, ca_file: Path, tmp_path: Path) -> Callable[..., GraphSink]:
    access = access_to(graph_tenant, mailbox.address, ca_file, tmp_path)

    def make(*, name: str | None = None, create: bool = False, today: date = TODAY) -> GraphSink:
        return GraphSink(
            GraphCalendar(access=access, name=name, create=create), today=lambda: today, sleep=lambda _: None
        )

    return make


@pytest.fixture
def sink(make: Callable[..., GraphSink]) -> GraphSink:
    return make()


def event_of(calendars: Calendars, found: FoundEvent) -> Event:
    return calendars.event(found.href)


def after(sink: GraphSink, cursor: CalendarCursor) -> FoundEvent:
    (found,) = sink.changes(cursor).found
    return found


def test_a_reminder_is_private_free_rings_and_invites_nobody(sink: GraphSink, mailbox: Mailbox) -> None:
    created = sink.create(an_event(categories=("CRM",), alarm_minutes=5))
    sink.update(an_event(title="Changed"), created)
    event = event_of(mailbox.calendars, created)
    told = {name: event.fields[name] for name in ("showAs", "sensitivity", "isReminderOn", "responseRequested")}
    assert told == {"showAs": "free", "sensitivity": "private", "isReminderOn": True, "responseRequested": False}
    assert event.fields["reminderMinutesBeforeStart"] == 5
    assert event.fields["categories"] == ["CRM"]
    assert not any("attendees" in body for body in mailbox.calendars.written)


@pytest.mark.parametrize(
    ("meant", "written"),
    [
        ("Europe/Vienna", ("2026-04-01T09:00:00", "W. Europe Standard Time")),
        ("Antarctica/Troll", ("2026-04-01T07:00:00", "UTC")),
    ],
)
def test_a_zone_that_is_refused_is_named_as_windows_does_and_read_as_it_was_meant(
    sink: GraphSink, mailbox: Mailbox, graph_tenant: Tenant, meant: str, written: tuple[str, str]
) -> None:
    """Graph takes but some of IANA's names; a zone that Windows does not know is told by its instant."""
    graph_tenant.faults.fail(400, "POST .*/events", code="TimeZoneNotSupportedException")
    event = an_event(start=datetime(2026, 4, 1, 9, 0), timezone=meant)
    found = sink.create(event)
    assert (found.start, found.timezone) == (event.start, meant)
    start = mailbox.calendars.written[-1]["start"]
    assert (start["dateTime"], start["timeZone"]) == written


@pytest.mark.parametrize("status", [503, 504])
def test_a_busy_server_is_asked_again_and_makes_one_item(
    sink: GraphSink, mailbox: Mailbox, graph_tenant: Tenant, status: int
) -> None:
    """What is written names a transaction or a version, so that it happens once."""
    for method in ("POST", "PATCH", "DELETE"):
        graph_tenant.faults.fail(status, f"{method} .*/events", times=2)
    created = sink.create(an_event())
    changed = sink.update(an_event(title="Changed"), created)
    assert [event.fields["subject"] for event in mailbox.calendars.events()] == ["Changed"]
    sink.delete(changed)
    assert not list(mailbox.calendars.events())


def test_moved_items_are_read_where_they_are_now(sink: GraphSink, mailbox: Mailbox) -> None:
    created = sink.create(an_event())
    cursor = sink.changes(None).cursor
    start = datetime(2026, 4, 1, 8, 0, tzinfo=UTC)
    mailbox.calendars.reschedule(event_of(mailbox.calendars, created), start, start + timedelta(minutes=15))
    found = after(sink, cursor)
    assert (found.start, found.timezone) == (datetime(2026, 4, 1, 10, 0), "Europe/Berlin")


@pytest.mark.parametrize(
    ("change", "done"),
    [
        ({"categories": ["Work", "Done"]}, True),
        ({"subject": "✓ Waiting"}, True),
        ({"subject": "Done: waiting"}, True),
        ({"subject": "Donelly calls back"}, False),
    ],
)
def test_done_is_read_from_category_and_title(
    sink: GraphSink, mailbox: Mailbox, change: dict[str, Any], *, done: bool
) -> None:
    created = sink.create(an_event())
    cursor = sink.changes(None).cursor
    mailbox.calendars.change(event_of(mailbox.calendars, created), **change)
    assert after(sink, cursor).done is done


def test_a_whole_day_has_a_date_and_no_zone(sink: GraphSink, mailbox: Mailbox) -> None:
    created = sink.create(an_event())
    event = event_of(mailbox.calendars, created)
    day = datetime(2026, 4, 2, tzinfo=UTC)
    mailbox.calendars.change(event, isAllDay=True)
    mailbox.calendars.reschedule(event, day, day + timedelta(days=1))
    found = sink.find(created.uid)
    assert found is not None
    assert (found.start, found.timezone) == (date(2026, 4, 2), "")


def test_windows_zones_are_translated(sink: GraphSink, mailbox: Mailbox) -> None:
    created = sink.create(an_event())
    event_of(mailbox.calendars, created).start_zone = "Tokyo Standard Time"
    found = sink.find(created.uid)
    assert found is not None
    assert (found.start, found.timezone) == (datetime(2026, 3, 30, 15, 30), "Asia/Tokyo")


@pytest.mark.parametrize(("minutes", "moved"), [(5, False), (24 * 60, True)])
def test_a_long_snooze_moves_the_reminder_and_a_short_one_does_not(
    sink: GraphSink, mailbox: Mailbox, minutes: int, *, moved: bool
) -> None:
    created = sink.create(an_event())
    event = event_of(mailbox.calendars, created)
    mailbox.calendars.snooze(event, event.start + timedelta(minutes=minutes))
    found = sink.find(created.uid)
    assert found is not None
    assert (found.start != created.start) is moved


def test_an_alarm_that_was_dismissed_leaves_the_reminder_as_it_is(sink: GraphSink, mailbox: Mailbox) -> None:
    created = sink.create(an_event())
    mailbox.calendars.dismiss(event_of(mailbox.calendars, created))
    found = sink.find(created.uid)
    assert found is not None
    assert (found.start, found.done) == (created.start, False)


def test_a_deleted_item_is_told_as_gone(sink: GraphSink, mailbox: Mailbox) -> None:
    created = sink.create(an_event())
    cursor = sink.changes(None).cursor
    mailbox.calendars.delete(event_of(mailbox.calendars, created))
    assert sink.changes(cursor).gone == (created.href,)


def test_an_item_moved_out_of_the_window_is_not_taken_for_deleted(sink: GraphSink, mailbox: Mailbox) -> None:
    created = sink.create(an_event())
    cursor = sink.changes(None).cursor
    start = datetime(2029, 1, 2, 8, 0, tzinfo=UTC)
    mailbox.calendars.reschedule(event_of(mailbox.calendars, created), start, start + timedelta(minutes=15))
    changes = sink.changes(cursor)
    assert [found.start for found in changes.found] == [datetime(2029, 1, 2, 9, 0)]
    assert changes.gone == ()
    assert [found.uid for found in sink.changes(None).found] == [created.uid]


def test_an_item_that_others_were_invited_to_is_theirs_and_left_alone(sink: GraphSink, mailbox: Mailbox) -> None:
    created = sink.create(an_event())
    cursor = sink.changes(None).cursor
    guest = {"emailAddress": {"address": "kim@customer.example", "name": "Kim"}, "type": "required"}
    mailbox.calendars.change(event_of(mailbox.calendars, created), attendees=[guest])
    assert sink.changes(cursor).gone == (created.href,)
    assert sink.find(created.uid) is None
    with pytest.raises(Conflict):
        sink.create(an_event())
    with pytest.raises(Conflict):
        sink.update(an_event(), created)


def test_appointments_of_others_do_not_exist_for_us(sink: GraphSink, mailbox: Mailbox) -> None:
    start = datetime(2026, 4, 1, 8, 0, tzinfo=UTC)
    dentist = mailbox.calendars.add(start, start + timedelta(hours=1), subject="Dentist")
    changes = sink.changes(None)
    assert changes.found == ()
    mailbox.calendars.change(dentist, subject="Dentist, moved")
    assert sink.changes(changes.cursor).found == ()
    sink.delete(sink.create(an_event()))
    assert [event.subject for event in mailbox.calendars.events()] == ["Dentist, moved"]


@pytest.mark.parametrize("memory", [3600.0, 0.0])
def test_an_answer_that_was_lost_makes_no_second_item(
    graph_tenant: Tenant, make: Callable[..., GraphSink], mailbox: Mailbox, memory: float
) -> None:
    """The item stands there, nobody knows; the next try looks first, whether the server remembers or not."""
    mailbox.transaction_memory = memory
    graph_tenant.faults.lose_answer("POST .*/events")
    with pytest.raises(Interrupted):
        make().create(an_event())
    with pytest.raises(Conflict):
        make().create(an_event())
    assert len(mailbox.calendars.events()) == 1
    assert make().find(an_event().uid) is not None


def test_a_forgotten_link_means_everything(sink: GraphSink, mailbox: Mailbox) -> None:
    created = sink.create(an_event())
    cursor = sink.changes(None).cursor
    mailbox.expire_links()
    changes = sink.changes(cursor)
    assert changes.complete
    assert [found.uid for found in changes.found] == [created.uid]


def test_the_window_moves_with_the_months(make: Callable[..., GraphSink]) -> None:
    cursor = make().changes(None).cursor
    assert not make(today=TODAY + timedelta(days=20)).changes(cursor).complete
    assert make(today=TODAY + timedelta(days=40)).changes(cursor).complete


def test_a_named_calendar_is_made_once_and_only_if_wanted(make: Callable[..., GraphSink], mailbox: Mailbox) -> None:
    with pytest.raises(Fatal, match="no calendar named"):
        make(name="Follow-ups").changes(None)
    for _ in range(2):
        make(name="Follow-ups", create=True).changes(None)
    assert [calendar.name for calendar in mailbox.calendars.all.values()] == ["Calendar", "Follow-ups"]


def test_a_missing_permission_is_named(graph_tenant: Tenant, sink: GraphSink) -> None:
    next(iter(graph_tenant.applications.values())).roles.discard("Calendars.ReadWrite")
    with pytest.raises(ConnectorError, match=r"Calendars\.ReadWrite is missing"):
        sink.create(an_event())


def test_an_item_that_is_kept_back_is_not_taken_for_deleted_and_blocks_no_other(
    sink: GraphSink, mailbox: Mailbox, graph_tenant: Tenant
) -> None:
    created, other = sink.create(an_event()), sink.create(an_event(2))
    cursor = sink.changes(None).cursor
    for one in (created, other):
        mailbox.calendars.change(event_of(mailbox.calendars, one), subject="Another")
    graph_tenant.faults.fail(400, f"GET .*/events/{re.escape(created.href)}", code="ErrorItemCorrupt", times=None)
    told = sink.changes(cursor)
    assert ([one.href for one in told.found], told.gone) == ([other.href], ())
