"""Looks at lists of mailboxes: whether each can be read, and would be taken. Nothing is kept."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from agent.doctor.examine import Look
from agent.doctor.finding import Said, failed, fine
from agent.lists.judge import judge
from agent.lists.read import read
from config.model import MailboxList, Member


@dataclass(kw_only=True)
class ListVisit:
    """One visit to a list. known: the last one that was taken. members: who has a mailbox now, as far as is known."""

    one: MailboxList
    known: Sequence[Member] | None
    members: Sequence[Member] = field(default_factory=tuple)

    def __post_init__(self) -> None:
        self.members = self.known or ()


def _list(visit: ListVisit) -> Said:
    found = read(visit.one)
    doubt = judge(visit.known, found, visit.one.most_change)
    if doubt is not None:
        return failed(doubt.sentence, doubt.advice)
    visit.members = found
    return fine(f"{len(found)} on it")


LOOKS: Sequence[Look[ListVisit]] = (Look(check="list", at=_list),)
