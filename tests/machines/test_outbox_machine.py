"""Whatever happens between the history, the rules and a calendar, the calendar ends as it should.

One salesperson with a calendar in memory. Mail goes both ways, flags come and go, people meet, mail bounces; the
user moves, edits, finishes and deletes items; the process dies at any transaction and at any remote write, answers
are lost, the calendar fails or forgets its cursors, yesterday's backup is restored. Each run may be a daemon's, which
remembers what it saw, or a new process's. Left alone for two runs, these hold:

- a reminder has at most one item, under its own uid, and one that stands has its own or its bundle's;
- no item whose reason has gone, unless the user ticked it off there (then it is theirs) or it was adopted after a
  restored backup;
- what the user moved or worded stays so; what they deleted does not come back (unless it was deleted before the
  agent ever learned that it stood there: nobody can tell that from a write that never arrived); a note is in the
  history once (unless it was typed between a restored backup and the next run, into an item the backup did not know:
  that item is taken in as it stands, before anybody knows whose it is);
- items of others are as they were, and what we write invites nobody.
"""

import atexit
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

import hypothesis.strategies as st
import sqlalchemy as sa
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from agent.reminders.cycle import ACTIVE, ADOPTED, BUNDLE
from agent.reminders.item import NOTE
from agent.store import feed, reminders, tables
from agent.store.hashes import Hasher
from agent.store.migrate import upgrade
from connectors import ical
from connectors.errors import ConnectorError, Unreachable
from connectors.event import CalendarEvent, FoundEvent
from connectors.memory_calendar import MemoryCalendar
from tests.machines.processes import Crash, Watched
from tests.machines.profiles import machine_settings, patient
from tests.unit.reminder_room import MONDAY, Room, a_mailbox

HASHER = Hasher(b"a key that only tests know, and long enough")
MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of one's own is made in it; files in memory make thousands of runs
THREADS = {"t1": "zoe", "t2": "zoe", "t3": "yan", "t4": "yan"}
FOREIGN = FoundEvent(
    uid="0123456789abcdef@another-installation",
    reminder="0123456789abcdef",
    title="Theirs",
    description="",
    start=datetime(2026, 3, 4, 8, 30),
    timezone="Europe/Berlin",
    etag="",
    href="/memory/theirs.ics",
)

threads = st.sampled_from(sorted(THREADS))
some = st.integers(0, 9)
early = st.integers(1, 12)


@cache
def template() -> Path:
    """An SQLite file with the present schema, to be copied; it goes with the test process."""
    folder = tempfile.mkdtemp(dir=MEMORY if MEMORY.is_dir() else None)
    atexit.register(shutil.rmtree, folder)
    database = Watched(f"sqlite:///{folder}/template.db")
    upgrade(database, HASHER)
    database.close()
    return Path(folder) / "template.db"


