"""Whatever happens between the history, the rules and a calendar, the calendar ends as it should.

One salesperson with a calendar in memory. Mail goes both ways, flags come and go, people meet, order, grow quiet and
have birthdays. Rules are switched off and on and given other spans while reminders stand. The user moves, edits,
finishes and deletes items; the process dies at any transaction and at any remote write, answers are lost, the calendar
fails or forgets its cursors, yesterday's backup is restored, the mailbox leaves the configuration and comes back. Each
run may be a daemon's, which remembers what it saw, or a new process's; both come to the same. In the
configuration and left alone for two runs, these hold:

- a reminder has at most one item, under its own uid, and one that stands has its own or its bundle's;
- no item whose reason has gone, unless the user ticked it off there (then it is theirs) or it was adopted after a
  restored backup;
- what the user moved or worded stays so; what they deleted does not come back (unless it was deleted before the
  agent ever learned that it stood there: nobody can tell that from a write that never arrived, and unless the mailbox
  left before it was read); a note is in the history once;
- items of others are as they were, and what we write invites nobody.
"""

import shutil
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import hypothesis.strategies as st
from hypothesis.stateful import precondition, rule

from agent.reminders.cycle import ACTIVE
from agent.reminders.item import NOTE
from agent.store.calendar import reminders
from connectors.errors import Unreachable
from tests.machines.occasions import OccasionsWorld
from tests.machines.outbox import THREADS, countdown, die
from tests.machines.profiles import machine_settings, patient

threads = st.sampled_from(sorted(THREADS))
some = st.integers(0, 9)
early = st.integers(1, 12)


class OutboxMachine(OccasionsWorld):
    """What may happen."""

    # The history.

    @rule(thread=threads, asks=st.booleans() | st.just(True))
    def wrote(self, thread: str, asks: bool) -> None:
        name, at, contact = self._name(thread), self._later(), THREADS[thread]
        self._act(lambda: self.room.wrote(contact, asks=asks, thread=thread, subject=f"Order {thread}", id=name, at=at))
        self.heard[contact].append(at)
        self.written[contact].append(at)
        self.sent[name] = at
        if asks:
            self.question[thread] = (name, at)

    @rule(thread=threads)
    def received(self, thread: str) -> None:
        name, at, contact = self._name(thread), self._later(), THREADS[thread]
        self._act(lambda: self.room.received(contact, thread=thread, subject=f"Order {thread}", id=name, at=at))
        self.heard[contact].append(at)
        self.sent[name] = at
        self.answered[thread] = at

    @precondition(lambda self: self.mails)
    @rule(which=some, flagged=st.booleans() | st.just(True))
    def flag(self, which: int, flagged: bool) -> None:
        name = self.mails[which % len(self.mails)]
        self._act(lambda: self.room.flag(name, flagged))
        (self.marked.add if flagged else self.marked.discard)(name)

    # The user, in the calendar.

    @precondition(lambda self: self._ours())
    @rule(which=some, days=st.integers(1, 9))
    def user_moves(self, which: int, days: int) -> None:
        item = self._pick(which)
        start = (self.room.now + timedelta(days=days)).replace(hour=11, minute=0, second=0, microsecond=0, tzinfo=None)
        self.calendar.user_moves(item.uid, start)
        if not self.away:
            self.moved[item.uid] = start

    @precondition(lambda self: self._ours())
    @rule(which=some, title=st.sampled_from(("Ring them up", "Ask for the order")))
    def user_words(self, which: int, title: str) -> None:
        item = self._pick(which)
        self.calendar.user_edits(item.uid, title=title)
        if not self.away:
            self.worded[item.uid] = title

    @precondition(lambda self: self._ours())
    @rule(which=some)
    def user_notes(self, which: int) -> None:
        item = self._pick(which)
        self.number += 1
        note = f"Spoke about number {self.number}"
        self.notes[item.uid] = note
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
        else:  # whoever makes it again knows nothing of what was done to it
            self.moved.pop(item.uid, None)
            self.worded.pop(item.uid, None)
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

    @precondition(lambda self: not self.away)
    @rule()
    def look_at_once(self) -> None:
        """A daemon that asks only about what is new comes to the same as a process that asks about everything."""
        self.room.tend(memo=self.memo, eager=True)
        told = self._told()
        self.room.tend(memo={}, eager=True)
        assert self._told() == told
        self.left_at_once = 0

    @precondition(lambda self: not self.away)
    @rule()
    def leave(self) -> None:
        """The mailbox is taken out of the configuration."""
        self._forget_what_was_not_read()
        self._configure(away=True)

    @precondition(lambda self: self.away)
    @rule()
    def come_back(self) -> None:
        self.back()

    @rule()
    def restart(self) -> None:
        self.memo.clear()

    @rule(at=early, stage=st.sampled_from(("before", "inside", "after")))
    def crash_at_a_transaction(self, at: int, stage: str) -> None:
        self._cut_off(self._hook(at, stage, die), None)

    @rule(at=st.integers(1, 4))
    def crash_after_a_write(self, at: int) -> None:
        """The write is done; the process dies before it knows."""
        self._cut_off(None, countdown(at, die))

    @rule(at=st.integers(1, 4))
    def lose_an_answer(self, at: int) -> None:
        def fail() -> None:
            raise Unreachable("nobody answers")

        self._cut_off(None, countdown(at, fail))

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
        self._configure(away=self.away)
        for act in self.acts[count:]:
            self._read(act)
        for mail in self.mails:
            self.room.flag(mail, mail in self.marked)
        self.dropped &= {item.uid for item in self._items()}
        if self.away:
            self._forget_what_was_not_read()

    @rule()
    def settle(self) -> None:
        self._settle()


TestOutboxMachine = patient(OutboxMachine.TestCase)
TestOutboxMachine.settings = machine_settings(examples=25, steps=25)
