"""One complete pass over chosen mailboxes, then the end: what `crm-agent sync` and the demo do.

Every chosen mailbox counts as due now. A lease held elsewhere is waited for, at most as long as a lease lasts.
"""

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

from agent.engine.runner import Ended, Ending, Runner
from agent.engine.servers import PER_SERVER, server_of
from agent.store import leases
from agent.store.calendar import leaving
from agent.store.mail import places
from agent.store.owner import this_process
from agent.store.schedule import mailboxes
from agent.store.unit import Lease, LeaseLost
from agent.tending.withdrawn import Withdrawn
from config.model import Mailbox
from connectors.errors import Retriable
from matchers.address import normalise

MOST_ROUNDS = 8
"""How often mailboxes are read again for what they put into each other's queues."""
MOST_WAIT = 120.0
"""Seconds that a busy server may ask for; one that asks for more is left alone, and the pass ends in failure."""
MOST_WAITS = 5
"""How often a busy server is waited for."""
WAIT_STEP = 0.5
"""Seconds between two looks at a lease held elsewhere."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Passed:
    """How the pass over one mailbox ended."""

    mailbox: Mailbox
    ended: Ended


def run_once(
    runner: Runner,
    chosen: Sequence[Mailbox],
    stop: threading.Event,
    *,
    workers: int = PER_SERVER,
    tell: Callable[[Passed], None] = lambda passed: None,
) -> list[Passed]:
    """Passes over all chosen mailboxes, several at a time; `tell` is called as each one ends.

    What one mailbox's mail says about another's (a conversation that lies in both) is settled in further rounds, and
    what it says about its reminders at the end.
    Ctrl-C sets `stop`: passes end after the page they are at.
    """
    with runner.database.read() as connection:
        ids = mailboxes.ids(connection)
    limits = {server_of(mailbox): threading.Semaphore(PER_SERVER) for mailbox in chosen}

    def one(mailbox: Mailbox) -> Passed:
        with limits[server_of(mailbox)]:
            return Passed(mailbox=mailbox, ended=_pass_patiently(runner, mailbox, ids, stop))

    def first(mailbox: Mailbox) -> Passed:
        passed = one(mailbox)
        tell(passed)
        return passed

    with ThreadPoolExecutor(max_workers=max(1, min(workers, len(chosen))), thread_name_prefix="mailbox") as pool:
        try:
            ended = list(pool.map(first, chosen))
            settled = _settle_between(runner, ended, ids, lambda again: pool.map(one, again))
            return list(pool.map(partial(_remind, runner, ids, stop), settled)) if len(settled) > 1 else settled
        except KeyboardInterrupt:
            stop.set()  # or leaving the pool would wait for years of history
            raise


def withdraw_once(runner: Runner) -> dict[str, Withdrawn]:
    """Empties the calendars of mailboxes that left the configuration; by address, what came of it.

    A mailbox whose calendar another process works on is waited for like any other.
    """
    with runner.database.read() as connection:
        gone = {one.mailbox_id: one.address for one in leaving.waiting(connection) if one.gone}
    stop = threading.Event()
    done: dict[str, Withdrawn] = {}
    for mailbox_id, address in gone.items():
        lease = _wait(runner, stop, partial(leases.take_left, runner.database, mailbox_id, this_process()))
        if lease is not None:
            done[address] = runner.withdraw(lease, stop)
    return done


def _settle_between(
    runner: Runner, ended: list[Passed], ids: Mapping[str, int], run: Callable[[list[Mailbox]], Iterable[Passed]]
) -> list[Passed]:
    """Runs those again in whose queue others put something, until nobody does."""
    left: dict[int, frozenset[int]] = {}
    for _ in range(MOST_ROUNDS):
        before, left = left, _waiting(runner)
        again = [
            passed.mailbox
            for passed in ended
            if passed.ended.ending is Ending.DONE and _is_news(left, before, _id_of(passed.mailbox, ids))
        ]
        if not again:
            break
        anew = {passed.mailbox.address: passed for passed in run(again)}
        ended = [anew.get(passed.mailbox.address, passed) for passed in ended]
    return ended


def _remind(runner: Runner, ids: Mapping[str, int], stop: threading.Event, passed: Passed) -> Passed:
    """Asks once more for reminders of a mailbox that was read. Who holds it meanwhile does so anyhow."""
    if runner.remind is None or passed.ended.ending is not Ending.DONE:
        return passed
    lease = _wait_for_lease(runner, _id_of(passed.mailbox, ids), stop)
    if lease is None:
        return passed
    ended = runner.remind_one(runner.remind, passed.mailbox, lease, stop)
    return replace(passed, ended=ended) if ended.ending is Ending.FAILED else passed


def _waiting(runner: Runner) -> dict[int, frozenset[int]]:
    with runner.database.read() as connection:
        return places.waiting(connection)


def _is_news(left: Mapping[int, frozenset[int]], before: Mapping[int, frozenset[int]], mailbox_id: int) -> bool:
    return mailbox_id in left and left[mailbox_id] != before.get(mailbox_id)


def _id_of(mailbox: Mailbox, ids: Mapping[str, int]) -> int:
    return ids[normalise(mailbox.address).normalised]


def _pass_patiently(runner: Runner, mailbox: Mailbox, ids: dict[str, int], stop: threading.Event) -> Ended:
    """Goes on after the time that a busy server asks for: nobody else would, for this process is to end."""
    ended = _pass(runner, mailbox, ids, stop)
    for _ in range(MOST_WAITS):
        asked = ended.error.after if isinstance(ended.error, Retriable) else None
        if asked is None or asked > MOST_WAIT or stop.wait(asked):
            break
        ended = _pass(runner, mailbox, ids, stop)
    return ended


def _pass(runner: Runner, mailbox: Mailbox, ids: dict[str, int], stop: threading.Event) -> Ended:
    mailbox_id = _id_of(mailbox, ids)
    with runner.database.read() as connection:
        known = mailboxes.one(connection, mailbox_id)
    if known.resting:
        return Ended(ending=Ending.PAUSED)
    lease = _wait_for_lease(runner, mailbox_id, stop)
    if lease is None:
        held = LeaseLost("another process works on this mailbox: see `crm-agent mailboxes`")
        return Ended(ending=Ending.LOST, error=held)
    return runner.run_one(mailbox, known, lease, stop)


def _wait_for_lease(runner: Runner, mailbox_id: int, stop: threading.Event) -> Lease | None:
    take = partial(leases.take, runner.database, mailbox_id, this_process(), force_due=True)
    return _wait(runner, stop, take)


def _wait(runner: Runner, stop: threading.Event, take: Callable[..., Lease | None]) -> Lease | None:
    """take: of `agent.store.leases`; seconds and the time now are missing."""
    deadline = time.monotonic() + runner.lease_seconds + 2 * WAIT_STEP
    while True:
        lease = take(seconds=runner.lease_seconds, now=runner.clock())
        if lease is not None or time.monotonic() > deadline or stop.wait(WAIT_STEP):
            return lease
