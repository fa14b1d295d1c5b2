"""Where the outbox machine works: one salesperson's calendar in memory, what they did there, and what must hold.

The rules stand in `tests.machines.test_outbox_machine`; here is how they are carried out and what is checked.
"""

import atexit
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

import sqlalchemy as sa
from hypothesis.stateful import RuleBasedStateMachine

from agent.reminders.cycle import ACTIVE, ADOPTED, BUNDLE, DISMISSED, SNOOZED
from agent.store import feed, tables
from agent.store.calendar import reminders
from agent.store.hashes import Hasher
from agent.store.migrate import upgrade
from connectors import ical
from connectors.errors import ConnectorError
from connectors.event import CalendarEvent, FoundEvent
from connectors.memory_calendar import MemoryCalendar
from tests.machines.processes import Crash, Watched
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


@cache
def template() -> Path:
    """An SQLite file with the present schema, to be copied; it goes with the test process."""
    folder = tempfile.mkdtemp(dir=MEMORY if MEMORY.is_dir() else None)
    atexit.register(shutil.rmtree, folder)
    database = Watched(f"sqlite:///{folder}/template.db")
    upgrade(database, HASHER)
    database.close()
    return Path(folder) / "template.db"


class OutboxWorld(RuleBasedStateMachine):
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
        self.away = False
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

    def back(self) -> None:
        """The mailbox is in the configuration again. What was moved to a time that has passed gets a new one."""
        now = self.room.now.replace(tzinfo=None)
        self.moved = {uid: at for uid, at in self.moved.items() if at > now + timedelta(hours=2)}
        self._configure(away=False)

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
        if self.away:
            self.room.farewell(eager=True)
            return
        self.room.tend(memo=self.memo, eager=True)
        if self.calendar.faults.error is None:
            self.left_at_once = 0

    def _hook(self, at: int, stage: str, do: Callable[[], None]) -> Callable[[str], None]:
        count = countdown(at, do)
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

    def _configure(self, *, away: bool) -> None:
        """What a start with such a configuration does; the database may come from a backup made under another."""
        self.away = away
        if away:
            self.room.leave()
        else:
            self.room.come_back()

    def _forget_what_was_not_read(self) -> None:
        """When the mailbox leaves, only what the agent has read of the owner's doings outlives the items."""
        with self.database.read() as connection:
            known = {self._uid(one.id): one for one in reminders.standing(connection, self._mailbox)}
        self.worded.clear()
        self.dropped = {uid for uid in self.dropped if uid in known and known[uid].state == DISMISSED}
        stay = {uid for uid, at in self.moved.items() if uid in known and known[uid].due == at}
        self.moved = {uid: at for uid, at in self.moved.items() if uid in stay and known[uid].state == SNOOZED}

    def _settle(self) -> None:
        if self.away:
            self.back()
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


def countdown(at: int, do: Callable[[], None]) -> Callable[[str], None]:
    left = [at]

    def count(_: str) -> None:
        left[0] -= 1
        if left[0] == 0:
            do()

    return count


def die() -> None:
    raise Crash
