"""Meetings with contacts in the calendars of a firm on Exchange Server: once each, and never touched."""

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
from config.model import ExchangeCalendar
from connectors import registry
from connectors.errors import Fatal
from connectors.exchange import ExchangeMeetings, meetings
from connectors.meeting import Window
from matchers.policy import MatchPolicy, own_of
from tests.contracts.exchange_owner import access_to
from tests.servers.ews import EwsServer, Mailbox
from tests.servers.ews.fields import flag, moment, simple
from tests.servers.ews.people import Person
from tests.unit.reminder_room import MONDAY, Room, a_mailbox

ANNA, BEN, ZOE = "anna@ourfirm.example", "ben@ourfirm.example", "zoe@buyer.example"
WEDNESDAY = datetime(2026, 3, 4, 13, 0, tzinfo=UTC)
UID = "040000008200E00074C5B7101A82E00800000000A0B1C2D3E4F5DB0100000000000000001000000011223344556677889900AABBCCDDEEFF"
WINDOW = Window(start=MONDAY - timedelta(days=60), end=MONDAY + timedelta(days=31), zone="Europe/Berlin")


def demo(**changes: object) -> dict[str, Any]:
    """Anna shows Ben's and Zoe's firms something."""
    people = {"organiser": ("Anna", ANNA), "required": [("Zoe", ZOE)], "optional": [("Ben", BEN)]}
    return {"uid": UID, **people, "rooms": [("Room 1", "room1@ourfirm.example")], **changes}


@dataclass
class Firm:
    """Anna and Ben with a mailbox each."""

    room: Room
    server: EwsServer
    boxes: dict[str, Mailbox]
    secrets: Path
    now: datetime = MONDAY

    def calendar(self, address: str = ANNA) -> ExchangeCalendar:
        return ExchangeCalendar(access=access_to(self.server, self.boxes[address], self.secrets))

    def read(self, address: str = ANNA) -> int:
        mailbox = next(one for one in (self.room.mailbox, *self.room.others) if one.address == address)
        fresh, error = read_meetings(
            Diary(
                database=self.room.database,
                hasher=self.room.hasher,
                lease=Lease(mailbox_id=self.room.ids[address], owner="test", epoch=1),
                mailbox=mailbox,
                own=own_of(mailbox, ("ourfirm.example",), (self.room.mailbox, *self.room.others)),
                policy=MatchPolicy(),
                place="calendar",
                open_source=lambda: registry.open_meetings(self.calendar(address)),
                clock=lambda: self.now,
            )
        )
        assert error is None
        return fresh

    def history(self) -> list[dict[str, object]]:
        with self.room.database.read() as connection:
            return list(history.listed(connection, history.Wanted()))

    def only(self) -> dict[str, object]:
        (one,) = self.history()
        return one

    def away(self) -> tuple[Absence, ...]:
        with self.room.database.read() as connection:
            return outset(connection, self.room.ids[ANNA]).away


@pytest.fixture
def firm(tmp_path: Path, sqlite_template: Path, hasher: Hasher, ews: EwsServer) -> Iterator[Firm]:
    shutil.copyfile(sqlite_template, tmp_path / "crm-agent.db")
    database = Database(f"sqlite:///{tmp_path / 'crm-agent.db'}")
    room = Room(database=database, hasher=hasher, folder=tmp_path, others=(a_mailbox(BEN),))
    room.contact("zoe")
    yield Firm(room=room, server=ews, boxes={ANNA: ews.mailbox(), BEN: ews.mailbox()}, secrets=tmp_path)
    database.close()


@pytest.fixture
def anna(firm: Firm) -> Mailbox:
    return firm.boxes[ANNA]


def test_a_meeting_with_a_contact_is_logged_with_who_when_and_title_and_nothing_is_touched(
    firm: Firm, anna: Mailbox
) -> None:
    anna.meeting("Demo", WEDNESDAY, **demo())
    anna.meeting("Among ourselves", WEDNESDAY, **demo(uid="2", required=[("Ben", BEN)], optional=[]))
    anna.appointment("Dentist", WEDNESDAY)
    before = anna.snapshot()
    assert firm.read() == 1
    one = firm.only()
    assert (one["kind"], one["direction"], one["subject"]) == ("meeting", "outbound", "Demo")
    assert one["occurred_at"] == WEDNESDAY
    assert [(who["email"], who["role"]) for who in one["contacts"]] == [(ZOE, "attendee")]  # type: ignore[attr-defined]  # JSON of a command
    assert firm.read() == 0
    assert anna.snapshot() == before
    assert {asked.operation for asked in firm.server.asked} == {"GetFolder", "FindItem", "GetItem"}


