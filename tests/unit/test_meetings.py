"""Meetings with contacts in the salesperson's own calendar, on a real CalDAV server: once each, and never touched."""

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from agent.store import tables
from agent.store.calendar.outset import outset
from agent.store.database import Database
from agent.store.directory import contacts
from agent.store.directory.contact_writes import Draft, open_directory
from agent.store.directory.contacts import Email
from agent.store.hashes import Hasher
from agent.store.mail import corrections, history, meetings, removals
from agent.store.schedule.absences import Absence
from agent.store.unit import Lease
from agent.sync.meetings import Diary, read_meetings
from connectors import registry
from connectors.errors import Fatal
from connectors.ical_meeting import read_appointment
from connectors.meeting import Window
from matchers.policy import MatchPolicy, own_of
from tests.contracts.dav import access
from tests.servers.radicale import DavCalendar, Radicale
from tests.servers.xandikos import Xandikos
from tests.unit.reminder_room import MONDAY, Room, a_mailbox

ANNA, BEN, ZOE = "anna@ourfirm.example", "ben@ourfirm.example", "zoe@buyer.example"
DEMO = {
    "UID": "demo-1@ourfirm.example",
    "DTSTART;TZID=Europe/Berlin": "20260304T140000",
    "DTEND;TZID=Europe/Berlin": "20260304T150000",
    "SUMMARY": "Demo",
    f"ORGANIZER;CN=Anna:mailto:{ANNA}": None,
    f"ATTENDEE;CN=Zoe:mailto:{ZOE}": None,
    f"ATTENDEE;CN=Ben:mailto:{BEN}": None,
    "ATTENDEE;CUTYPE=ROOM:mailto:room1@ourfirm.example": None,
}


def ics(*events: Mapping[str, str | None]) -> str:
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN"]
    for event in events:
        lines += ["BEGIN:VEVENT", "DTSTAMP:20260301T000000Z"]
        lines += [name if value is None else f"{name}:{value}" for name, value in event.items()]
        lines.append("END:VEVENT")
    return "\r\n".join([*lines, "END:VCALENDAR", ""])


@dataclass
class Firm:
    """Anna and Ben with a calendar each."""

    room: Room
    calendars: dict[str, DavCalendar]
    capture: str = "full"
    now: datetime = MONDAY
    opened: list[str] = field(default_factory=list)

    def read(self, address: str = ANNA, *, policy: MatchPolicy | None = None) -> int:
        mailbox = next(one for one in (self.room.mailbox, *self.room.others) if one.address == address)
        given = access(self.calendars[address])
        fresh, error = read_meetings(
            Diary(
                database=self.room.database,
                hasher=self.room.hasher,
                lease=Lease(mailbox_id=self.room.ids[address], owner="test", epoch=1),
                mailbox=mailbox.model_copy(update={"capture": self.capture}),
                own=own_of(mailbox, ("ourfirm.example",), (self.room.mailbox, *self.room.others)),
                policy=policy or MatchPolicy(),
                place="calendar",
                open_source=lambda: registry.open_meetings(given),
                clock=lambda: self.now,
            )
        )
        assert error is None
        return fresh

    def put(self, *events: Mapping[str, str | None], owner: str = ANNA, name: str = "demo.ics") -> None:
        self.calendars[owner].put(name, ics(*events))

    def delete(self, owner: str = ANNA, name: str = "demo.ics") -> None:
        self.calendars[owner].delete(name)

    def history(self) -> list[dict[str, Any]]:
        with self.room.database.read() as connection:
            return list(history.listed(connection, history.Wanted()))

    def only(self) -> dict[str, Any]:
        (one,) = self.history()
        return one


@pytest.fixture
def database(tmp_path: Path, sqlite_template: Path) -> Iterator[Database]:
    """One database is enough for most of this; what asks both says so."""
    shutil.copyfile(sqlite_template, tmp_path / "crm-agent.db")
    database = Database(f"sqlite:///{tmp_path / 'crm-agent.db'}")
    yield database
    database.close()


@pytest.fixture
def firm(
    database: Database, hasher: Hasher, tmp_path: Path, radicale: Radicale, monkeypatch: pytest.MonkeyPatch
) -> Firm:
    return a_firm(database, hasher, tmp_path, radicale, monkeypatch)


