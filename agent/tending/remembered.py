"""What the rules said the last time, so that after new mail only what it touches is asked about again. Pure.

Kept in memory by whoever runs the passes; a process that starts asks about everything. So does every quarter of an
hour, because time alone makes reasons.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from agent.reminders.rules import gone_quiet, key_date, late_order, meeting_follow_up
from agent.reminders.rules.base import Item, Ledger, Wanted
from agent.store.calendar.reminders import Stood
from agent.store.calendar.scope import Touched
from agent.store.calendar.touched import Seen

_UNTOUCHED = frozenset({late_order.RULE, key_date.RULE})
"""What makes their reasons are purchases, fields and time, no mail."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Remembered:
    """rest: what was looked at beside the history, of which `seen` was there, None of none yet. wanted: by reminder id.

    named: thread of each of them -> contacts named in it. meetings: those of late. stood: the reminders of the mailbox
    before what was done then; None where they are to be read anew.
    """

    rest: str
    seen: Seen | None = None
    wanted: Mapping[str, Wanted] = field(default_factory=dict)
    named: Mapping[str, frozenset[str]] = field(default_factory=dict)
    meetings: tuple[Item, ...] = ()
    stood: Stood | None = None

    def with_their_threads(self, touched: Touched) -> Touched:
        """Also the threads in which somebody who was touched is waited for: what came elsewhere may settle them."""
        about = [one for one in self.wanted.values() if one.thread_id is not None]
        waiting = {one.thread_id for one in about if one.contact_id in touched.contacts}
        waiting |= {thread for thread, people in self.named.items() if not people.isdisjoint(touched.contacts)}
        threads = touched.threads | frozenset(filter(None, waiting))
        return replace(touched, threads=threads, reminded=frozenset(one.thread_id for one in about if one.thread_id))

    def meetings_with(self, touched: Touched) -> tuple[Item, ...]:
        """Those with somebody who was touched, but for those that were touched themselves."""
        people = touched.contacts
        theirs = (one for one in self.meetings if any(party.contact_id in people for party in one.parties))
        return tuple(one for one in theirs if one.id not in touched.meetings)

    def without(self, touched: Touched, rows: Ledger) -> dict[str, Wanted]:
        """What still holds because nothing of it was asked about again. rows: what was."""
        items = {item.id for content in rows.threads.values() for item in content}
        meetings = touched.meetings | {item.id for item in rows.meetings}
        return {
            name: one for name, one in self.wanted.items() if not _is_asked_again(one, touched, rows, items, meetings)
        }

    def then(self, seen: Seen, wanted: Mapping[str, Wanted], rows: Ledger, touched: Touched) -> "Remembered":
        """What is remembered after some of it was asked about again. rows: what was."""
        again = touched.meetings | {item.id for item in rows.meetings}
        meetings = (*(one for one in self.meetings if one.id not in again), *rows.meetings)
        about = {one.thread_id for one in wanted.values() if one.thread_id is not None}
        named = {one: self._named(one, rows) for one in about}
        return replace(self, seen=seen, wanted=wanted, named=named, meetings=meetings)

    def _named(self, thread: str, rows: Ledger) -> frozenset[str]:
        if thread not in rows.threads:
            return self.named.get(thread, frozenset())
        return frozenset(party.contact_id for item in rows.threads[thread] for party in item.parties)


def _is_asked_again(one: Wanted, touched: Touched, rows: Ledger, items: set[str], meetings: frozenset[str]) -> bool:
    if one.rule in _UNTOUCHED:
        return False
    if one.rule == meeting_follow_up.RULE:
        return one.interaction_id in meetings
    if one.rule == gone_quiet.RULE:
        return one.contact_id in touched.contacts
    return one.thread_id in rows.threads or one.thread_id in touched.threads or one.interaction_id in items
