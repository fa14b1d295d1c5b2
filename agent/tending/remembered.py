"""What the rules said the last time, so that after new mail only what it touches is asked about again. Pure.

Kept in memory by whoever runs the passes; a process that starts asks about everything. So does every quarter of an
hour, because time alone makes reasons.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from agent.reminders.rules import gone_quiet, key_date, late_order, meeting_follow_up
from agent.reminders.rules.base import Ledger, Wanted
from agent.store.calendar.scope import Touched
from agent.store.calendar.touched import Seen

_ABOUT_CUSTOMERS = frozenset({gone_quiet.RULE, late_order.RULE, key_date.RULE})


@dataclass(frozen=True, kw_only=True, slots=True)
class Remembered:
    """rest: what was looked at beside the history, of which `seen` was there. wanted: by reminder id."""

    rest: str
    seen: Seen
    wanted: Mapping[str, Wanted]

    def with_their_threads(self, touched: Touched) -> Touched:
        """Also the threads in which somebody who was touched is waited for: what came elsewhere may settle them."""
        about = {(one.thread_id, one.contact_id) for one in self.wanted.values() if one.thread_id is not None}
        theirs = {thread for thread, contact in about if contact in touched.contacts}
        reminded = frozenset(thread for thread, _ in about)
        return replace(touched, threads=touched.threads | theirs, reminded=reminded)

    def without(self, touched: Touched, rows: Ledger) -> dict[str, Wanted]:
        """What still holds because nothing of it was asked about again. rows: what was."""
        items = {item.id for content in rows.threads.values() for item in content}
        return {name: one for name, one in self.wanted.items() if not _is_asked_again(one, touched, rows, items)}


def _is_asked_again(one: Wanted, touched: Touched, rows: Ledger, items: set[str]) -> bool:
    if one.rule == meeting_follow_up.RULE:
        return True
    if one.rule in _ABOUT_CUSTOMERS:
        return one.contact_id in touched.contacts
    return one.thread_id in rows.threads or one.thread_id in touched.threads or one.interaction_id in items
