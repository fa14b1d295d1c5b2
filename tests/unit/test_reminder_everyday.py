"""Ten everyday situations, in their own words: from mail as it arrives to what stands in the calendar."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

import pytest

from agent.bootstrap import House
from agent.engine.once import run_once
from agent.engine.runner import Ending, Runner
from agent.engine.sources import Sources
from agent.store import roll
from agent.store.calendar import listing
from agent.store.calendar.listing import Listed
from agent.store.database import Database
from agent.store.directory.contact_writes import Draft, open_directory
from agent.store.directory.contacts import Email, show
from agent.store.hashes import Hasher
from agent.store.mail import corrections
from agent.upkeep import Upkeep
from config.model import (
    AfterRule,
    ArchiveAccess,
    IcsCalendar,
    Mailbox,
    Organisation,
    PromiseRule,
    Reminders,
    Settings,
    Store,
)
from connectors.event import FoundEvent
from connectors.ics import IcsSink
from connectors.memory import MemoryMailbox
from connectors.message import Away
from tests.acceptance.scenarios.letters import letter

ANNA, BEN, ZOE = "anna@ourfirm.example", "ben@ourfirm.example", "zoe@buyer.example"
QUESTION = "Dear Zoe, could you send me the signed offer? Kind regards, Anna"
NOW = datetime.now(UTC)


@dataclass
class Desk:
    """Anna and Ben with mailboxes and calendars, and a customer. ids: contact ids by address."""

    folder: Path
    database: Database
    hasher: Hasher
    boxes: dict[str, MemoryMailbox] = field(default_factory=lambda: {ANNA: MemoryMailbox(), BEN: MemoryMailbox()})
    ids: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for box in self.boxes.values():
            box.create("Sent", role="sent")
        self.settings = Settings(
            organisation=Organisation(domains=("ourfirm.example",), timezone="Europe/Berlin"),
            store=Store(),
            mailboxes=tuple(self._mailbox(address) for address in self.boxes),
        )
        sources = Sources(lambda mailbox: self.boxes[mailbox.address].open())
        self.house = House(
            settings=self.settings,
            described=self.settings,
            database=self.database,
            hasher=self.hasher,
            sources=sources,
            upkeep=Upkeep(database=self.database),
        )
        for address in (ZOE, "max@buyer.example", "eva@buyer.example"):
            self.know(address)

    def know(self, address: str) -> None:
        draft = Draft(name=address.partition("@")[0].title(), emails=(Email(address=address, primary=True),))
        with self.database.write() as connection:
            (self.ids[address],) = open_directory(self.database, connection, self.hasher).add([draft], created_by="add")

    def wrote(self, text: str, *, id: str, to: str = ZOE, cc: str = "", by: str = ANNA, ago: float = 1) -> None:
        self._deliver(by, "Sent", by, to, cc, text, id, ago)

    def received(self, text: str, *, id: str, to: str = ANNA, cc: str = "", ago: float = 0.5, **headers: str) -> None:
        self._deliver(headers.pop("box", ANNA), "INBOX", headers.pop("by", ZOE), to, cc, text, id, ago, **headers)

    def sync(self) -> None:
        """One mailbox after the other, Anna's first."""
        roll.settle(self.database, self.settings, self.hasher, datetime.now(UTC))
        work = self.house.work(eager=True)
        runner = Runner(database=self.database, work=work, remind=work.remind, dice=lambda: 0.5)
        for passed in run_once(runner, list(self.settings.mailboxes), Event(), workers=1):
            assert passed.ended.ending is Ending.DONE, passed

    def open(self) -> list[Listed]:
        with self.database.read() as connection:
            return listing.listed(connection)

    def shown(self, address: str = ANNA) -> tuple[FoundEvent, ...]:
        return IcsSink(IcsCalendar(path=self.folder / address)).changes(None).found

    def empty_calendar(self, address: str = ANNA) -> None:
        for path in (self.folder / address).glob("*.ics"):
            path.unlink()

    def _deliver(
        self, box: str, folder: str, by: str, to: str, cc: str, text: str, id: str, ago: float, **headers: str
    ) -> None:
        refs, subject = headers.pop("answers", ""), headers.pop("subject", "The offer")
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        when = NOW - timedelta(days=ago)
        raw = letter(
            from_=by, to=to, cc=cc, subject=subject, text=text, message_id=id, date=when,
            references=(refs,) if refs else (), headers=named,
        )  # fmt: skip
        self.boxes[box].deliver(folder, raw, when=when)

    def _mailbox(self, address: str) -> Mailbox:
        (self.folder / address).mkdir()
        rules = Reminders(waiting_for_them=AfterRule(), waiting_for_us=AfterRule(), per_day=3)
        return Mailbox(
            address=address,
            connector="memory",
            access=ArchiveAccess(path=self.folder),
            timezone="Europe/Berlin",
            capture="full",
            calendar=IcsCalendar(path=self.folder / address),
            reminders=rules,
        )


