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
- what somebody said in the review queue is no part of any mailbox;
- a server that does not tell which flags changed (Bob's) is asked about logged and doubtful mail only, so a category
  on other mail counts when something else has that mail read again;
- where one mailbox holds several texts of one message and another mailbox holds it too, any pairing is right: there
  the number of interactions is compared, and whom they concern.
"""

import atexit
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from threading import Event

import hypothesis.strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from agent.store.database import Database
from agent.store.hashes import Hasher
from agent.store.migrate import upgrade
from agent.store.unit import LeaseLost
from agent.sync.room import Stopped
from connectors.errors import ConnectorError, Unreachable
from connectors.memory import MemoryMailbox
from connectors.message import NO_FLAGS, Flags
from connectors.mime import read_header
from tests.machines import agreement
from tests.machines.processes import LEASE, Crash, Process
from tests.machines.profiles import machine_settings, patient
from tests.machines.views import View, view
from tests.machines.world import (
    ANNA,
    ASKED,
    BOB,
    DIRECTORY,
    KIM,
    NOT_CRM,
    PEOPLE,
    PRIVATE,
    UNTRUSTED,
    Letter,
    Place,
    Where,
    World,
    with_banner,
)

HASHER = Hasher(b"a key that only tests know, and long enough")
BOTH = (ANNA, BOB)
OTHER = {ANNA: BOB, BOB: ANNA}
IDS = tuple(f"m{number}@mail.example" for number in range(6))
NAMES = ("Clients", "Projects")
HEARD = frozenset({"skipped: private", "skipped: draft", "skipped: removed"})
"""Skips whose flags are asked for on a server that does not tell what changed (Bob's)."""
FLAGS = {
    "none": NO_FLAGS,
    "private": Flags(categories=frozenset({PRIVATE})),
    "not-crm": Flags(categories=frozenset({NOT_CRM})),
    "asked": Flags(categories=frozenset({ASKED})),
    "draft": Flags(draft=True),
    "flagged": Flags(flagged=True),
}

addresses = st.sampled_from(BOTH)
some = st.integers(0, 30)
"""Picks one of what there is."""
early = st.integers(1, 12)
"""At which step of a pass something happens."""

MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of one's own is made in it; files in memory make thousands of runs


@cache
def template() -> Path:
    """An SQLite file with the present schema, to be copied; it goes with the test process."""
    folder = tempfile.mkdtemp(dir=MEMORY if MEMORY.is_dir() else None)
    atexit.register(shutil.rmtree, folder)
    database = Database(f"sqlite:///{folder}/template.db")
    upgrade(database, HASHER)
    database.close()
    return Path(folder) / "template.db"


class SyncMachine(RuleBasedStateMachine):
    """The world, one database, and whoever works on it."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        for address in BOTH:
            box = MemoryMailbox(clock=self.world.clock, tells_flags=address == ANNA)
            box.create("Sent", role="sent")
            self.world.boxes[address] = box
        self._folder = Path(tempfile.mkdtemp(dir=template().parent))
        shutil.copyfile(template(), self._folder / "agent.db")
        self.url = f"sqlite:///{self._folder / 'agent.db'}"
        self._born = 0
        self.process = self._new_process()

    def teardown(self) -> None:
        try:
            self._compare(*self._settled())
        finally:
            self.process.close()
            shutil.rmtree(self._folder)

    def _new_process(self) -> Process:
        self._born += 1
        return Process(self.url, HASHER, self.world, f"process {self._born}")

    # Mail.

    @rule(
        address=addresses,
        folder=some,
        from_=st.sampled_from(PEOPLE),
        to=st.sampled_from(PEOPLE),
        cc=st.sampled_from(("", *PEOPLE)),
        has_id=st.booleans() | st.just(True),
        date=st.sampled_from((None, None, None, *UNTRUSTED)),
        text=st.sampled_from(("one", "three", "seventeen")),
        refs=st.lists(st.sampled_from(IDS), max_size=2, unique=True),
        bulk=st.integers(0, 9).map(lambda number: number == 9),
    )
    def write(
        self,
        address: str,
        folder: int,
        from_: str,
        to: str,
        cc: str,
        has_id: bool,
        date: str | None,
        text: str,
        refs: list[str],
        bulk: bool,
    ) -> None:
        """A new letter. Only one with an id, or a real date, is one of its kind and may refer to others."""
        taken = {letter.id for letter in self.world.letters}
        free = [one for one in IDS if one not in taken]
        name = free[0] if has_id and free else ""
        letter = Letter(
            id=name,
            from_=from_,
            to=to,
            cc=cc,
            date=self.world.date() if date is None else date,
            text=text,
            refs=tuple(one for one in refs if one != name) if name or date is None else (),
            bulk=bulk and bool(name),
        )
        self.world.deliver(address, self._folder_of(address, folder), letter)

    @precondition(lambda self: self.world.letters)
    @rule(which=some, address=addresses, folder=some, banner=st.booleans())
    def deliver_again(self, which: int, address: str, folder: int, banner: bool) -> None:
        """The same letter once more: to a colleague, by a list, doubled by a server, or with a gateway's banner."""
        letter = self._letter(which)
        self.world.deliver(address, self._folder_of(address, folder), with_banner(letter) if banner else letter)

    @precondition(lambda self: self.world.letters)
    @rule(
        which=some,
        address=addresses,
        change=st.sampled_from(
            [{"text": "three"}, {"text": "seventeen"}, {"text": "one  "}, {"from_": KIM}, {"date": ""}]
        ),
    )
    def deliver_variant(self, which: int, address: str, change: dict[str, str]) -> None:
        """Another letter under the same Message-ID."""
        letter = self._letter(which)
        if letter.id:
            self.world.deliver(address, "INBOX", replace(letter, **change))

    @precondition(lambda self: self.world.places())
    @rule(which=some, folder=some, keep=st.booleans())
    def move_or_copy(self, which: int, folder: int, keep: bool) -> None:
        address, source, uid = self._place(which).where
        target = self._folder_of(address, folder)
        if keep:
            self.world.boxes[address].copy(source, uid, target)
        elif target != source:
            self.world.boxes[address].move(source, uid, target)

    @precondition(lambda self: self.world.places())
    @rule(which=some)
    def expunge(self, which: int) -> None:
        self.world.expunge(self._place(which))

    @precondition(lambda self: self.world.places())
    @rule(which=some, flags=st.sampled_from(sorted(FLAGS)))
    def flag(self, which: int, flags: str) -> None:
        place = self._place(which)
        outcome = view(self.process.database).outcomes.get(place.where, "")
        if place.where[0] == BOB and outcome.startswith("skipped") and outcome not in HEARD:
            self.world.blurred.add(place.letter.key)
            self.world.loose.add(place.letter.key)
        self.world.flag(place, FLAGS[flags])

    # Folders.

    @rule(address=addresses, name=st.sampled_from(NAMES))
    def create_folder(self, address: str, name: str) -> None:
        if name not in self.world.boxes[address].folders:
            self.world.boxes[address].create(name)

    @rule(address=addresses, name=st.sampled_from(NAMES), new=st.sampled_from(NAMES))
    def rename_folder(self, address: str, name: str, new: str) -> None:
        held = self.world.boxes[address].folders
        if name in held and new not in held:
            self.world.boxes[address].rename(name, new)

    @rule(address=addresses, name=st.sampled_from(NAMES))
    def remove_folder(self, address: str, name: str) -> None:
        if name in self.world.boxes[address].folders:
            self.world.remove_folder(address, name)

    @rule(address=addresses, folder=some)
    def renumber(self, address: str, folder: int) -> None:
        """UIDVALIDITY changes."""
        self.world.boxes[address].renumber(self._folder_of(address, folder))

    @precondition(lambda self: self.world.places())
    @rule(which=some)
    def refuse(self, which: int) -> None:
        """The server lists a message and does not hand it out, until the state settles."""
        address, folder, uid = self._place(which).where
        self.world.boxes[address].faults.refuse[folder, uid] = "UNAVAILABLE"

    # People.

    @rule(which=st.integers(0, len(DIRECTORY) - 1))
    def meet(self, which: int) -> None:
        self._meet(self.process, which)

    def _meet(self, process: Process, which: int) -> None:
        person = DIRECTORY[which]
        if person not in self.world.known:
            self.world.meet(person)
            process.meet(person)

    @rule(which=some)
    def remove_interaction(self, which: int) -> None:
        now = view(self.process.database)
        here = [place for place in self.world.places() if now.at(place.where) is not None]
        if here:
            place = here[which % len(here)]
            kept = now.at(place.where)
            assert kept is not None
            self.process.remove(kept.id)
            self.world.removed.add(place.letter.key)
            self.world.blurred.add(place.letter.key)
            if sum(one.key == kept.key for one in now.kept.values()) > 1:  # the others go when they are read again
                self.world.loose.add(place.letter.key)

    @rule(which=some, accept=st.booleans())
    def decide_review(self, which: int, accept: bool) -> None:
        """Somebody says who is meant, or that nobody is: no mailbox tells that to others."""
        key = self.process.decide(which, accept=accept)
        decided = {letter.key for letter in self.world.letters if key == _key_of(letter)}
        self.world.blurred |= decided
        self.world.loose |= decided

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

    def _folder_of(self, address: str, which: int) -> str:
        names = sorted(self.world.boxes[address].folders)
        return names[which % len(names)]

    def _letter(self, which: int) -> Letter:
        return self.world.letters[which % len(self.world.letters)]

    def _place(self, which: int) -> Place:
        places = self.world.places()
        return places[which % len(places)]

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
        blurred = agreement.blurred_places(self.world)
        for address in BOTH:
            agreement.check_places(self.world, self.process, now, address)
        agreement.check_decisions(self.world, now)
        agreement.check_identities(self.world, now, blurred=blurred)
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


def _key_of(letter: Letter) -> bytes:
    return HASHER.message_key(read_header(letter.raw, id="1", size=None, server_time=None, flags=NO_FLAGS))


def _die() -> None:
    raise Crash


def contacts_first(world: World, url: str) -> Process:
    """Everybody is known before the first mail is read; Anna's mailbox comes first."""
    process = Process(url, HASHER, world, "contacts first")
    process.meet(*world.known)
    process.settle(BOTH, page=3)
    return process


def contacts_last(world: World, url: str) -> Process:
    """All mail is read while nobody is known; Bob's mailbox comes first."""
    process = Process(url, HASHER, world, "contacts last")
    process.settle((BOB, ANNA), page=2)
    process.meet(*reversed(world.known))
    process.settle((BOB, ANNA), page=2)
    return process


def forward(world: World, url: str) -> Process:
    """The mailboxes are watched from the day they were empty, so all mail is read oldest first."""
    boxes = {address: _emptied(box) for address, box in world.boxes.items()}
    process = Process(url, HASHER, world, "forward", boxes=boxes)
    process.meet(*world.known[::2])
    process.settle(BOTH)
    for address, box in world.boxes.items():
        for name, folder in box.folders.items():
            there = boxes[address].folders[name]
            there.messages, there.next, there.changes = dict(folder.messages), folder.next, there.changes + 1
    process.meet(*world.known[1::2])
    process.settle(BOTH)
    return process


def _emptied(box: MemoryMailbox) -> MemoryMailbox:
    """A mailbox as it was before its first message came."""
    new = MemoryMailbox(tells_flags=box.tells_flags)
    new.folders = {name: replace(folder, messages={}, next=1, changes=0) for name, folder in box.folders.items()}
    return new


TestSyncMachine = patient(SyncMachine.TestCase)
TestSyncMachine.settings = machine_settings(examples=20, steps=25)
