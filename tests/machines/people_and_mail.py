"""What people do to the world of the sync machine: mail comes, moves and goes, somebody becomes known or decides."""

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from connectors.memory import MemoryMailbox
from connectors.message import NO_FLAGS, Flags
from connectors.mime import read_header
from tests.machines.processes import Process
from tests.machines.told_anew import BOTH, HASHER, template
from tests.machines.views import view
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
    World,
    with_banner,
)

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


class PeopleAndMail(RuleBasedStateMachine):
    """The world, one database, and the rules by which people change them."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        for address in BOTH:
            box = MemoryMailbox(clock=self.world.clock, tells_flags=address == ANNA, late_headers=address == BOB)
            box.create("Sent", role="sent")
            self.world.boxes[address] = box
        self._folder = Path(tempfile.mkdtemp(dir=template().parent))
        shutil.copyfile(template(), self._folder / "agent.db")
        self.url = f"sqlite:///{self._folder / 'agent.db'}"
        self._born = 0
        self.process = self._new_process()

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
    def deliver_variant(self, which: int, address: str, change: dict[str, Any]) -> None:
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
        self._remove(self.process, which)

    def _remove(self, process: Process, which: int) -> None:
        now = view(process.database)
        here = [place for place in self.world.places() if now.at(place.where) is not None]
        if here:
            place = here[which % len(here)]
            kept = now.at(place.where)
            assert kept is not None
            process.remove(kept.id)
            gone = [one for one in here if one.where in kept.places]
            self.world.note_removed(gone, alone=kept.ever == len(kept.places))

    @rule(which=some, to=some)
    def give_interaction(self, which: int, to: int) -> None:
        """Somebody says that an interaction is another contact's: no mailbox tells that to others."""
        self._give(self.process, which, to)

    def _give(self, process: Process, which: int, to: int) -> None:
        kept = sorted(view(process.database).kept.values(), key=lambda one: one.id)
        if not kept:
            return
        one = kept[which % len(kept)]
        given = process.give(one.id, to)
        if given is not None:
            source, other = given
            self.world.taken[one.key] = (self.world.taken.get(one.key, frozenset()) - {other}) | {source}
            self._note_said(one.key)

    @rule(which=some, accept=st.booleans())
    def decide_review(self, which: int, accept: bool) -> None:
        """Somebody says who is meant, or that nobody is: no mailbox tells that to others."""
        self._decide(self.process, which, accept=accept)

    def _decide(self, process: Process, which: int, *, accept: bool) -> None:
        key = process.decide(which, accept=accept)
        if key is not None:
            self._note_said(key)

    def _note_said(self, key: bytes) -> None:
        decided = {letter.key for letter in self.world.letters if key == _key_of(letter)}
        self.world.blurred |= decided
        self.world.loose |= decided

    # How it is done.

    def _folder_of(self, address: str, which: int) -> str:
        names = sorted(self.world.boxes[address].folders)
        return names[which % len(names)]

    def _letter(self, which: int) -> Letter:
        return self.world.letters[which % len(self.world.letters)]

    def _place(self, which: int) -> Place:
        places = self.world.places()
        return places[which % len(places)]


def _key_of(letter: Letter) -> bytes:
    return HASHER.message_key(read_header(letter.raw, id="1", size=None, server_time=None, flags=NO_FLAGS))
