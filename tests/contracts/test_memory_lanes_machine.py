"""A machine that delivers, removes, flags and renumbers while both lanes are read in any order, one page at a time.

Whatever the order: every message that stands in the folder at the end was handed out exactly once under the validity
it has, by one lane or the other.
"""

from datetime import date, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from connectors.memory import MemoryMailbox, MemorySource
from connectors.message import Cursor, Flags, Folder, Page
from tests.contracts.mail_source import START, letter

FLOORS = st.sampled_from([None, *(START.date() + timedelta(days=n) for n in (2, 5, 8))])


class Lanes(RuleBasedStateMachine):
    """seen: how often each id was handed out under the validity that holds now."""

    @initialize(start=st.integers(0, 12), page=st.integers(1, 4))
    def fill(self, start: int, page: int) -> None:
        self.mailbox = MemoryMailbox()
        self.count = 0
        for _ in range(start):
            self.deliver(self.count % 10)
        self.source = MemorySource(self.mailbox, page=page)
        (self.folder,) = self.source.folders()
        self.begin(next(iter(self.source.changes(self.folder, None))))

    folder: Folder

    def begin(self, page: Page) -> None:
        assert page.cursor is not None
        assert page.history is not None
        self.forward: Cursor = page.cursor
        self.past: Cursor = page.history
        self.validity = page.validity
        self.seen: dict[str, int] = {}

    def take(self, page: Page) -> None:
        assert page.validity == self.validity
        for envelope in page.envelopes:
            self.seen[envelope.id] = self.seen.get(envelope.id, 0) + 1

    @rule(day=st.integers(0, 9))
    def deliver(self, day: int) -> None:
        self.count += 1
        self.mailbox.deliver("INBOX", letter(self.count), when=START + timedelta(days=day))

    def ids(self) -> list[str]:
        return [str(uid) for uid in self.mailbox.folders["INBOX"].messages]

    @precondition(lambda self: self.ids())
    @rule(choice=st.integers(0, 1_000))
    def expunge(self, choice: int) -> None:
        ids = self.ids()
        self.mailbox.expunge("INBOX", ids[choice % len(ids)])

    @precondition(lambda self: self.ids())
    @rule(choice=st.integers(0, 1_000), flagged=st.booleans())
    def flag(self, choice: int, flagged: bool) -> None:
        ids = self.ids()
        self.mailbox.flag("INBOX", ids[choice % len(ids)], Flags(flagged=flagged))

    @rule()
    def renumber(self) -> None:
        self.mailbox.renumber("INBOX")
        (page,) = self.source.changes(self.folder, self.forward)
        assert page.renumbered
        self.begin(page)

    @rule()
    def read_forward(self) -> None:
        for page in self.source.changes(self.folder, self.forward):
            self.take(page)
            self.forward = page.cursor or self.forward
            break

    @rule(since=FLOORS)
    def read_past(self, since: date | None) -> None:
        for page in self.source.history(self.folder, self.past, since):
            self.take(page)
            self.past = page.cursor or self.past
            break

    @rule()
    def restart(self) -> None:
        self.source = MemorySource(self.mailbox, page=3)

    def teardown(self) -> None:
        if not hasattr(self, "source"):
            return
        for page in self.source.history(self.folder, self.past, None):
            self.take(page)
        for page in self.source.changes(self.folder, self.forward):
            self.take(page)
        assert {id: self.seen.get(id, 0) for id in self.ids()} == dict.fromkeys(self.ids(), 1)
        assert set(self.seen.values()) <= {1}


TestLanes = Lanes.TestCase
TestLanes.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
