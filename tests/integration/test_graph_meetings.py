"""Meetings with contacts in calendars of Exchange Online: once each, as the calendar that counts says, only read."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agent.store.calendar.outset import outset
from agent.store.database import Database
from agent.store.hashes import Hasher
from agent.store.mail import history
from agent.store.schedule.absences import Absence
from agent.store.unit import Lease
from agent.sync.meetings import Diary, read_meetings
from config.model import GraphCalendar
from connectors import registry
from connectors.errors import Fatal
from connectors.graph.appointments import appointment_of, uid_of
from connectors.meeting import Window
from matchers.policy import MatchPolicy, own_of
from tests.contracts.graph_owner import access_to
from tests.servers.graph import Tenant
from tests.servers.graph.calendar import Event
from tests.servers.graph.mailbox import Mailbox
from tests.unit.reminder_room import MONDAY, Room, a_mailbox

ANNA, BEN, ZOE = "anna@ourfirm.example", "ben@ourfirm.example", "zoe@buyer.example"
START = datetime(2026, 3, 4, 13, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
UID = "040000008200E00074C5B7101A82E008{}70C9A1B2C3D4DA01000000000000000010000000DE40000000000000000000000000000A"
ROOM = {"type": "resource", "emailAddress": {"address": "room1@ourfirm.example", "name": "Room 1"}}


def person(address: str, response: str = "none", name: str = "") -> dict[str, Any]:
    return {
        "type": "required",
        "status": {"response": response, "time": "0001-01-01T00:00:00Z"},
        "emailAddress": {"address": address, "name": name or address},
    }


@dataclass
class Firm:
    """Anna and Ben with a mailbox each."""

    room: Room
    mailboxes: dict[str, Mailbox]
    calendars: dict[str, GraphCalendar]
    now: datetime = MONDAY

    def read(self, address: str = ANNA) -> int:
        mailbox = next(one for one in (self.room.mailbox, *self.room.others) if one.address == address)
        fresh, error = read_meetings(
            Diary(
                database=self.room.database,
                hasher=self.room.hasher,
                lease=Lease(mailbox_id=self.room.ids[address], owner="test", epoch=1),
                mailbox=mailbox.model_copy(update={"capture": "full"}),
                own=own_of(mailbox, ("ourfirm.example",), (self.room.mailbox, *self.room.others)),
                policy=MatchPolicy(),
                place="calendar",
                open_source=lambda: registry.open_meetings(self.calendars[address]),
                clock=lambda: self.now,
            )
        )
        if error is not None:
            raise error
        return fresh

    def put(self, owner: str = ANNA, start: datetime = START, end: datetime | None = None, **fields: Any) -> Event:
        """The demo that Anna invites Ben and Zoe to."""
        usual: dict[str, Any] = {
            "subject": "Demo",
            "organizer": {"emailAddress": {"address": ANNA, "name": "Anna"}},
            "attendees": [person(ZOE, name="Zoe"), person(BEN), ROOM],
            "iCalUId": UID.format("00000000"),
        }
        return self.mailboxes[owner].calendars.add(start, end or start + HOUR, **{**usual, **fields})

    def history(self) -> list[dict[str, Any]]:
        with self.room.database.read() as connection:
            return list(history.listed(connection, history.Wanted()))

    def only(self) -> dict[str, Any]:
        (one,) = self.history()
        return one

    def times(self) -> list[str]:
        return [one["occurred_at"].strftime("%m-%d %H:%M") for one in reversed(self.history())]

    def absences(self) -> tuple[Absence, ...]:
        with self.room.database.read() as connection:
            return outset(connection, self.room.ids[ANNA]).away


@pytest.fixture
def firm(graph_tenant: Tenant, hasher: Hasher, sqlite_template: Path, ca_file: Path, tmp_path: Path) -> Iterator[Firm]:
    shutil.copyfile(sqlite_template, tmp_path / "crm-agent.db")
    database = Database(f"sqlite:///{tmp_path / 'crm-agent.db'}")
    room = Room(database=database, hasher=hasher, folder=tmp_path, others=(a_mailbox(BEN),))
    room.contact("zoe")
    application = graph_tenant.application()
    mailboxes = {address: graph_tenant.mailbox(address) for address in (ANNA, BEN)}
    reach = {address: access_to(graph_tenant, address, ca_file, tmp_path, application) for address in mailboxes}
    calendars = {address: GraphCalendar(access=access, name="Follow-ups") for address, access in reach.items()}
    yield Firm(room=room, mailboxes=mailboxes, calendars=calendars)
    database.close()


def test_a_meeting_is_logged_once_for_two_attendees_and_nothing_is_touched(firm: Firm) -> None:
    """From the main calendar, whichever the reminders have. The organiser's says when and what."""
    firm.put()
    firm.put(BEN, START - HOUR, subject="Another", responseStatus={"response": "accepted"})
    before = [mailbox.snapshot() for mailbox in firm.mailboxes.values()]
    assert [firm.read(BEN), firm.read(ANNA), firm.read(ANNA)] == [1, 0, 0]
    one = firm.only()
    assert (one["kind"], one["direction"], one["subject"]) == ("meeting", "outbound", "Demo")
    assert one["occurred_at"] == START
    assert one["mailboxes"] == [ANNA, BEN]
    assert [(who["email"], who["role"]) for who in one["contacts"]] == [(ZOE, "attendee")]
    assert [mailbox.snapshot() for mailbox in firm.mailboxes.values()] == before


