"""Reminders in an Exchange calendar: what its owner does to them, what never happens to anybody else, and crashes."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from config.model import ExchangeCalendar
from connectors import own_property
from connectors.errors import Conflict, Fatal, Retriable
from connectors.event import CalendarEvent
from connectors.exchange import ExchangeSink, open_calendar
from tests.contracts.calendar_sink import an_event
from tests.contracts.exchange_owner import access_to
from tests.servers.ews import EwsServer, Mailbox
from tests.servers.ews.fields import Field, simple
from tests.servers.ews.soap import tag, text

Make = Callable[..., ExchangeSink]


@pytest.fixture
def box(ews: EwsServer) -> Mailbox:
    return ews.mailbox()


@pytest.fixture
def make(ews: EwsServer, box: Mailbox, tmp_path: Path) -> Make:
    def make_it(**changes: object) -> ExchangeSink:
        return open_calendar(ExchangeCalendar(access=access_to(ews, box, tmp_path), **changes))

    return make_it


def reminder(**changes: Any) -> CalendarEvent:
    return an_event(**changes)


def test_an_item_is_private_free_rings_and_names_nobody(ews: EwsServer, box: Mailbox, make: Make) -> None:
    created = make().create(reminder(categories=("CRM",), alarm_minutes=5))
    item = box.item(created.href)
    told = {name: item[name] for name in ("Sensitivity", "LegacyFreeBusyStatus", "ReminderIsSet", "Categories")}
    assert told == {
        "Sensitivity": "Private",
        "LegacyFreeBusyStatus": "Free",
        "ReminderIsSet": "true",
        "Categories": "CRM",
    }
    assert item["ReminderMinutesBeforeStart"] == "5"
    assert not any(item[name] for name in ("RequiredAttendees", "OptionalAttendees", "Resources"))
    written = [one.body for one in ews.asked if one.operation in ("CreateItem", "UpdateItem", "DeleteItem")]
    assert written
    assert all(b"SendToNone" in body for body in written)
    assert all(b"SendToAll" not in body and b"SendOnlyToAll" not in body for body in written)


def test_the_mark_is_the_one_that_graph_knows(ews: EwsServer, make: Make) -> None:
    make().create(reminder())
    (written,) = (one.body.decode() for one in ews.asked if one.operation == "CreateItem")
    assert f'PropertySetId="{own_property.PROPERTY_SET}" PropertyName="{own_property.PROPERTY_NAME}"' in written
    assert f"<t:Value>{reminder().uid}</t:Value>" in written


def test_what_its_owner_does_to_an_item_is_told(box: Mailbox, make: Make) -> None:
    sink = make()
    moved, renamed, categorised, noted, thrown = (sink.create(an_event(number)) for number in range(1, 6))
    cursor = sink.changes(None).cursor
    box.reschedule(moved.href, datetime(2026, 4, 1, 8, 0, tzinfo=UTC))
    box.retitle(renamed.href, "✓ Waiting")
    box.categorise(categorised.href, "Done")
    box.note(noted.href, "Note:\r\nShe will order in May.")
    box.delete(thrown.href)
    box.appointment("Dentist", datetime(2026, 4, 1, 8, 0, tzinfo=UTC))
    changes = sink.changes(cursor)
    found = {one.uid: one for one in changes.found}
    assert found.keys() == {moved.uid, renamed.uid, categorised.uid, noted.uid}
    assert (found[moved.uid].start, found[moved.uid].timezone) == (datetime(2026, 4, 1, 10, 0), "Europe/Berlin")
    assert found[renamed.uid].done
    assert found[categorised.uid].done
    assert "She will order in May." in found[noted.uid].description
    assert thrown.href in changes.gone
    assert not {one.href for one in changes.found} & set(changes.gone)


def test_an_item_thrown_into_the_trash_or_another_calendar_is_gone(box: Mailbox, make: Make) -> None:
    sink = make()
    created = sink.create(reminder())
    cursor = sink.changes(None).cursor
    box.delete(created.href, trash=True)
    assert created.href in sink.changes(cursor).gone
    assert sink.find(created.uid) is None


def test_an_item_made_a_whole_day_has_a_date(box: Mailbox, make: Make) -> None:
    sink = make()
    created = sink.create(reminder())
    box.reschedule(created.href, datetime(2026, 3, 31, 22, 0, tzinfo=UTC))  # midnight in Berlin
    box.set(created.href, "IsAllDayEvent", simple("IsAllDayEvent", "true"))
    found = sink.find(created.uid)
    assert found is not None
    assert (found.start, found.timezone) == (date(2026, 4, 1), "")


@pytest.mark.parametrize("people", [True, False], ids=["invited", "cancelled"])
def test_an_item_with_people_in_it_or_cancelled_is_its_owners(box: Mailbox, make: Make, people: bool) -> None:
    sink = make()
    created = sink.create(reminder())
    cursor = sink.changes(None).cursor
    guest = tag("t:Attendee", tag("t:Mailbox", text("t:EmailAddress", "kim@customer.example")))
    if people:
        box.set(created.href, "RequiredAttendees", Field(tag("t:RequiredAttendees", guest), "kim"))
    else:
        box.set(created.href, "IsCancelled", simple("IsCancelled", "true"))
    assert sink.find(created.uid) is None
    assert created.href in sink.changes(cursor).gone
    with pytest.raises(Conflict):
        sink.create(reminder())
    with pytest.raises(Conflict):
        sink.update(reminder(), created)
    assert box.item(created.href)


def test_an_update_keeps_what_its_owner_added_and_does_not_ring_again(box: Mailbox, make: Make) -> None:
    sink = make()
    created = sink.create(reminder())
    box.set(created.href, "Location", simple("Location", "Café"))
    box.set(created.href, "ReminderIsSet", simple("ReminderIsSet", "false"))
    box.categorise(created.href, "Work")
    found = sink.find(created.uid)
    assert found is not None
    updated = sink.update(replace(reminder(), title="Changed"), found)
    item = box.item(updated.href)
    assert (item["Location"], item["Categories"], item["ReminderIsSet"]) == ("Café", "Work", "false")
    later = sink.update(replace(reminder(), start=datetime(2026, 4, 2, 8, 30)), updated)
    assert box.item(later.href)["ReminderIsSet"] == "true"


def test_a_create_whose_answer_was_lost_is_found_and_not_made_twice(ews: EwsServer, make: Make) -> None:
    """Scenario 37."""
    ews.faults.lose_answer("CreateItem")
    with pytest.raises(Retriable):
        make().create(reminder())
    again = make()
    with pytest.raises(Conflict):
        again.create(reminder())
    assert again.find(reminder().uid) is not None
    assert len(again.changes(None).found) == 1
    assert ews.operations["CreateItem"] == 1


def test_of_two_made_at_once_by_two_hosts_the_first_stays(ews: EwsServer, box: Mailbox, make: Make) -> None:
    """Their locks do not know of each other; whoever comes second sees the other's item and takes back its own."""
    other = make(name="Other", create=True)
    first = other.create(reminder())

    def somebody_else_is_quicker() -> None:
        box.move(first.href, "calendar")

    ews.faults.before(somebody_else_is_quicker, "CreateItem")
    with pytest.raises((Conflict, Retriable)):
        make().create(reminder())
    assert len(make().changes(None).found) == 1


