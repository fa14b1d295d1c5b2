"""Any order of questions either way, answers, meetings, deeds of the user, crashes and lost answers ends with one item
for each reason."""

import contextlib
import os
import shutil
import tempfile
from datetime import timedelta
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from agent.store.database import Database
from agent.store.hashes import Hasher
from agent.store.migrate import upgrade
from config.model import AfterRule
from connectors.errors import Retriable
from connectors.event import FoundEvent
from connectors.memory_calendar import MemoryCalendar
from tests.storefixtures import KEY
from tests.unit.reminder_room import Room, a_mailbox

THREADS = ("t1", "t2", "t3")
threads = st.sampled_from(THREADS)
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 - a folder of our own in it; disks are slow
breaks = st.sampled_from(["crash", "lost"])


class Crash(BaseException):
    """The process dies here."""


class RemindersMachine(RuleBasedStateMachine):
    """One mailbox with one item a day beside the bundle, its calendar, and a user who does what users do.

    open: thread -> our question that nobody answered. owed: thread -> their letter that nobody answered. closed: those
    of both that the user finished or dismissed. words: their own title of an item, by reminder id. moved: questions
    whose item the user moved.
    """

    template: tempfile.TemporaryDirectory[str] | None = None

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(dir=MEMORY))
        path = self.folder / "crm-agent.db"
        self.database = _database(path)
        self.calendar = MemoryCalendar()
        mailbox = a_mailbox(per_day=1, waiting_for_us=AfterRule())
        self.room = Room(database=self.database, hasher=Hasher(KEY), folder=self.folder, mailbox=mailbox)
        self.room.open_sink = lambda calendar: self.calendar.open()
        self.open: dict[str, str] = {}
        self.owed: dict[str, str] = {}
        self.closed: set[str] = set()
        self.words: dict[str, str] = {}
        self.moved: set[str] = set()
        self.settled = True
        self.number = 0
        self.memo: dict[str, object] = {}
        for name in THREADS:
            self.room.contact(name, name=f"Contact {name}")

    def teardown(self) -> None:
        if hasattr(self, "database"):
            self.database.close()
            shutil.rmtree(self.folder, ignore_errors=True)

    @rule(thread=threads, then_settle=st.booleans())
    def ask(self, thread: str, then_settle: bool) -> None:
        self.number += 1
        self.room.wait(minutes=7)
        self.open[thread] = self.room.wrote(thread, thread=thread, id=f"{thread} question {self.number}")
        self.owed.pop(thread, None)
        self.settled = False
        if then_settle:
            self.settle()

    @rule(thread=threads)
    def answer(self, thread: str) -> None:
        self.room.wait(minutes=7)
        self.room.received(thread, thread=thread, words=3)
        self.open.pop(thread, None)
        self.owed.pop(thread, None)
        self.settled = False

    @rule(thread=threads)
    def they_ask(self, thread: str) -> None:
        """Their letter answers ours, and now it is our turn."""
        self.number += 1
        self.room.wait(minutes=7)
        self.open.pop(thread, None)
        self.owed[thread] = self.room.received(thread, thread=thread, asks=True, id=f"{thread} letter {self.number}")
        self.settled = False

    @rule(thread=threads, how=st.sampled_from(["meet", "call"]))
    def talk(self, thread: str, how: str) -> None:
        """A meeting or a call settles what was asked on both sides."""
        self.room.wait(minutes=7)
        self.room.met(thread) if how == "meet" else self.room.called(thread)
        self.room.wait(minutes=7)
        self.open.pop(thread, None)
        self.owed.pop(thread, None)
        self.settled = False

    @rule(thread=threads)
    def out_of_office(self, thread: str) -> None:
        """Doubles the wait: the rule moves an item that stands."""
        if thread in self.open:
            self.room.bounced(thread, thread=thread, kind="auto-reply")
            self.settled = False

    @rule(hours=st.integers(1, 60))
    def wait(self, hours: int) -> None:
        self.room.wait(hours=hours)
        self.settled = False

    @rule(how=breaks, spared=st.integers(0, 1), away=st.none() | threads, heals=st.booleans())
    def tend_and_break(self, how: str, spared: int, away: str | None, heals: bool) -> None:
        """A write happens, and nobody learns of it. spared: writes that go well before. away: see out_of_office."""
        if away is not None:
            self.out_of_office(away)
        writes = iter(range(spared))

        def fail(what: str) -> None:
            if next(writes, None) is None:
                raise Crash if how == "crash" else Retriable("the answer was lost")

        self.calendar.faults.after_write = fail
        with contextlib.suppress(Crash):
            self.room.tend(eager=True, memo=self.memo)
        self.calendar.faults.after_write = None
        self.settled = False
        if heals:
            self.settle()

    @rule()
    def forget_cursors(self) -> None:
        self.calendar.faults.forget = not self.calendar.faults.forget

    @precondition(lambda self: self.calendar.items)
    @rule(number=st.integers(0, 9), deed=st.sampled_from(["finish", "tick", "delete", "move", "edit", "note"]))
    def user(self, number: int, deed: str) -> None:
        """The user does something to an item that says what is really so."""
        self.settle()
        if not self.calendar.items:
            return
        item = sorted(self.calendar.items.values(), key=lambda one: one.uid)[number % len(self.calendar.items)]
        if item.done:
            return
        getattr(self, f"_{deed}")(item)
        self.settled = False

    def _finish(self, item: FoundEvent) -> None:
        self.calendar.user_finishes(item.uid)
        self.closed |= self._reasons(item)

    def _tick(self, item: FoundEvent) -> None:
        self.calendar.user_edits(item.uid, title=f"✓ {item.title}")
        self.closed |= self._reasons(item)

    def _delete(self, item: FoundEvent) -> None:
        self.calendar.user_deletes(item.uid)
        self.closed |= self._reasons(item)

    def _move(self, item: FoundEvent) -> None:
        self.calendar.user_moves(item.uid, item.start + timedelta(days=3))
        self.moved |= self._reasons(item)

    def _edit(self, item: FoundEvent) -> None:
        self.number += 1
        self.words[item.reminder] = f"My words {self.number}"
        self.calendar.user_edits(item.uid, title=self.words[item.reminder])

    def _note(self, item: FoundEvent) -> None:
        self.calendar.user_edits(item.uid, description=item.description + "a note")

    @rule()
    def settle(self) -> None:
        """A few quiet passes: whatever broke before has healed."""
        self._heal()
        for _ in range(3):
            self.room.tend(eager=True, memo=self.memo)
            self.room.wait(hours=7)
        self.room.tend(eager=True, memo=self.memo)
        self.settled = True

    @invariant()
    def one_item_a_reminder(self) -> None:
        if not hasattr(self, "calendar"):
            return
        reminders = [item.reminder for item in self.calendar.items.values()]
        assert len(set(reminders)) == len(reminders)

    @invariant()
    def what_stands_is_what_is_open(self) -> None:
        """Once all is quiet: each open question stands once, as its own item or in a bundle, and nothing else does."""
        if not getattr(self, "settled", False):
            return
        active = [one for one in self.room.reminders() if one.state in ("pending", "in-calendar", "snoozed")]
        assert sorted(one.interaction_id or "" for one in active) == sorted(
            {*self.open.values(), *self.owed.values()} - self.closed
        )
        assert {one.interaction_id for one in active if one.state == "snoozed"} <= self.moved
        assert all(one.state != "pending" for one in active)
        assert self.room.intents() == []
        standing = {item.uid for item in self.calendar.items.values() if not item.done}
        assert {one.uid for one in active} == standing
        for item in self.calendar.items.values():
            if not item.done:
                assert item.title == self.words.get(item.reminder, self._title(item))

    def _title(self, item: FoundEvent) -> str:
        """What an item must say that nobody renamed."""
        inside = [one for one in self.room.reminders() if one.uid == item.uid]
        if [one.id for one in inside] == [item.reminder]:
            return inside[0].title
        return f"{len(inside)} more follow-ups" if len(inside) > 1 else "1 more follow-up"

    def _reasons(self, item: FoundEvent) -> set[str]:
        return {one.interaction_id or "" for one in self.room.reminders() if one.uid == item.uid}

    def _heal(self) -> None:
        self.calendar.faults.after_write = None


def _database(path: Path) -> Database:
    """A copy of one migrated file: migrating takes longer than a whole run of the machine."""
    if RemindersMachine.template is None:
        RemindersMachine.template = tempfile.TemporaryDirectory()
        database = Database(f"sqlite:///{RemindersMachine.template.name}/template.db")
        upgrade(database, Hasher(KEY))
        database.close()
    shutil.copyfile(Path(RemindersMachine.template.name) / "template.db", path)
    return Database(f"sqlite:///{path}")


RemindersMachine.TestCase.settings = settings(
    max_examples=60, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
)
TestReminders = RemindersMachine.TestCase