def a_firm(
    database: Database, hasher: Hasher, tmp_path: Path, radicale: Radicale, monkeypatch: pytest.MonkeyPatch
) -> Firm:
    monkeypatch.setenv("DAV_PASSWORD", "secret")
    room = Room(database=database, hasher=hasher, folder=tmp_path, others=(a_mailbox(BEN),))
    room.contact("zoe")
    return Firm(room=room, calendars={ANNA: radicale.calendar(), BEN: radicale.calendar()})


def test_a_meeting_with_a_contact_is_logged_with_who_when_and_title_and_nothing_is_touched(firm: Firm) -> None:
    firm.put(DEMO)
    before = firm.calendars[ANNA].items()
    assert firm.read() == 1
    one = firm.only()
    assert (one["kind"], one["direction"], one["subject"]) == ("meeting", "outbound", "Demo")
    assert one["occurred_at"] == datetime(2026, 3, 4, 13, 0, tzinfo=UTC)
    assert [(who["email"], who["role"]) for who in one["contacts"]] == [(ZOE, "attendee")]
    assert one["mailboxes"] == [ANNA]
    assert firm.read() == 0
    assert firm.calendars[ANNA].items() == before


def test_once_across_attendees_and_the_organisers_calendar_says_when(firm: Firm) -> None:
    firm.put(DEMO)
    firm.put({**DEMO, "DTSTART;TZID=Europe/Berlin": "20260304T090000"}, owner=BEN)
    assert firm.read(BEN) == 1
    assert firm.read(ANNA) == 0
    assert firm.only()["mailboxes"] == [ANNA, BEN]
    assert firm.only()["occurred_at"] == datetime(2026, 3, 4, 13, 0, tzinfo=UTC)
    firm.put({**DEMO, "SUMMARY": "Another"}, owner=BEN)
    firm.read(BEN)
    assert firm.only()["subject"] == "Demo"