@pytest.fixture
def desk(tmp_path: Path, sqlite_template: Path, hasher: Hasher) -> Iterator[Desk]:
    shutil.copyfile(sqlite_template, tmp_path / "crm-agent.db")
    database = Database(f"sqlite:///{tmp_path / 'crm-agent.db'}")
    yield Desk(folder=tmp_path, database=database, hasher=hasher)
    database.close()


def test_an_answer_that_only_a_colleague_got_settles_the_question_in_the_same_sync(desk: Desk) -> None:
    """The colleague's mailbox is read after the question was put into the calendar."""
    desk.wrote(QUESTION, id="q@our", ago=9)
    desk.received("Here it is.", id="a@buyer", box=BEN, to=BEN, answers="q@our", ago=8)
    desk.wrote(QUESTION, id="open@our", to="max@buyer.example", by=BEN, ago=9)
    desk.sync()
    assert desk.shown() == ()
    assert [desk.house.memory.counts[box]["reminders"] for box in (ANNA, BEN)] == [0, 1]  # as its last line says


def test_a_first_sync_floods_nothing(desk: Desk) -> None:
    for number in range(40):
        desk.wrote(QUESTION, id=f"old{number}@x", ago=70 + number)
    for number in range(9):
        desk.wrote(QUESTION, id=f"new{number}@x", ago=10)
    desk.sync()
    days = [found.start.date() for found in desk.shown() if isinstance(found.start, datetime)]
    assert len(desk.open()) == 9
    assert len(days) == 4
    assert len(set(days)) == 1


def test_thanks_see_you_thursday_opens_nothing(desk: Desk) -> None:
    desk.wrote("Thanks, see you Thursday!", id="a@x")
    desk.sync()
    assert desk.open() == []


def test_accepted_demo_answers_nothing(desk: Desk) -> None:
    desk.wrote(QUESTION, id="a@x")
    desk.sync()
    invitation = "text/calendar; method=REPLY; charset=utf-8"
    desk.received("BEGIN:VCALENDAR", id="b@x", answers="a@x", subject="Accepted: Demo", Content_Type=invitation)
    desk.sync()
    assert [one.title for one in desk.open()] == ["Waiting for an answer: Zoe"]


def test_thanks_and_a_copy_owe_nothing(desk: Desk) -> None:
    desk.received("Thanks!", id="a@x")
    desk.received(
        "Dear Max, when can you deliver the forty pallets that we ordered from you last week, and who will bring them?",
        id="b@x", to="somebody@third.example", cc=ANNA,
    )  # fmt: skip
    desk.sync()
    assert desk.open() == []
    desk.received("Dear Anna, when can you deliver?", id="c@x", subject="Delivery")
    desk.sync()
    assert [one.title for one in desk.open()] == ["Answer Zoe"]


def test_a_holding_answer_moves_the_date(desk: Desk) -> None:
    desk.wrote(QUESTION, id="a@x")
    desk.sync()
    (before,) = desk.open()
    day = (NOW + timedelta(days=20)).date()
    desk.received(f"Thanks. I will get back to you by {day.isoformat()}.", id="b@x", answers="a@x")
    desk.sync()
    (after,) = desk.open()
    assert after.id == before.id
    assert after.due_at.date() > day >= before.due_at.date()