def test_once_across_attendees_and_the_organisers_calendar_says_when(firm: Firm, anna: Mailbox) -> None:
    anna.meeting("Demo", WEDNESDAY, **demo())
    firm.boxes[BEN].meeting("Demo", WEDNESDAY - timedelta(hours=5), **demo(uid=UID.lower()))
    assert [firm.read(BEN), firm.read(ANNA)] == [1, 0]
    assert firm.only()["mailboxes"] == [ANNA, BEN]
    assert firm.only()["occurred_at"] == WEDNESDAY


def test_moved_it_is_updated_and_cancelled_it_is_marked(firm: Firm, anna: Mailbox) -> None:
    item = anna.meeting("Demo", WEDNESDAY, **demo())
    firm.read()
    anna.reschedule(item, WEDNESDAY + timedelta(days=1))
    firm.read()
    assert firm.only()["occurred_at"] == WEDNESDAY + timedelta(days=1)
    anna.reschedule(item, WEDNESDAY + timedelta(days=180))
    firm.read()
    assert (firm.only()["flagged_as"], firm.only()["occurred_at"]) == ([], WEDNESDAY + timedelta(days=180))
    anna.set(item, "IsCancelled", flag("IsCancelled", True))
    firm.read()
    anna.reschedule(item, WEDNESDAY)
    firm.read()
    assert firm.only()["flagged_as"] == ["cancelled"]


def test_deleted_before_it_took_place_it_is_cancelled_and_afterwards_it_is_history(firm: Firm, anna: Mailbox) -> None:
    first = anna.meeting("Demo", WEDNESDAY, **demo())
    firm.read()
    anna.delete(first, trash=True)
    firm.read()
    assert firm.only()["flagged_as"] == ["cancelled"]
    second = anna.meeting("Second", WEDNESDAY, **demo(uid="second"))
    firm.read()
    firm.now += timedelta(days=5)
    anna.delete(second)
    firm.read()
    assert sorted(str(one["flagged_as"]) for one in firm.history()) == ["['cancelled']", "[]"]


@pytest.mark.parametrize("kind", ["Private", "Confidential"])
def test_private_ones_are_never_read_and_one_made_private_goes(firm: Firm, anna: Mailbox, kind: str) -> None:
    item = anna.meeting("Demo", WEDNESDAY, **demo())
    anna.set(item, "Sensitivity", simple("Sensitivity", kind))
    assert firm.read() == 0
    assert firm.server.operations["GetItem"] == 0
    anna.set(item, "Sensitivity", simple("Sensitivity", "Normal"))
    assert firm.read() == 1
    anna.set(item, "Sensitivity", simple("Sensitivity", kind))
    firm.read()
    assert firm.history() == []


def test_who_declined_was_not_there(firm: Firm, anna: Mailbox) -> None:
    said = {"organiser": ("Zoe", ZOE), "required": [("Ben", BEN), ("Anna", ANNA)], "optional": []}
    mine = anna.meeting("Demo", WEDNESDAY, **demo(**said))
    anna.set(mine, "MyResponseType", simple("MyResponseType", "Decline"))
    firm.boxes[BEN].meeting("Other", WEDNESDAY, **demo(**said, uid="2", answers={BEN: "Decline"}))
    assert [firm.read(ANNA), firm.read(BEN)] == [0, 0]


def test_a_series_is_a_meeting_each_time_and_one_of_them_may_move_or_go(firm: Firm, anna: Mailbox) -> None:
    weeks = [WEDNESDAY + timedelta(weeks=week) for week in range(6)]
    times = anna.series("Jour fixe", weeks, **demo())
    anna.set(times[1], "CalendarItemType", simple("CalendarItemType", "Exception"))
    anna.reschedule(times[1], weeks[1] + timedelta(hours=2))
    assert firm.read() == 5  # the sixth lies beyond the window
    times_told = sorted(str(one["occurred_at"]) for one in firm.history())
    assert times_told[1] == str(weeks[1] + timedelta(hours=2))
    anna.reschedule(times[2], weeks[2] + timedelta(hours=1))
    anna.delete(times[3])
    firm.read()
    assert len(firm.history()) == 5
    assert [one["flagged_as"] for one in firm.history()].count(["cancelled"]) == 1
    firm.now += timedelta(days=10)
    assert firm.read() == 1