class OutboxMachine(RuleBasedStateMachine):
    """The room of the reminder tests, with a calendar whose faults are chosen."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(dir=template().parent))
        self.file = self.folder / "agent.db"
        shutil.copyfile(template(), self.file)
        self.calendar = MemoryCalendar()
        self.foreign = self.calendar.put(FOREIGN)
        self.database = Watched(f"sqlite:///{self.file}")
        self.room = Room(
            database=self.database,
            hasher=HASHER,
            folder=self.folder,
            mailbox=a_mailbox(per_day=2),
            open_sink=lambda calendar: self.calendar.open(),
        )
        for contact in sorted(set(THREADS.values())):
            self.room.contact(contact, name=contact.title())
        self.memo: dict[str, str] = {}
        self.number = 0
        self.question: dict[str, tuple[str, datetime]] = {}
        self.answered: dict[str, datetime] = {}
        self.met: dict[str, datetime] = {}
        self.marked: set[str] = set()
        self.mails: list[str] = []
        self.thread_of: dict[str, str] = {}
        self.moved: dict[str, datetime] = {}
        self.worded: dict[str, str] = {}
        self.dropped: set[str] = set()
        self.ticked: set[str] = set()
        self.left_at_once = 0
        self.notes: dict[str, str] = {}
        self.acts: list[Callable[[], object]] = []
        self.saved: tuple[int, Path] | None = None

    def teardown(self) -> None:
        try:
            self._settle()
        finally:
            self.database.close()
            shutil.rmtree(self.folder)

    # The history.

    def _act(self, act: Callable[[], object]) -> None:
        """Something in the mailboxes, which a restored database reads again."""
        self.acts.append(act)
        self._read(act)

    def _read(self, act: Callable[[], object]) -> None:
        """The mail is read, and the feed told, as a pass does it."""
        act()
        change = feed.Change(kind="interaction", event="logged", entity="mail", body={})
        with self.database.write() as connection:
            feed.append(self.database, connection, [change])

    @rule(thread=threads, asks=st.booleans() | st.just(True))
    def wrote(self, thread: str, asks: bool) -> None:
        name, at, contact = self._name(thread), self._later(), THREADS[thread]
        self._act(lambda: self.room.wrote(contact, asks=asks, thread=thread, subject=f"Order {thread}", id=name, at=at))
        if asks:
            self.question[thread] = (name, at)

    @rule(thread=threads)
    def received(self, thread: str) -> None:
        name, at, contact = self._name(thread), self._later(), THREADS[thread]
        self._act(lambda: self.room.received(contact, thread=thread, subject=f"Order {thread}", id=name, at=at))
        self.answered[thread] = at

    @precondition(lambda self: self.mails)
    @rule(which=some, flagged=st.booleans() | st.just(True))
    def flag(self, which: int, flagged: bool) -> None:
        name = self.mails[which % len(self.mails)]
        self._act(lambda: self.room.flag(name, flagged))
        (self.marked.add if flagged else self.marked.discard)(name)

    @rule(contact=st.sampled_from(sorted(set(THREADS.values()))))
    def meet(self, contact: str) -> None:
        at = self._later()

        def hold() -> None:
            now, self.room.now = self.room.now, at
            self.room.met(contact)
            self.room.now = now

        self._act(hold)
        self.met[contact] = at

    # The user, in the calendar.

    @precondition(lambda self: self._ours())
    @rule(which=some, days=st.integers(1, 9))
    def user_moves(self, which: int, days: int) -> None:
        item = self._pick(which)
        start = (self.room.now + timedelta(days=days)).replace(hour=11, minute=0, second=0, microsecond=0, tzinfo=None)
        self.calendar.user_moves(item.uid, start)
        self.moved[item.uid] = start

    @precondition(lambda self: self._ours())
    @rule(which=some, title=st.sampled_from(("Ring them up", "Ask for the order")))
    def user_words(self, which: int, title: str) -> None:
        item = self._pick(which)
        self.calendar.user_edits(item.uid, title=title)
        self.worded[item.uid] = title

    @precondition(lambda self: self._ours())
    @rule(which=some)
    def user_notes(self, which: int) -> None:
        item = self._pick(which)
        self.number += 1
        note = f"Spoke about number {self.number}"
        if item.uid in {known.uid for known in self._items()}:
            self.notes[item.uid] = note
        else:
            self.notes.pop(item.uid, None)
        self.calendar.user_edits(item.uid, description=f"Why not\n{NOTE}\n{note}")

    @precondition(lambda self: self._ours())
    @rule(which=some)
    def user_finishes(self, which: int) -> None:
        item = self._pick(which)
        self.calendar.user_finishes(item.uid)
        self.ticked.add(item.uid)

    @precondition(lambda self: self._ours() and self.left_at_once < 5)
    @rule(which=some)
    def user_deletes(self, which: int) -> None:
        item = self._pick(which)
        if self._state(item.reminder) in ACTIVE and item.uid in {known.uid for known in self._items()}:
            self.dropped.add(item.uid)
        self.left_at_once += 1
        self.calendar.user_deletes(item.uid)

    # The user, on the command line.

    @rule(which=some, what=st.sampled_from(("done", "dismissed", "snoozed")))
    def command(self, which: int, what: str) -> None:
        with self.database.write() as connection:
            known = [one for one in reminders.standing(connection, self._mailbox) if one.state in ACTIVE]
            if not known:
                return
            one = known[which % len(known)]
            if what == "snoozed":
                due = (self.room.now + timedelta(days=3)).replace(tzinfo=None, microsecond=0)
                reminders.snooze(self.database, connection, one.id, due, self.room.now)
                self.moved.pop(self._uid(one.id), None)
            else:
                reminders.set_state(self.database, connection, [one.id], what, self.room.now)

    # The agent.

    @rule(days=st.sampled_from((0.1, 1, 3, 8)))
    def wait(self, days: float) -> None:
        self.room.wait(days=days)

    @rule()
    def tend(self) -> None:
        self._tend()

    @rule()
    def restart(self) -> None:
        self.memo.clear()

    @rule(at=early, stage=st.sampled_from(("before", "inside", "after")))
    def crash_at_a_transaction(self, at: int, stage: str) -> None:
        self._cut_off(self._hook(at, stage, _die), None)

    @rule(at=st.integers(1, 4))
    def crash_after_a_write(self, at: int) -> None:
        """The write is done; the process dies before it knows."""
        self._cut_off(None, _countdown(at, _die))

    @rule(at=st.integers(1, 4))
    def lose_an_answer(self, at: int) -> None:
        def fail() -> None:
            raise Unreachable("nobody answers")

        self._cut_off(None, _countdown(at, fail))

    @rule()
    def calendar_is_down(self) -> None:
        self.calendar.faults.error = Unreachable("nobody answers")
        self._tend()
        self.calendar.faults.error = None

    @rule()
    def calendar_forgets(self) -> None:
        self.calendar.faults.forget = True
        self._tend()
        self.calendar.faults.forget = False

    @rule(at=early, which=some, what=st.sampled_from(("moves", "deletes", "words", "finishes")))
    def user_is_quicker(self, at: int, which: int, what: str) -> None:
        """Between two transactions of a run the user does something to an item."""

        def do() -> None:
            if self._ours() and (what != "deletes" or self.left_at_once < 5):
                getattr(self, f"user_{what}")(which, *{"moves": (4,), "words": ("Ring them up",)}.get(what, ()))

        self._cut_off(self._hook(at, "before", do), None)

    @rule()
    def back_up(self) -> None:
        copy = self.folder / "backup.db"
        copy.unlink(missing_ok=True)
        with closing(sqlite3.connect(self.file)) as connection:
            connection.execute("VACUUM INTO ?", (str(copy),))
        self.saved = (len(self.acts), copy)

    @precondition(lambda self: self.saved is not None)
    @rule()
    def restore(self) -> None:
        """Yesterday's database; the mail that came since is read again, what the calendar told is not known."""
        assert self.saved is not None
        count, copy = self.saved
        self.database.close()
        for leftover in ("-wal", "-shm"):
            Path(f"{self.file}{leftover}").unlink(missing_ok=True)
        shutil.copyfile(copy, self.file)
        self.memo.clear()
        for act in self.acts[count:]:
            self._read(act)
        for mail in self.mails:
            self.room.flag(mail, mail in self.marked)
        self.dropped &= {item.uid for item in self._items()}
        self.notes.clear()

    @rule()
    def settle(self) -> None:
        self._settle()

    # How it is done.

    @property
    def _mailbox(self) -> int:
        return self.room.ids[self.room.mailbox.address]

    def _name(self, thread: str) -> str:
        self.number += 1
        name = f"mail{self.number}"
        self.mails.append(name)
        self.thread_of[name] = thread
        return name

    def _later(self) -> datetime:
        self.room.wait(minutes=7)
        return self.room.now

    def _uid(self, reminder: str) -> str:
        return f"{reminder}@{self.room.installation}"

    def _ours(self) -> list[FoundEvent]:
        return [item for item in self.calendar.items.values() if item.uid != FOREIGN.uid]

    def _pick(self, which: int) -> FoundEvent:
        ours = sorted(self._ours(), key=lambda item: item.uid)
        return ours[which % len(ours)]

    def _state(self, reminder: str) -> str | None:
        with self.database.read() as connection:
            known = {one.id: one.state for one in reminders.standing(connection, self._mailbox)}
        return known.get(reminder)

    def _items(self) -> list[FoundEvent]:
        """Items that the agent knows to stand."""
        with self.database.read() as connection:
            confirmed = tables.calendar_items.c.href.is_not(None)
            rows = connection.execute(sa.select(tables.calendar_items.c.uid).where(confirmed))
            uids = set(rows.scalars())
        return [item for item in self._ours() if item.uid in uids]

    def _tend(self) -> None:
        self.room.wait(hours=7)  # whatever rests after a failure has its turn
        self.room.tend(memo=self.memo, eager=True)
        if self.calendar.faults.error is None:
            self.left_at_once = 0

    def _hook(self, at: int, stage: str, do: Callable[[], None]) -> Callable[[str], None]:
        count = _countdown(at, do)
        return lambda reached: count(reached) if reached == stage else None

    def _cut_off(self, hook: Callable[[str], None] | None, after_write: Callable[[str], None] | None) -> None:
        """A run in which something happens; the process may die of it."""
        self.calendar.faults.after_write = after_write
        if hook is not None:
            self.database.hook = hook
        try:
            with suppress(ConnectorError):
                self._tend()
        except Crash:
            self.memo.clear()
        finally:
            self.calendar.faults.after_write = None
            self.database.hook = lambda stage: None

    def _settle(self) -> None:
        for _ in range(3):
            self._tend()
        with self.database.read() as connection:
            known = {one.id: one for one in reminders.standing(connection, self._mailbox)}
            texts = list(connection.execute(sa.select(tables.texts.c.text)).scalars())
        ours = self._ours()
        assert len({item.reminder for item in ours}) == len(ours), "two items for one reminder"
        assert self.calendar.items[FOREIGN.href] == self.foreign, "somebody else's item was touched"
        shown = {item.reminder: item for item in ours}
        for item in ours:
            self._check_item(item, known[item.reminder].state, known[item.reminder].bundle_id)
        for one in known.values():
            if one.state in ACTIVE:
                assert (one.bundle_id or one.id) in shown, f"{one.title} stands nowhere"
                assert self._has_reason(one.id, one.rule), f"{one.title} stands without a reason"
            if one.bundle_id is not None and one.state in ACTIVE:
                assert known[one.bundle_id].rule == BUNDLE
        for uid, text in self.notes.items():
            assert texts.count(text) <= 1
            if uid in {item.uid for item in ours} and any(
                self._uid(one.id) == uid and one.contact_id for one in known.values()
            ):
                assert texts.count(text) == 1, f"{text} is not in the history"

    def _check_item(self, item: FoundEvent, state: str, bundle: str | None) -> None:
        assert item.uid == self._uid(item.reminder)
        assert item.uid not in self.dropped, "what the user deleted came back"
        assert bundle is None or state not in ACTIVE, "an item of its own beside its bundle"
        assert state in ACTIVE or item.uid in self.ticked, f"{item.title} stands and is {state}"
        if state in ACTIVE:
            assert self.moved.get(item.uid, item.start) == item.start, "what the user moved was moved back"
            assert self.worded.get(item.uid, item.title) == item.title, "the user's words were overwritten"
        assert isinstance(item.start, datetime)
        event = CalendarEvent(
            uid=item.uid,
            reminder=item.reminder,
            title=item.title,
            description=item.description,
            start=item.start,
            timezone=item.timezone,
        )
        written = ical.compose(event, MONDAY)
        assert b"ATTENDEE" not in written
        assert b"ORGANIZER" not in written

    def _has_reason(self, id: str, rule_name: str) -> bool:
        if rule_name in (ADOPTED, BUNDLE):
            return True
        with self.database.read() as connection:
            row = connection.execute(
                sa.select(tables.reminders.c.thread_id, tables.reminders.c.reason).where(tables.reminders.c.id == id)
            ).one()
        if rule_name == "flagged":
            return row.reason in self.marked
        return self._is_open(row.thread_id, row.reason)

    def _is_open(self, thread: str, reason: str) -> bool:
        if thread not in self.question or self.question[thread][0] != reason:
            return False
        since = self.question[thread][1]
        closed = (self.answered.get(thread), self.met.get(THREADS[thread]))
        return not any(at is not None and at > since for at in closed)


def _countdown(at: int, do: Callable[[], None]) -> Callable[[str], None]:
    left = [at]

    def count(_: str) -> None:
        left[0] -= 1
        if left[0] == 0:
            do()

    return count


def _die() -> None:
    raise Crash


TestOutboxMachine = patient(OutboxMachine.TestCase)
TestOutboxMachine.settings = machine_settings(examples=25, steps=25)