def test_a_named_calendar_is_made_once_if_that_is_wanted(ews: EwsServer, make: Make) -> None:
    with pytest.raises(Fatal, match="Follow-ups"):
        make(name="Follow-ups").find("x")
    one, two = make(name="Follow-ups", create=True), make(name="follow-ups", create=True)
    created = one.create(reminder())
    assert two.find(created.uid) == created
    assert ews.operations["CreateFolder"] == 1
    assert make().find(created.uid) is None


def test_a_forgotten_state_answers_with_everything(box: Mailbox, make: Make) -> None:
    sink = make()
    created = sink.create(reminder())
    cursor = sink.changes(None).cursor
    box.invalidate_sync_states()
    changes = sink.changes(cursor)
    assert changes.complete
    assert [one.uid for one in changes.found] == [created.uid]


def test_times_with_fractions_of_a_second_are_read(ews: EwsServer, make: Make) -> None:
    ews.exchange.fractional = True
    found = make().create(reminder())
    assert found.start == reminder().start


def test_a_wall_time_that_a_change_of_clocks_leaves_out_moves_forward(make: Make) -> None:
    created = make().create(reminder(start=datetime(2026, 3, 29, 2, 30)))
    assert created.start == datetime(2026, 3, 29, 3, 30)


def test_a_calendar_that_was_thrown_away_is_made_again(box: Mailbox, make: Make) -> None:
    sink = make(name="Follow-ups", create=True)
    sink.create(reminder())
    cursor = sink.changes(None).cursor
    box.delete_folder("Calendar/Follow-ups")
    changes = sink.changes(cursor)
    assert (changes.found, changes.complete) == ((), True)
    assert sink.create(reminder())


def test_an_item_that_is_kept_back_is_not_taken_for_deleted(ews: EwsServer, box: Mailbox, make: Make) -> None:
    sink = make()
    created = sink.create(reminder())
    cursor = sink.changes(None).cursor
    box.retitle(created.href, "Another")
    ews.faults.refuse("ErrorItemCorrupt", "GetItem", whole=False)
    told = sink.changes(cursor)
    assert (told.found, told.gone) == ((), ())
    ews.faults.refuse("ErrorItemCorrupt", "GetItem", whole=False)
    everything = sink.changes(None)
    assert (everything.found, everything.complete) == ((), False)
    again = sink.changes(everything.cursor)
    assert ([one.href for one in again.found], again.complete) == ([created.href], True)
