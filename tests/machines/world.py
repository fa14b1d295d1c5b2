"""The outside world of the sync machine: letters, the mailboxes they lie in, and a simple account of what is known.

The account says, without asking the program, which message is which and what must have become of it. It is simple
on purpose: what it cannot say (`None`) is left to the comparison of one history with another.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from connectors.memory import MemoryMailbox, Stored
from connectors.message import NO_FLAGS, Flags

ANNA, BOB, CY = "anna@ourfirm.example", "bob@ourfirm.example", "cy@ourfirm.example"
KIM, LEA, NOA = "kim@customer.example", "lea@other.example", "noa@nowhere.example"
MAX, OFFICE = "max@customer.example", "office@shared.example"
OURS = frozenset({ANNA, BOB, CY})
PEOPLE = (KIM, LEA, NOA, MAX, OFFICE, ANNA, BOB, CY)
PRIVATE, NOT_CRM, ASKED = "Private", "Not CRM", "CRM"
UNTRUSTED = ("", "Fri, 01 Jan 2099 10:00:00 +0000", "Thu, 01 Jan 1970 00:00:00 +0000")
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

Identity = tuple[object, ...]
Where = tuple[str, str, str]
"""(mailbox, folder, id)."""


@dataclass(frozen=True, kw_only=True)
class Letter:
    """A message as somebody wrote it. id: bare, '' for none. date: as the header has it, '' for none."""

    id: str
    from_: str
    to: str
    cc: str = ""
    date: str = ""
    subject: str = "Hello"
    text: str = "one"
    refs: tuple[str, ...] = ()
    bulk: bool = False

    @property
    def raw(self) -> bytes:
        lines = [f"From: {self.from_}", f"To: {self.to}", f"Subject: {self.subject}"]
        lines += [f"Cc: {self.cc}"] if self.cc else []
        lines += [f"Date: {self.date}"] if self.date else []
        lines += [f"Message-ID: <{self.id}>"] if self.id else []
        lines += ["References: " + " ".join(f"<{one}>" for one in self.refs)] if self.refs else []
        lines += ["List-Id: <news.example>"] if self.bulk else []
        return ("\r\n".join([*lines, "", self.text, ""])).encode()

    @property
    def key(self) -> str:
        """What names the message; without an id, what its header says."""
        return self.id or "|".join((self.from_, self.date, self.subject, *sorted((self.to, self.cc))))

    @property
    def identity(self) -> Identity:
        """Everything but the text by which messages are told apart, across mailboxes."""
        return self.key, self.from_, self.date

    @property
    def words(self) -> str:
        """The text as texts are compared."""
        return " ".join(self.text.split())

    @property
    def everyone(self) -> frozenset[str]:
        return frozenset({self.from_, self.to, self.cc} - {""})

    @property
    def outside(self) -> frozenset[str]:
        """Whom it names beside us."""
        return self.everyone - OURS

    @property
    def stays_inside(self) -> bool:
        """Whether one of us wrote it to some of us and nobody else."""
        return not self.outside


@dataclass(frozen=True, kw_only=True)
class Person:
    """A contact as it is imported."""

    name: str
    address: str
    company: str = ""


DIRECTORY = (
    Person(name="Kim", address=KIM),
    Person(name="Lea", address=LEA),
    Person(name="Max", address=MAX, company="Customer"),
    Person(name="Rep", address="rep@customer.example", company="Customer"),
    Person(name="Office One", address=OFFICE),
    Person(name="Office Two", address=OFFICE),
    Person(name="Kim Two", address=KIM),
    Person(name="Noa", address=NOA, company="Nowhere"),
    Person(name="Noa at home", address="noa@home.example", company="Nowhere"),
    Person(name="Rival", address="rival@customer.example", company="Rival"),
)


@dataclass(frozen=True, kw_only=True)
class Place:
    """A letter where it lies now. copy: names its delivery; copies and moves of it keep the name."""

    where: Where
    letter: Letter
    flags: Flags
    copy: tuple[str, str]


@dataclass
class World:
    """All mailboxes, everyone known, and what happened that a later reader cannot see any more.

    removed: key -> (mailbox, identity, words) of letters that somebody took out of the history. taken: message key ->
    names of contacts from whom somebody took it. seen: deliveries that a pass may have read. blurred: keys of letters
    whose past cannot be read off the mailboxes (see `test_sync_machine`). loose: keys of letters of which only history
    says how they were decided.
    """

    now: datetime = START
    boxes: dict[str, MemoryMailbox] = field(default_factory=dict)
    letters: list[Letter] = field(default_factory=list)
    known: list[Person] = field(default_factory=list)
    removed: dict[str, set[tuple[str, Identity, str]]] = field(default_factory=dict)
    taken: dict[bytes, frozenset[str]] = field(default_factory=dict)
    seen: set[tuple[str, str]] = field(default_factory=set)
    blurred: set[str] = field(default_factory=set)
    loose: set[str] = field(default_factory=set)
    _copies: dict[tuple[str, str], Letter] = field(default_factory=dict)

    def clock(self) -> datetime:
        return self.now

    def wait(self, **time: float) -> None:
        self.now += timedelta(**time)

    def date(self) -> str:
        """The Date header of a letter written now."""
        return format_datetime(self.now)

    # What people do.

    def deliver(self, address: str, folder: str, letter: Letter, flags: Flags = NO_FLAGS) -> None:
        self.wait(minutes=1)
        box = self.boxes[address]
        uid = box.deliver(folder, letter.raw, when=self.now, flags=flags)
        self.letters.append(letter)
        self._copies[address, box.folders[folder].messages[int(uid)].guid] = letter

    def expunge(self, place: Place) -> None:
        address, folder, uid = place.where
        self.boxes[address].expunge(folder, uid)
        self._note_vanished([place])

    def remove_folder(self, address: str, folder: str) -> None:
        left = [place for place in self.places() if place.where[:2] == (address, folder)]
        self.boxes[address].remove(folder)
        self._note_vanished(left)

    def flag(self, place: Place, flags: Flags) -> None:
        address, folder, uid = place.where
        self.boxes[address].flag(folder, uid, flags)
        if place.copy not in self.seen:
            return
        if _kept_away(flags) and not _kept_away(place.flags):
            self.blurred.add(place.letter.key)
        if ASKED in place.flags.categories and ASKED not in flags.categories:
            self.blurred.add(place.letter.key)
            self.loose.add(place.letter.key)

    def meet(self, person: Person) -> None:
        """Somebody becomes known."""
        self.known.append(person)

    def note_removed(self, places: Sequence[Place], *, alone: bool) -> None:
        """One interaction was taken out, which lies in these places; alone: and never lay in others."""
        for place in places:
            letter = place.letter
            self.removed.setdefault(letter.key, set()).add((place.where[0], letter.identity, letter.words))
            self.blurred.add(letter.key)
            if not alone:
                self.loose.add(letter.key)

    def note_reading(self, address: str) -> None:
        """A pass begins or ends here: what lies there may have been seen."""
        self.seen |= {place.copy for place in self.places() if place.where[0] == address}

    # What is the case.

    def places(self) -> list[Place]:
        """Every message that lies on a server, in a stable order."""
        return list(self._places())

    def _places(self) -> Iterator[Place]:
        for address, box in sorted(self.boxes.items()):
            for folder, held in sorted(box.folders.items()):
                for uid, stored in sorted(held.messages.items()):
                    yield self._place((address, folder, str(uid)), stored)

    def _place(self, where: Where, stored: Stored) -> Place:
        copy = (where[0], stored.guid)
        return Place(where=where, letter=self._copies[copy], flags=stored.flags, copy=copy)

    def holders(self, address: str) -> list[Person]:
        return [one for one in self.known if one.address == address]

    def owner(self, address: str) -> str | None:
        """The company for which a stranger's address speaks."""
        domain = address.partition("@")[2]
        claims = {one.company for one in self.known if one.company and one.address.endswith("@" + domain)}
        return claims.pop() if len(claims) == 1 else None

    def is_named(self, letter: Letter) -> bool:
        """Whether somebody in it is known for certain, by address or by company."""
        return any(len(self.holders(one)) == 1 or (not self.holders(one) and self.owner(one)) for one in letter.outside)

    def expected(self, place: Place) -> str | None:
        """`logged`, `review` or `skipped: reason`; None where only the conversation can tell."""
        letter, flags = place.letter, place.flags
        if letter.key in self.loose:
            return None
        if NOT_CRM in flags.categories:
            return "skipped: removed"
        if letter.key in self.removed:
            return self._expected_of_removed(place)
        if flags.draft:
            return "skipped: draft"
        asked = ASKED in flags.categories
        if PRIVATE in flags.categories and not asked:
            return "skipped: private"
        if letter.stays_inside and not asked:
            return "skipped: internal-only"
        if letter.stays_inside and letter.everyone == {place.where[0]}:
            return "skipped: no-contact"
        kept = "logged" if self.is_named(letter) else "review" if self._is_doubtful(letter) else None
        if kept is not None:
            return "skipped: bulk" if letter.bulk and not asked else kept
        if self._has_company(letter):
            return None
        return "review" if asked else "skipped: no-contact"

    def _expected_of_removed(self, place: Place) -> str | None:
        """Of mail that would be kept, and that is the only one under its key; else only its text can tell."""
        letter, hidden = place.letter, _kept_away(place.flags)
        known = {(one.identity, one.words) for one in self.letters if one.key == letter.key}
        kept = self.is_named(letter) and not (letter.bulk or letter.stays_inside or hidden)
        return "skipped: removed" if kept and len(known) == 1 else None

    def _is_doubtful(self, letter: Letter) -> bool:
        return any(len(self.holders(one)) > 1 for one in letter.outside)

    def _has_company(self, letter: Letter) -> bool:
        """Whether its conversation holds anybody who may ever have been known."""
        mine = self.conversations()[letter.key]
        addresses = {one.address for one in self.known}
        domains = {one.address.partition("@")[2] for one in self.known if one.company}
        return any(
            a in addresses or a.partition("@")[2] in domains
            for other in self.letters
            if self.conversations()[other.key] == mine
            for a in other.outside
        )

    def conversations(self) -> Mapping[str, str]:
        """key or referred id → one name for all that hang together, over everything ever delivered."""
        parent: dict[str, str] = {}

        def root(node: str) -> str:
            parent.setdefault(node, node)
            while parent[node] != node:
                node = parent[node]
            return node

        for letter in self.letters:
            for ref in (letter.key, *letter.refs):
                parent[root(ref)] = root(letter.key)
        return {node: root(node) for node in list(parent)}

    def blurred_conversations(self) -> frozenset[str]:
        names = self.conversations()
        return frozenset(names[key] for key in self.blurred)

    def _note_vanished(self, left: Sequence[Place]) -> None:
        still = {place.copy for place in self.places()}
        self.blurred |= {place.letter.key for place in left if place.copy in self.seen - still}


def with_banner(letter: Letter) -> Letter:
    """The same letter as a gateway passes it on."""
    return replace(letter, text=f"CAUTION: this comes from outside.\r\n{letter.text}")


def _kept_away(flags: Flags) -> bool:
    return flags.draft or bool({PRIVATE, NOT_CRM} & flags.categories)