def test_moved_it_is_updated_and_cancelled_it_is_marked(firm: Firm) -> None:
    event = firm.put()
    firm.read()
    calendars = firm.mailboxes[ANNA].calendars
    calendars.reschedule(event, START + DAY, START + DAY + HOUR)
    firm.read()
    assert firm.only()["occurred_at"] == START + DAY
    calendars.reschedule(event, START + 200 * DAY, START + 200 * DAY + HOUR)
    firm.read()
    assert (firm.only()["occurred_at"], firm.only()["flagged_as"]) == (START + 200 * DAY, [])
    calendars.change(event, isCancelled=True)
    firm.read()
    assert firm.only()["flagged_as"] == ["cancelled"]


def test_deleted_before_it_took_place_it_is_cancelled_and_afterwards_it_is_history(firm: Firm) -> None:
    calendars = firm.mailboxes[ANNA].calendars
    firm.put()
    second = firm.put(start=START + DAY, iCalUId="second@ourfirm.example")
    firm.read()
    calendars.delete(second)
    firm.read()
    assert [one["flagged_as"] for one in firm.history()] == [["cancelled"], []]
    firm.now += 5 * DAY
    for event in calendars.events():
        calendars.delete(event)
    firm.read()
    assert [one["flagged_as"] for one in firm.history()] == [["cancelled"], []]


def test_deleted_while_nobody_looked_and_the_links_were_forgotten_it_is_cancelled(firm: Firm) -> None:
    """A round from the beginning names nothing that is gone: what was told before is asked for."""
    event = firm.put()
    firm.read()
    firm.mailboxes[ANNA].calendars.delete(event)
    firm.mailboxes[ANNA].expire_links()
    firm.read()
    assert firm.only()["flagged_as"] == ["cancelled"]


def test_a_meeting_that_stands_there_anew_under_another_id_takes_place(firm: Firm) -> None:
    """Calendars that update a meeting may delete it and write it again."""
    event = firm.put()
    firm.read()
    firm.mailboxes[ANNA].calendars.delete(event)
    firm.put(subject="Demo, longer")
    firm.read()
    assert (firm.only()["subject"], firm.only()["flagged_as"]) == ("Demo, longer", [])
    assert firm.only()["mailboxes"] == [ANNA]


@pytest.mark.parametrize("kind", ["private", "personal", "confidential"])
def test_private_ones_are_never_logged_and_one_made_private_goes(firm: Firm, kind: str) -> None:
    event = firm.put(sensitivity=kind)
    assert firm.read() == 0
    firm.mailboxes[ANNA].calendars.change(event, sensitivity="normal")
    assert firm.read() == 1
    firm.mailboxes[ANNA].calendars.change(event, sensitivity=kind)
    firm.read()
    assert firm.history() == []


def test_who_declined_was_not_there(firm: Firm) -> None:
    """A guest's copy tells of their own answer alone, under whichever address they were invited."""
    firm.put(BEN, responseStatus={"response": "declined", "time": "2026-03-01T00:00:00Z"})
    assert firm.read(BEN) == 0


