"""Every rule under its name in the configuration, all with one contract: `(Ledger, Terms) -> Iterator[Wanted]`.

`asked` binds what a mailbox chose for a rule to it. To add a rule: write it beside these, and a line below.
"""

from collections.abc import Callable, Iterator
from functools import partial

from agent.reminders.rules.base import Ledger, Terms, Wanted
from agent.reminders.rules.bounced import bounced
from agent.reminders.rules.flagged import flagged
from agent.reminders.rules.gone_quiet import gone_quiet
from agent.reminders.rules.key_date import key_date
from agent.reminders.rules.late_order import late_order
from agent.reminders.rules.meeting_follow_up import meeting_follow_up
from agent.reminders.rules.promise import promise
from agent.reminders.rules.waiting_for_them import waiting_for_them
from agent.reminders.rules.waiting_for_us import waiting_for_us
from config.model import AfterRule, Reminders

Rule = Callable[[Ledger, Terms], Iterator[Wanted]]


def asked(chosen: Reminders) -> Iterator[tuple[Rule, int]]:
    """The rules that are on, and the working days that each waits (0 where a rule waits in its own way)."""
    waits: tuple[tuple[AfterRule | None, tuple[Rule, ...]], ...] = (
        (chosen.waiting_for_them, (waiting_for_them, bounced)),
        (chosen.waiting_for_us, (waiting_for_us,)),
        (chosen.flagged, (flagged,)),
    )
    yield from ((rule, on.after.count) for on, rules in waits if on is not None for rule in rules)
    if chosen.gone_quiet is not None:
        yield partial(gone_quiet, chosen=chosen.gone_quiet), 0
    if chosen.late_order is not None:
        yield partial(late_order, chosen=chosen.late_order), 0
    if chosen.key_date is not None:
        yield partial(key_date, chosen=chosen.key_date), 0
    if chosen.meeting_follow_up is not None:
        yield partial(meeting_follow_up, chosen=chosen.meeting_follow_up), 0
    if chosen.promise is not None:
        yield promise, 0
