"""Any history of mail, people and mishaps ends in the same state, and nothing is lost or doubled on the way.

Hypothesis plays two mailboxes, a directory and an unlucky operator, in any order. After each complete pass every
message on the server has exactly one row and `reconcile` misses none. Settled (passes over all mailboxes until nothing
is queued; several are needed because mail in one mailbox may explain mail in the other), everything else must hold
too, and new databases that are told the same in other orders must agree: history first or forward, contacts first or
last, either mailbox first.

A new database cannot know what the mailboxes no longer show. These differences are right, and the conversations they
touch are left out of the comparison (they are *blurred*), though not out of the other checks:

- mail that was logged and has left the server stays logged, keeps its conversation together and keeps what it told;
- mail that was logged and was made private, a draft or `Not CRM` later, or taken out by hand, once joined threads;
- mail that was kept because its category asked for it stays kept when the category goes;
- what somebody said in the review queue, or gave to another contact, is no part of any mailbox;
- a server that does not tell which flags changed (Bob's) is asked about logged and doubtful mail only, so a category
  on other mail counts when something else has that mail read again;
- where one mailbox holds several texts of one message and another mailbox holds it too, any pairing is right: there
  the number of interactions is compared, and whom they concern.
"""

import shutil
from collections.abc import Callable
from threading import Event

import hypothesis.strategies as st
from hypothesis.stateful import rule

from agent.store.unit import LeaseLost
from agent.sync.room import Stopped
from connectors.errors import ConnectorError, Unreachable
from tests.dated import misdated
from tests.machines import agreement
from tests.machines.people_and_mail import PeopleAndMail, addresses, early, some
from tests.machines.processes import LEASE, Crash, Process
from tests.machines.profiles import machine_settings, patient
from tests.machines.told_anew import BOTH, contacts_first, contacts_last, forward, template
from tests.machines.views import View, view
from tests.machines.world import ANNA, BOB, DIRECTORY, Where, World

OTHER = {ANNA: BOB, BOB: ANNA}


