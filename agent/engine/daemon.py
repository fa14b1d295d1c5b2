"""The daemon: settles the schedule, works until asked to stop, and takes a new configuration without stopping.

Called by `crm-agent run`. What it works with is handed in by `agent.bootstrap`, so it knows neither mail nor tables.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import structlog

from agent.engine import pidfile
from agent.engine.local import WORKERS, Local
from agent.engine.progress import utc_now
from agent.engine.runner import Farewell, Runner, Work
from agent.engine.servers import PER_SERVER
from agent.engine.signals import Asked, Inbox
from agent.engine.sources import Sources
from agent.lists.look import Looked
from agent.lists.watch import Watch
from agent.store import roll
from agent.store.database import Database, StoreError
from agent.store.hashes import Hasher
from agent.store.leases import SECONDS
from config.model import Mailbox, MailboxList, Settings
from config.problem import ConfigProblems
from config.secrets import SecretError
from matchers.address import normalise

STOP_SECONDS = 8.0
"""How long passes may take to end after their page; the process is gone two seconds later at most."""

_log = structlog.get_logger(__name__)


def _no_list(one: MailboxList) -> Looked:
    return Looked(connector=one.connector)


class Beside(Protocol):
    """Something that works in threads of its own while the daemon runs, such as a receiver of notices."""

    def over(self, settings: Settings) -> None:
        """From now on for these settings; first of all before `start`."""

    def start(self) -> None:
        """Begins."""

    def stop(self, seconds: float) -> None:
        """Ends, and waits so long for it."""


@dataclass(frozen=True, kw_only=True)
class Wiring:
    """What the daemon works with.

    load: reads the configuration anew, raises ConfigProblems. work_for: the pass for these settings; it borrows
    connections from `sources`. farewell: empties the calendars of mailboxes that left. with_lists: adds the mailboxes
    of lists as last taken; look: looks at one anew. beside: works beside the passes. pid_file: where `reload` finds us,
    None nowhere.
    """

    database: Database
    hasher: Hasher
    load: Callable[[], Settings]
    work_for: Callable[[Settings], Work]
    sources: Sources
    farewell: Farewell | None = None
    with_lists: Callable[[Settings], Settings] = lambda described: described
    look: Callable[[MailboxList], Looked] = _no_list
    beside: Sequence[Beside] = ()
    pid_file: Path | None = None
    workers: int = WORKERS
    per_server: int = PER_SERVER
    lease_seconds: float = SECONDS
    inbox: Inbox = field(default_factory=Inbox)


def run(wiring: Wiring, settings: Settings) -> Sequence[int]:
    """Runs until SIGTERM or SIGINT. Returns the ids of mailboxes whose pass did not end in time, mostly none.

    Threads of those left still hang on a server: the caller ends the process without waiting for them. That is safe,
    they can commit nothing any more. Raises StoreError if the database cannot be used at the start.
    """
    effective = wiring.with_lists(settings)
    local = Local(_runner(wiring, effective), workers=wiring.workers, per_server=wiring.per_server)
    _settle(wiring, effective, local)
    watch = Watch(wiring.look, tell=lambda: wiring.inbox.post(Asked.LISTS))
    with wiring.inbox.listening():
        _name_us(wiring.pid_file)
        local.start()
        watch.over(settings)
        watch.start()
        for one in wiring.beside:
            one.start()
        _log.info("started", mailboxes=len(effective.mailboxes))
        try:
            _serve(wiring, Reading(described=settings, effective=effective), local, watch)
        finally:
            watch.stop(0)
            for one in wiring.beside:
                one.stop(0)
            left = _stop(wiring, local)
    return left


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What is read at present. described: the configuration; effective: with the mailboxes of its lists."""

    described: Settings
    effective: Settings


def _serve(wiring: Wiring, reading: Reading, local: Local, watch: Watch) -> None:
    while (asked := wiring.inbox.wait()) is not Asked.STOP:
        if asked is Asked.RELOAD:
            reading = _reload(wiring, reading, local, watch)
        elif asked is Asked.LISTS:
            reading = _take_lists(wiring, reading, local)


def _reload(wiring: Wiring, current: Reading, local: Local, watch: Watch) -> Reading:
    """What applies from now on: the new configuration, or the current one if anything is wrong with the new."""
    try:
        described = wiring.load()
        if described.store != current.described.store:
            _log.warning("a change of the store needs a restart: everything else is taken over")
        fresh = Reading(described=described, effective=wiring.with_lists(described))
        _change(wiring, current.effective, fresh.effective, local)
    except ConfigProblems as problems:
        for problem in problems.problems:
            _log.error("the new configuration is wrong, nothing was changed", problem=str(problem))
        return current
    except (SecretError, StoreError) as error:
        _log.error("the new configuration cannot be used, nothing was changed", problem=str(error))
        return current
    watch.over(described)
    _log.info("reloaded", mailboxes=len(fresh.effective.mailboxes))
    return fresh


def _take_lists(wiring: Wiring, current: Reading, local: Local) -> Reading:
    """Joiners are read, leavers no more; nothing happens where nothing changed."""
    try:
        effective = wiring.with_lists(current.described)
        if _who(effective) == _who(current.effective):
            return current
        _change(wiring, current.effective, effective, local)
    except (SecretError, StoreError) as error:
        _log.error("the mailboxes of a list cannot be taken, nothing was changed", problem=str(error))
        return current
    _log.info("lists taken", mailboxes=len(effective.mailboxes))
    return replace(current, effective=effective)


def _who(settings: Settings) -> tuple[object, object]:
    """What the schedule is settled by: the mailboxes, and whether somebody may be missing."""
    return settings.mailboxes, settings.unresolved


def _change(wiring: Wiring, current: Settings, fresh: Settings, local: Local) -> None:
    _settle(wiring, fresh, local)
    for mailbox in set(current.mailboxes) - set(fresh.mailboxes):
        wiring.sources.forget(mailbox.address)


def _settle(wiring: Wiring, settings: Settings, local: Local) -> None:
    runner = _runner(wiring, settings)
    roll.settle(wiring.database, settings, wiring.hasher, utc_now())
    local.read(by_address(settings.mailboxes), runner)
    for one in wiring.beside:
        one.over(settings)


def _runner(wiring: Wiring, settings: Settings) -> Runner:
    return Runner(
        database=wiring.database,
        work=wiring.work_for(settings),
        farewell=wiring.farewell,
        lease_seconds=wiring.lease_seconds,
    )


def by_address(configured: Sequence[Mailbox]) -> dict[str, Mailbox]:
    """Mailboxes by normalised address, as the schedule names them."""
    return {normalise(mailbox.address).normalised: mailbox for mailbox in configured}


def _name_us(pid_file: Path | None) -> None:
    try:
        if pid_file and not pidfile.write(pid_file):
            _log.warning("another crm-agent runs on this database: mailboxes are shared, none is read twice")
    except OSError as error:
        _log.warning("the pid file cannot be written: `crm-agent reload` will not find us", reason=error.strerror)


def _stop(wiring: Wiring, local: Local) -> Sequence[int]:
    _log.info("stopping")
    left = local.stop(STOP_SECONDS)
    if left:
        _log.warning("these passes did not end in time: what they had not committed is read again", mailboxes=left)
        local.abandon()
    else:
        wiring.sources.close()
    if wiring.pid_file:
        pidfile.remove(wiring.pid_file)
    _log.info("stopped")
    return left