def test_who_is_invited_to_one_time_of_a_series_meets_the_others_there(firm: Firm, anna: Mailbox) -> None:
    """Outlook writes the day into the UID of such an invitation."""
    anna.series("Jour fixe", [WEDNESDAY], **demo())
    alone = firm.boxes[BEN].meeting("Jour fixe", WEDNESDAY, **demo(uid=UID[:32] + "07EA0304" + UID[40:]))
    firm.boxes[BEN].set(alone, "RecurrenceId", moment("RecurrenceId", WEDNESDAY))
    assert [firm.read(ANNA), firm.read(BEN)] == [1, 0]
    assert firm.only()["mailboxes"] == [ANNA, BEN]


def test_a_whole_day_away_is_an_absence_and_no_meeting(firm: Firm, anna: Mailbox) -> None:
    item = anna.appointment("Off", datetime(2026, 3, 8, 23, tzinfo=UTC), minutes=5 * 24 * 60)
    anna.set(item, "IsAllDayEvent", flag("IsAllDayEvent", True))
    assert firm.read() == 0
    assert firm.away() == ()
    anna.set(item, "LegacyFreeBusyStatus", simple("LegacyFreeBusyStatus", "OOF"))
    firm.read()
    assert firm.away() == (Absence(first=date(2026, 3, 9), last=date(2026, 3, 13)),)
    anna.delete(item)
    firm.read()
    assert firm.away() == ()


def test_whole_days_are_those_of_the_zone_they_were_made_in(firm: Firm, anna: Mailbox) -> None:
    item = anna.meeting("Fair", datetime(2026, 3, 8, 15, tzinfo=UTC), minutes=24 * 60, **demo())
    anna.set(item, "IsAllDayEvent", flag("IsAllDayEvent", True))
    zone = simple("StartTimeZone", "")
    anna.set(item, "StartTimeZone", type(zone)('<t:StartTimeZone Id="Tokyo Standard Time"/>', ""))
    firm.read()
    assert firm.only()["occurred_at"] == datetime(2026, 3, 8, 23, tzinfo=UTC)  # midnight of the 9th in Berlin


def test_people_whom_only_the_directory_knows_are_found_there_or_stay_unknown(firm: Firm, anna: Mailbox) -> None:
    """An organiser whom nobody knows is not the owner of the calendar."""
    firm.server.person(Person(name="Zoe", address=ZOE, legacy="/o=firm/cn=zoe"))
    people = {"organiser": ("Left", "/o=firm/cn=left"), "required": [("Zoe", "/o=firm/cn=zoe"), ("Anna", ANNA)]}
    anna.meeting("Demo", WEDNESDAY, **demo(**people))
    assert firm.read() == 1
    assert firm.only()["direction"] == "inbound"
    assert [who["email"] for who in firm.only()["contacts"]] == [ZOE]  # type: ignore[attr-defined]  # JSON of a command


def test_a_calendar_with_more_than_fits_in_one_answer_is_read_in_parts(
    firm: Firm, anna: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meetings, "MOST_LISTED", 4)
    for number in range(9):
        anna.meeting(f"Demo {number}", WEDNESDAY + timedelta(hours=number), **demo(uid=f"uid {number}"))
    assert firm.read() == 9
    monkeypatch.setattr(meetings, "MOST_APPOINTMENTS", 5)
    with pytest.raises(Fatal, match="more appointments"):
        ExchangeMeetings(firm.calendar()).meetings(None, WINDOW, ())


def test_a_calendar_in_which_nothing_changed_costs_one_question(
    firm: Firm, anna: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mark of a calendar is believed once a change is some seconds old."""
    anna.meeting("Demo", WEDNESDAY, **demo())
    source = ExchangeMeetings(firm.calendar())
    first = source.meetings(None, WINDOW, ())
    later = firm.server.world.clock() + timedelta(minutes=1)
    monkeypatch.setattr("connectors.exchange.folders.SETTLED", later - later)
    settled = source.meetings(first.cursor, WINDOW, ())
    asked = len(firm.server.asked)
    again = source.meetings(settled.cursor, WINDOW, ())
    assert (again.cursor, again.found, again.gone) == (settled.cursor, (), ())
    assert len(firm.server.asked) == asked + 1
    source.close()


def test_one_that_the_server_keeps_back_is_read_the_next_time(firm: Firm, anna: Mailbox) -> None:
    anna.meeting("Demo", WEDNESDAY, **demo())
    firm.server.faults.refuse("ErrorItemCorrupt", "GetItem", whole=False, share=1, times=1)
    assert firm.read() == 0
    assert firm.read() == 1


def test_another_calendar_cannot_be_named(firm: Firm) -> None:
    with pytest.raises(Fatal, match="main calendar"):
        registry.open_meetings(firm.calendar(), "https://elsewhere.example/anna/")
