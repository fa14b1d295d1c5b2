"""Whether decisions still stand when they are recorded: another worker may have come between.

A page is decided on a snapshot and recorded later. Whoever changes a conversation queues what hangs by it, but cannot
queue what is not recorded yet. So each page looks once more, in its own transaction, where only one worker at a time
gets: a decision that rests on an older state of a conversation is queued to be made anew.
"""

from typing import TYPE_CHECKING

from agent.store.mail import threads
from agent.sync.deciding import Decided
from matchers.contact import ThreadView
from matchers.match import Log, Reason, Review, Skip

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import sqlalchemy as sa

_ASKED = (*threads.WEAK_RULES, "name", "forward")
"""Rules of questions that nobody is asked once the conversation tells."""

People = tuple[frozenset[str], frozenset[str]]
"""Ids of contacts and of companies."""


def hangs(one: Decided) -> bool:
    """Whether its conversation decided this message, or would have. Strangers outside of any are looked at before."""
    match one.decision:
        case Skip(reason=Reason.NO_CONTACT):
            return one.view is not None
        case Log():
            return one.decision.rule in threads.WEAK_RULES
        case Review():
            return one.decision.rule in _ASKED
    return False


def outdated(
    connection: "sa.Connection", hanging: "Sequence[Decided]", own: "Mapping[bytes, Sequence[str]]"
) -> frozenset[str]:
    """Threads that concern others now than when these messages were decided. own: key -> its interactions' ids."""
    if not hanging:
        return frozenset()
    names = threads.threads_of(connection, {one for decided in hanging for one in decided.ids})
    concerns = threads.concerns(connection, set(names.values()))
    found: set[str] = set()
    for decided in hanging:
        mine = sorted({names[one] for one in decided.ids if one in names})
        now = threads.view_of([concerns[name] for name in mine], own.get(decided.key, ()))
        if people(now) != people(decided.view):
            found.update(mine)
    return frozenset(found)


def people(view: ThreadView | None) -> People:
    """Whom a conversation concerns. Pure."""
    if view is None:
        return frozenset(), frozenset()
    return frozenset(one.contact_id for one in view.contacts), frozenset(one.company_id for one in view.companies)