class SyncMachine(PeopleAndMail):
    """Whoever works on the database, with every mishap, and what must hold of it."""

    def teardown(self) -> None:
        try:
            self._compare(*self._settled())
        finally:
            self.process.close()
            shutil.rmtree(self._folder)

    # The agent.

    @rule(minutes=st.sampled_from((1, 20, 400)))
    def wait(self, minutes: int) -> None:
        self.world.wait(minutes=minutes)

    @rule(address=addresses, eager=st.booleans(), page=st.integers(1, 3))
    def sync(self, address: str, eager: bool, page: int) -> None:
        self._pass(address, eager=eager, page=page)
        agreement.check_places(self.world, self.process, view(self.process.database), address)

    @rule()
    def restart(self) -> None:
        self.process.close()
        self.process = self._new_process()

    @rule(address=addresses, at=early, stage=st.sampled_from(("before", "inside", "after")))
    def crash(self, address: str, at: int, stage: str) -> None:
        """The process dies at a transaction: before it, before its commit, or right after it."""
        self._at_transaction(at, stage, _die)
        try:
            self._pass(address)
        except Crash:
            self.world.wait(seconds=2 * LEASE)
            self.restart()
        self.process.database.hook = lambda stage: None

    @rule(address=addresses, at=early)
    def lose_the_server(self, address: str, at: int) -> None:
        def fail() -> None:
            raise Unreachable("nobody answers")

        self._with_meeting(address, at, fail)

    @rule(address=addresses, at=early)
    def stop(self, address: str, at: int) -> None:
        """The process is asked to end, and ends between two pages."""
        asked = Event()
        self._with_meeting(address, at, asked.set, stop=asked)

    @rule(address=addresses, at=early, which=some, what=st.sampled_from(("letter", "expunge", "move", "renumber")))
    def change_meanwhile(self, address: str, at: int, which: int, what: str) -> None:
        """Mail changes while it is read."""

        def change() -> None:
            mine = [place for place in self.world.places() if place.where[0] == address]
            if what == "letter" and self.world.letters:
                self.world.deliver(address, "INBOX", self._letter(which))
            elif what == "expunge" and mine:
                self.world.expunge(mine[which % len(mine)])
            elif what == "move" and mine:
                _, folder, uid = mine[which % len(mine)].where
                self.world.boxes[address].move(folder, uid, "Sent")
            elif what == "renumber":
                self.world.boxes[address].renumber(self._folder_of(address, which))
            self.world.note_reading(address)

        self._with_meeting(address, at, change)

    @rule(address=addresses, at=early, which=st.integers(0, len(DIRECTORY) - 1))
    def import_meanwhile(self, address: str, at: int, which: int) -> None:
        """Another process adds a contact between two transactions of a pass."""
        other = self._new_process()
        self.world.note_reading(address)
        self._at_transaction(at, "before", lambda: self._meet(other, which))
        self._pass(address)
        self.process.database.hook = lambda stage: None
        other.close()

    @rule(address=addresses, at=early, which=some)
    def remove_meanwhile(self, address: str, at: int, which: int) -> None:
        """Somebody takes an interaction out between two transactions of a pass."""
        other = self._new_process()
        self.world.note_reading(address)
        self._at_transaction(at, "before", lambda: self._remove(other, which))
        self._pass(address)
        self.process.database.hook = lambda stage: None
        other.close()

    @rule(address=addresses, at=early, which=some, to=some)
    def give_meanwhile(self, address: str, at: int, which: int, to: int) -> None:
        """Somebody gives an interaction to another contact between two transactions of a pass."""
        other = self._new_process()
        self.world.note_reading(address)
        self._at_transaction(at, "before", lambda: self._give(other, which, to))
        self._pass(address)
        self.process.database.hook = lambda stage: None
        other.close()

    @rule(address=addresses, at=early, which=some, accept=st.booleans())
    def decide_meanwhile(self, address: str, at: int, which: int, accept: bool) -> None:
        """Somebody decides a doubt between two transactions of a pass."""
        other = self._new_process()
        self.world.note_reading(address)
        self._at_transaction(at, "before", lambda: self._decide(other, which, accept=accept))
        self._pass(address)
        self.process.database.hook = lambda stage: None
        other.close()

    @rule(address=addresses, at=early)
    def read_the_other_meanwhile(self, address: str, at: int) -> None:
        """Another process reads the other mailbox between two transactions of a pass."""
        other = self._new_process()
        self._at_transaction(at, "before", lambda: self._pass(OTHER[address], process=other))
        self._pass(address)
        self.process.database.hook = lambda stage: None
        other.close()

    @rule(address=addresses, at=early)
    def oversleep(self, address: str, at: int) -> None:
        """A worker sleeps past its lease, another one finishes its work; whoever wakes writes nothing any more."""
        other = self._new_process()
        after: list[object] = []

        def take_over() -> None:
            self.world.wait(seconds=LEASE + 1)
            self._pass(address, process=other)
            after.append(view(other.database))

        self._at_transaction(at, "before", take_over)
        try:
            self._pass(address)
        except LeaseLost:
            assert after == [view(other.database)], "a worker that lost its lease wrote"
        else:
            assert not after, "a worker that lost its lease was let through"
        self.process.database.hook = lambda stage: None
        other.close()

    @rule()
    def settle(self) -> None:
        self._settled()

    # How it is done.

    def _pass(
        self,
        address: str,
        *,
        process: Process | None = None,
        eager: bool = True,
        page: int = 2,
        stop: Event | None = None,
    ) -> None:
        self.world.wait(minutes=1)
        self.world.note_reading(address)
        (process or self.process).sync(address, eager=eager, page=page, stop=stop)

    def _at_transaction(self, at: int, stage: str, do: Callable[[], None]) -> None:
        """Once, at that stage of the process's next transaction but so many."""
        left = [at + 1]

        def hook(reached: str) -> None:
            left[0] -= reached == stage
            if left[0] == 0:
                left[0] = -1
                do()

        self.process.database.hook = hook

    def _with_meeting(self, address: str, at: int, do: Callable[[], None], *, stop: Event | None = None) -> None:
        """A pass at whose call number `at` to the server something happens; it may end early."""
        left = [at]

        def before(call: str, folder: str) -> None:
            left[0] -= 1
            if left[0] == 0:
                do()

        faults = self.world.boxes[address].faults
        faults.before = before
        try:
            self._pass(address, stop=stop)
        except (ConnectorError, Stopped):
            pass
        finally:
            faults.before = None

    def _settled(self) -> tuple[View, frozenset[Where]]:
        """Lets everything settle and holds it against the account of the world: how it stands, and what is blurred."""
        for box in self.world.boxes.values():
            box.faults.refuse.clear()
        for address in BOTH:
            self.world.note_reading(address)
        self.process.settle()
        now = view(self.process.database)
        assert not misdated(self.process.database)
        blurred = agreement.blurred_places(self.world)
        for address in BOTH:
            agreement.check_places(self.world, self.process, now, address)
        agreement.check_decisions(self.world, now)
        agreement.check_identities(self.world, now, blurred=blurred)
        agreement.check_removed(self.world, now)
        agreement.check_given(self.world, now)
        agreement.check_feed(now)
        return now, blurred

    def _compare(self, now: View, blurred: frozenset[Where]) -> None:
        """Holds the database against new ones that were told in other orders, and those against each other."""
        others = {tell.__name__: self._told_anew(tell) for tell in (contacts_first, contacts_last, forward)}
        for name, other in others.items():
            agreement.check_identities(self.world, other, blurred=frozenset())
            self._same(other, others["contacts_first"], frozenset(), f"told anew: {name} + | contacts_first -")
            self._same(other, now, blurred, f"told anew: {name} + | the machine -")

    def _same(self, one: View, other: View, blurred: frozenset[Where], title: str) -> None:
        left, right = (agreement.told(self.world, each, blurred=blurred) for each in (one, other))
        found = agreement.differences(right, left)
        assert not found, "\n".join((title, *found))

    def _told_anew(self, tell: Callable[[World, str], Process]) -> View:
        path = self._folder / f"{tell.__name__}.db"
        shutil.copyfile(template(), path)
        process = tell(self.world, f"sqlite:///{path}")
        found = view(process.database)
        process.close()
        path.unlink()
        return found


def _die() -> None:
    raise Crash


TestSyncMachine = patient(SyncMachine.TestCase)
TestSyncMachine.settings = machine_settings(examples=20, steps=25)