def test_an_out_of_office_moves_the_date(desk: Desk) -> None:
    desk.wrote(QUESTION, id="a@x")
    desk.sync()
    day = (NOW + timedelta(days=21)).date()
    desk.received(
        f"I am out of the office until {day.isoformat()}.",
        id="b@x", answers="a@x", subject="Automatic reply: The offer", Auto_Submitted="auto-replied",
    )  # fmt: skip
    desk.sync()
    (after,) = desk.open()
    assert after.due_at.date() > day


def test_back_from_holiday_one_bundle(desk: Desk) -> None:
    desk.boxes[ANNA].away = Away(start=NOW - timedelta(days=1), end=NOW + timedelta(days=15))
    for address in (ZOE, "max@buyer.example", "eva@buyer.example"):
        desk.wrote(QUESTION, id=f"{address}.a", to=address)
    desk.sync()
    (found,) = desk.shown()
    assert found.title == "3 more follow-ups"
    assert isinstance(found.start, datetime)
    assert found.start.date() > (NOW + timedelta(days=15)).date()


def test_five_recipients_and_two_of_us_give_one_reminder(desk: Desk) -> None:
    everybody = f"{ZOE}, max@buyer.example, eva@buyer.example, a@third.example, b@third.example"
    desk.wrote("Dear all, could you confirm the date? Anna", id="a@x", to=everybody, cc=BEN)
    desk.boxes[BEN].deliver(
        "INBOX",
        letter(from_=ANNA, to=everybody, cc=BEN, subject="The offer", message_id="a@x", date=NOW - timedelta(days=1),
               text="Dear all, could you confirm the date? Anna"),
        when=NOW - timedelta(days=1),
    )  # fmt: skip
    desk.sync()
    (one,) = desk.open()
    assert one.mailbox == ANNA
    assert (len(desk.shown(ANNA)), len(desk.shown(BEN))) == (1, 0)


def test_a_phone_call_noted_closes_it(desk: Desk) -> None:
    desk.wrote(QUESTION, id="a@x")
    desk.received("Dear Anna, when can you deliver the pallets?", id="b@x", subject="Delivery")
    desk.sync()
    assert len(desk.open()) == 2
    with desk.database.write() as connection:
        zoe = show(connection, desk.ids[ZOE])
        assert zoe is not None
        corrections.add(
            desk.database, connection, id="call", kind="call", contact=zoe, text="Settled.", now=datetime.now(UTC)
        )
    desk.sync()
    assert desk.open() == []
    assert desk.shown() == ()


def test_what_we_promise_is_suggested_and_what_they_promise_is_not(desk: Desk) -> None:
    rules = Reminders(promise=PromiseRule())
    changed = tuple(one.model_copy(update={"reminders": rules}) for one in desk.settings.mailboxes)
    desk.settings = desk.settings.model_copy(update={"mailboxes": changed})
    day = (NOW + timedelta(days=9)).date().isoformat()
    desk.wrote(f"Dear Zoe, I'll send the drawings by {day}. Anna", id="a@x")
    desk.received(f"Dear Anna, we'll send the list by {day}. Zoe", id="b@x", subject="The list")
    desk.sync()
    assert desk.open() == []
    with desk.database.read() as connection:
        (one,) = listing.listed(connection, states=["suggested"])
    assert one.title == "Keep your promise: Zoe"


def test_a_restored_calendar_dismisses_nothing(desk: Desk) -> None:
    """Somebody restores Anna's calendar from a backup of last week, in which none of our items stood yet."""
    desk.settings = desk.settings.model_copy(
        update={"mailboxes": tuple(_busier(one) for one in desk.settings.mailboxes)}
    )
    for number in range(7):
        desk.wrote(QUESTION, id=f"q{number}@x")
    desk.sync()
    assert len(desk.shown()) == 7
    desk.empty_calendar()
    desk.sync()
    assert len(desk.open()) == 7


def _busier(mailbox: Mailbox) -> Mailbox:
    return mailbox.model_copy(update={"reminders": mailbox.reminders.model_copy(update={"per_day": 10})})
