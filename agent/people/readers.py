"""Who reads, and whether they may see a text that lies in somebody's mailbox. Pure.

Asked by every command that shows a text. A text belongs to the people in whose mailboxes its message lies or lay; a
call or note belongs to the team. Who reads is said on the command line, because a process cannot know for whom it was
started. Where nobody is named, the owner of the only mailbox reads; of several, whoever runs the installation does.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from matchers.address import normalise

VisibleTo = Literal["owner", "team", "everyone"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Reader:
    """mailbox: the normalised address of whoever reads, None if nobody said. account: who runs the command.

    admin: reads whatever there is, and each reading is written down.
    """

    account: str
    mailbox: str | None = None
    admin: bool = False

    @property
    def told(self) -> str:
        """As the audit table names this reader."""
        if self.admin:
            return f"{self.account} as admin"
        return f"{self.account} for {self.mailbox}" if self.mailbox else self.account


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """shown: whether the text may be seen. audited: whether that is written down: the text is another's."""

    shown: bool
    audited: bool


def reader_of(account: str, mailboxes: Sequence[str], *, asked: str | None, admin: bool) -> Reader | None:
    """mailboxes: all configured ones. asked: the one that the command line names. None if there is no such mailbox."""
    known = [normalise(one).normalised for one in mailboxes]
    if asked is not None:
        named = normalise(asked).normalised
        return Reader(account=account, mailbox=named, admin=admin) if named in known else None
    alone = known[0] if len(known) == 1 else None
    return Reader(account=account, mailbox=alone, admin=admin or alone is None)


def verdict(reader: Reader, owners: Collection[str], visible_to: VisibleTo) -> Verdict:
    """owners: the mailboxes in which the message lies or lay, in any spelling."""
    theirs = {normalise(one).normalised for one in owners}
    if not theirs or reader.mailbox in theirs:
        return Verdict(shown=True, audited=False)
    allowed = visible_to == "everyone" or (visible_to == "team" and reader.mailbox is not None)
    shown = reader.admin or allowed
    return Verdict(shown=shown, audited=shown)