def test_both_databases_keep_meetings_alike(
    database_url: str, hasher: Hasher, tmp_path: Path, radicale: Radicale, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(database_url)
    firm = a_firm(database, hasher, tmp_path, radicale, monkeypatch)
    firm.put(DEMO)
    firm.put(DEMO, owner=BEN)
    assert [firm.read(ANNA), firm.read(BEN), firm.read(ANNA)] == [1, 0, 0]
    firm.put({**DEMO, "SUMMARY": "Moved", "STATUS": "CANCELLED"})
    firm.read()
    assert (firm.only()["subject"], firm.only()["flagged_as"]) == ("Moved", ["cancelled"])
    firm.put({**DEMO, "CLASS": "PRIVATE"})
    firm.put({**DEMO, "CLASS": "PRIVATE"}, owner=BEN)
    firm.read(ANNA)
    firm.read(BEN)
    assert firm.history() == []
    database.close()


def test_moved_it_is_updated_and_cancelled_it_is_marked(firm: Firm) -> None:
    firm.put(DEMO)
    firm.read()
    firm.put({**DEMO, "DTSTART;TZID=Europe/Berlin": "20260305T140000", "DTEND;TZID=Europe/Berlin": "20260305T150000"})
    firm.read()
    assert firm.only()["occurred_at"] == datetime(2026, 3, 5, 13, 0, tzinfo=UTC)
    firm.put({**DEMO, "STATUS": "CANCELLED"})
    firm.read()
    assert firm.only()["flagged_as"] == ["cancelled"]
    firm.put(DEMO)
    firm.read()
    assert firm.only()["flagged_as"] == []


def test_deleted_before_it_took_place_it_is_cancelled_and_afterwards_it_is_history(firm: Firm) -> None:
    firm.put(DEMO)
    firm.read()
    firm.delete()
    firm.read()
    assert firm.only()["flagged_as"] == ["cancelled"]
    firm.put({**DEMO, "UID": "second"})
    firm.read()
    firm.now += timedelta(days=5)
    firm.delete()
    firm.read()
    assert sorted(str(one["flagged_as"]) for one in firm.history()) == ["['cancelled']", "[]"]


def test_moved_far_ahead_is_no_deletion(firm: Firm) -> None:
    firm.put(DEMO)
    firm.read()
    firm.put({**DEMO, "DTSTART;TZID=Europe/Berlin": "20260904T140000", "DTEND;TZID=Europe/Berlin": "20260904T150000"})
    firm.read()
    assert (firm.only()["flagged_as"], str(firm.only()["occurred_at"])[:10]) == ([], "2026-09-04")


@pytest.mark.parametrize("kind", ["PRIVATE", "CONFIDENTIAL"])
def test_private_ones_are_never_logged_and_one_made_private_goes(firm: Firm, kind: str) -> None:
    firm.put({**DEMO, "CLASS": kind})
    assert firm.read() == 0
    firm.put(DEMO)
    assert firm.read() == 1
    firm.put({**DEMO, "CLASS": kind})
    firm.read()
    assert firm.history() == []


def test_what_concerns_no_contact_is_not_logged_until_one_is_known(firm: Firm) -> None:
    stranger = {name.replace(ZOE, "max@other.example"): value for name, value in DEMO.items()}
    firm.put(stranger)
    assert firm.read() == 0
    with firm.room.database.write() as connection:
        writer = open_directory(firm.room.database, connection, firm.room.hasher)
        writer.add([Draft(name="Max", emails=(Email(address="max@other.example", primary=True),))], created_by="import")
    assert firm.read() == 1


def test_the_policy_and_peoples_corrections_hold(firm: Firm) -> None:
    firm.put(DEMO)
    assert firm.read(policy=MatchPolicy(never_log=("*@buyer.example",))) == 0
    firm.capture = "metadata"
    firm.put({**DEMO, "DESCRIPTION": "anew"})
    assert firm.read() == 1
    assert firm.only()["subject"] is None
    with firm.room.database.write() as connection:
        id = str(firm.only()["id"])
        removals.enter(firm.room.database, connection, firm.room.hasher, id, firm.now)
        connection.execute(sa.delete(tables.interactions).where(tables.interactions.c.id == id))
    firm.put({**DEMO, "DESCRIPTION": "once more"})
    firm.read()
    assert firm.history() == []


def test_given_to_another_contact_by_hand_it_stays_theirs(firm: Firm) -> None:
    firm.room.contact("max", name="Max Other")
    firm.put(DEMO)
    firm.read()
    with firm.room.database.write() as connection:
        other = contacts.show(connection, "max")
        assert other is not None
        id = str(firm.only()["id"])
        corrections.move(firm.room.database, connection, id, "zoe", other, firm.now)
    firm.put({**DEMO, "DESCRIPTION": "anew"})
    firm.read()
    assert [who["id"] for who in firm.only()["contacts"]] == ["max"]


def test_without_an_organiser_it_is_the_owners(firm: Firm) -> None:
    firm.put({name: value for name, value in DEMO.items() if not name.startswith("ORGANIZER")})
    assert firm.read() == 1
    assert firm.only()["direction"] == "outbound"


def test_who_declined_was_not_there(firm: Firm) -> None:
    declined = {
        name.replace("ATTENDEE;CN=Ben", "ATTENDEE;CN=Ben;PARTSTAT=DECLINED"): value for name, value in DEMO.items()
    }
    firm.put(declined, owner=BEN)
    assert firm.read(BEN) == 0


def test_a_series_is_a_meeting_each_time_in_wall_time_with_its_exceptions(firm: Firm) -> None:
    series = {**DEMO, "RRULE": "FREQ=WEEKLY;COUNT=6", "EXDATE;TZID=Europe/Berlin": "20260311T140000"}
    moved = {
        **DEMO,
        "RECURRENCE-ID;TZID=Europe/Berlin": "20260318T140000",
        "DTSTART;TZID=Europe/Berlin": "20260319T090000",
        "DTEND;TZID=Europe/Berlin": "20260319T100000",
    }
    firm.put(series, moved)
    assert firm.read() == 4
    times = [one["occurred_at"].strftime("%m-%d %H:%M") for one in reversed(firm.history())]
    assert times == ["03-04 13:00", "03-19 08:00", "03-25 13:00", "04-01 12:00"]  # the clock goes forward on 29 March
    firm.now += timedelta(days=10)
    assert firm.read() == 1


def test_a_whole_day_away_is_an_absence_and_no_meeting(firm: Firm) -> None:
    firm.put({"UID": "h", "DTSTART;VALUE=DATE": "20260309", "DTEND;VALUE=DATE": "20260314", "SUMMARY": "Urlaub"})
    assert firm.read() == 0
    with firm.room.database.read() as connection:
        found = outset(connection, firm.room.ids[ANNA]).away
    assert found == (Absence(first=date(2026, 3, 9), last=date(2026, 3, 13)),)
    firm.delete()
    firm.read()
    with firm.room.database.read() as connection:
        assert outset(connection, firm.room.ids[ANNA]).away == ()


def test_a_calendar_that_fails_rests_and_says_so(firm: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    with firm.room.database.write() as connection:
        meetings.rest(
            firm.room.database, connection, firm.room.ids[ANNA], "calendar", "down", MONDAY + timedelta(hours=1)
        )
    firm.put(DEMO)
    assert firm.read() == 0
    firm.now += timedelta(hours=2)
    assert firm.read() == 1


def test_on_xandikos_too(firm: Firm, xandikos: Xandikos) -> None:
    firm.calendars[ANNA] = xandikos.calendar()
    firm.put(DEMO)
    assert firm.read() == 1
    firm.delete()
    firm.read()
    assert firm.only()["flagged_as"] == ["cancelled"]


def test_the_password_is_for_one_server(radicale: Radicale) -> None:
    given = access(radicale.calendar())
    with pytest.raises(Fatal, match="another server"):
        registry.open_meetings(given, "https://elsewhere.example/anna/")


WINDOW = Window(start=MONDAY - timedelta(days=60), end=MONDAY + timedelta(days=31), zone="Europe/Berlin")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "BEGIN:VCALENDAR",
        ics({**DEMO, "DTSTART;TZID=Europe/Berlin": "10260304T140000"}),
        ics({**DEMO, "X-CRM-REMINDER": "ours"}),
    ],
)
def test_broken_hostile_and_our_own_items_are_no_meetings(text: str) -> None:
    found = read_appointment(text.encode(), href="/x.ics", window=WINDOW)
    assert found is None or found.meetings == ()


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=SECONDLY",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=31",
        "FREQ=MONTHLY;BYMONTHDAY=1;BYSETPOS=2",
        "FREQ=MONTHLY;BYDAY=6MO",
        "FREQ=WEEKLY;BYDAY=MO;BYHOUR=25",
    ],
)
def test_of_a_rule_that_may_never_come_true_only_the_first_time_is_seen(rule: str) -> None:
    found = read_appointment(ics({**DEMO, "RRULE": rule}).encode(), href="/x.ics", window=WINDOW)
    assert found is None or len(found.meetings) == 1


@pytest.mark.parametrize(
    ("rule", "count"),
    [
        ("FREQ=WEEKLY;BYDAY=WE,FR;WKST=MO", 9),
        ("FREQ=MONTHLY;BYDAY=1WE", 2),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", 1),
        ("FREQ=MONTHLY;BYMONTHDAY=4", 1),
        ("FREQ=MONTHLY;BYMONTHDAY=31", 1),
        ("FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=4", 1),
        ("FREQ=DAILY;UNTIL=20260306T130000Z", 3),
    ],
)
def test_the_series_that_calendars_offer_are_unrolled(rule: str, count: int) -> None:
    found = read_appointment(ics({**DEMO, "RRULE": rule}).encode(), href="/x.ics", window=WINDOW)
    assert found is not None
    assert len(found.meetings) == count


def test_a_series_from_long_ago_costs_little_and_ends_at_the_window() -> None:
    old = {**DEMO, "DTSTART;TZID=Europe/Berlin": "19800104T140000", "DTEND;TZID=Europe/Berlin": "19800104T150000"}
    found = read_appointment(ics({**old, "RRULE": "FREQ=DAILY"}).encode(), href="/x.ics", window=WINDOW)
    assert found is not None
    assert 90 <= len(found.meetings) <= 93
