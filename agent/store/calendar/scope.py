"""For whom the reminder rules are asked, and about what."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from config.model import Reminders


@dataclass(frozen=True, kw_only=True, slots=True)
class Touched:
    """What changed since the rules were asked last: only they are asked about again.

    settled: whether nothing but came to it, so that what was settled elsewhere stays so. reminded: the threads in which
    something was not. meetings: of what came, those that are meetings.
    """

    threads: frozenset[str] = frozenset()
    contacts: frozenset[str] = frozenset()
    meetings: frozenset[str] = frozenset()
    settled: bool = False
    reminded: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """For whom, since when, and for which rules. own: match key of an address -> address of our mailbox that has it.

    flagged: interactions that its owner flagged -> the due date. only: None for everything.
    """

    mailbox_id: int
    mailbox: str
    own: Mapping[str, str]
    since: datetime
    now: datetime
    chosen: Reminders = field(default_factory=Reminders)
    flagged: Mapping[str, date | None] = field(default_factory=dict)
    only: Touched | None = None

    @property
    def mine(self) -> list[str]:
        """Match keys of this mailbox's own addresses."""
        return sorted(key for key, mailbox in self.own.items() if mailbox == self.mailbox)