def test_each_time_of_a_series_is_a_meeting_and_its_exceptions_are_where_they_are(firm: Firm) -> None:
    """The head of the series is none. The day in the id of a time does not tell it apart from other calendars'."""
    firm.put(type="seriesMaster")
    first = firm.put(type="occurrence", originalStart="2026-03-04T13:00:00Z", iCalUId=UID.format("07EA0304"))
    moved = START + 7 * DAY
    firm.put(start=moved + HOUR, type="exception", originalStart="2026-03-11T13:00:00Z", iCalUId=UID.format("07EA030B"))
    firm.put(start=START + 60 * DAY, type="occurrence", originalStart="2026-05-03T13:00:00Z")
    assert firm.read() == 2
    assert firm.times() == ["03-04 13:00", "03-11 14:00"]
    firm.put(BEN, start=moved + HOUR, type="exception", originalStart="2026-03-11T14:00:00+01:00")
    assert firm.read(BEN) == 0
    firm.mailboxes[ANNA].calendars.delete(first)
    firm.read()
    assert [one["flagged_as"] for one in firm.history()] == [[], ["cancelled"]]
    firm.now += 35 * DAY
    assert firm.read() == 1


def test_a_whole_day_away_is_an_absence_and_no_meeting(firm: Firm) -> None:
    """However its midnights are told: as they are, or as moments in UTC."""
    calendars = firm.mailboxes[ANNA].calendars
    days = datetime(2026, 3, 9, tzinfo=UTC), datetime(2026, 3, 14, tzinfo=UTC)
    event = calendars.add(*days, subject="Urlaub", isAllDay=True)
    assert firm.read() == 0
    week = (Absence(first=date(2026, 3, 9), last=date(2026, 3, 13)),)
    assert firm.absences() == week
    calendars.reschedule(event, days[0] - HOUR, days[1] - HOUR)
    firm.read()
    assert firm.absences() == week
    calendars.change(event, subject="Trade fair")
    firm.read()
    assert firm.absences() == ()
    calendars.change(event, showAs="oof", sensitivity="private")
    firm.read()
    assert firm.absences() == week


def test_a_whole_day_with_a_contact_goes_from_midnight_to_midnight_where_the_owner_is(firm: Firm) -> None:
    firm.put(start=datetime(2026, 3, 9, tzinfo=UTC), end=datetime(2026, 3, 10, tzinfo=UTC), isAllDay=True)
    firm.read()
    assert firm.times() == ["03-08 23:00"]


def test_an_unchanged_calendar_is_asked_once_and_its_reminders_are_not_looked_into(
    firm: Firm, graph_tenant: Tenant
) -> None:
    firm.put()
    firm.read()
    before = graph_tenant.http.total()
    firm.read()
    assert graph_tenant.http.total() - before == 1


def test_a_missing_permission_is_named(firm: Firm, graph_tenant: Tenant) -> None:
    next(iter(graph_tenant.applications.values())).roles.clear()
    with pytest.raises(Fatal, match=r"Calendars\.ReadWrite is missing"):
        firm.read()


def test_the_address_of_another_calendar_is_refused_with_what_to_write(firm: Firm) -> None:
    with pytest.raises(Fatal) as refused:
        registry.open_meetings(firm.calendars[ANNA], "https://dav.ourfirm.example/anna/")
    assert "true" in refused.value.advice


WINDOW = Window(start=MONDAY - 60 * DAY, end=MONDAY + 31 * DAY, zone="Europe/Berlin")
TIMES = {
    "start": {"dateTime": "2026-03-04T13:00:00.0000000", "timeZone": "UTC"},
    "end": {"dateTime": "2026-03-04T14:00:00.0000000", "timeZone": "UTC"},
    "sensitivity": "normal",
}


@pytest.mark.parametrize(
    "entry",
    [
        {},
        {"start": None, "end": [], "attendees": {}},
        {**TIMES, "attendees": [None, {"emailAddress": "x"}, {"emailAddress": {"address": "/o=Firm/cn=Zoe"}}]},
        {**TIMES, "attendees": [person(ZOE)], "organizer": 7, "iCalUId": None},
        {**TIMES, "start": {"dateTime": "0001-01-01T00:00:00", "timeZone": "Nowhere"}, "isAllDay": True},
        {**TIMES, "end": {"dateTime": "9999-12-31T23:59:59", "timeZone": "UTC"}, "isAllDay": True},
        {**TIMES, "sensitivity": None, "attendees": [person(ZOE)], "iCalUId": "x"},
    ],
)
def test_whatever_stands_in_the_answer_is_no_meeting_and_no_failure(entry: dict[str, Any]) -> None:
    found = appointment_of({"id": "AAx", **entry}, WINDOW)
    assert found is None or found.meetings == ()


def test_only_ids_of_outlook_are_made_alike() -> None:
    assert uid_of(UID.format("07EA0304").lower()) == UID.format("00000000")
    assert uid_of("demo-1@ourfirm.example") == "demo-1@ourfirm.example"
