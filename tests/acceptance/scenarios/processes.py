"""What a scenario lets another process do: show how much memory a pass takes, or die at the wrong moment."""

import os
import re
from pathlib import Path
from threading import Event

from agent.bootstrap import open_house, selected
from agent.engine.once import run_once
from agent.engine.runner import Ending, Runner
from agent.store import leases, roll
from agent.store.owner import this_process
from agent.store.schedule import mailboxes
from config.model import Settings

_SELF = Path("/proc/self")
_FORGET_PEAK = "5"
"""Written to clear_refs, it sets the peak to what is resident now (proc(5))."""


def growth(settings: Settings, first: str, then: str) -> int:
    """KB by which reading mailbox `then` raises the resident size above what reading mailbox `first` left."""
    with open_house(settings) as house:
        runner = Runner(database=house.database, work=house.work(eager=True))
        roll.settle(house.database, settings, house.hasher, runner.clock())
        _read(runner, settings, first)
        (_SELF / "clear_refs").write_text(_FORGET_PEAK)
        before = _peak()
        _read(runner, settings, then)
        return _peak() - before


def take_lease_and_die(settings: Settings) -> None:
    """Takes the lease of every mailbox for an hour, and ends as a killed process ends."""
    with open_house(settings) as house:
        with house.database.read() as connection:
            numbers = mailboxes.ids(connection).values()
        for number in numbers:
            assert leases.take(house.database, number, this_process(), 3600, house.clock(), force_due=True)
        os._exit(9)


def _read(runner: Runner, settings: Settings, address: str) -> None:
    (passed,) = run_once(runner, selected(settings, address), Event())
    if passed.ended.ending is not Ending.DONE:
        raise AssertionError(f"the pass ended {passed.ended.ending}: {passed.ended.error}")


def _peak() -> int:
    found = re.search(r"VmHWM:\s+(\d+) kB", (_SELF / "status").read_text())
    assert found
    return int(found[1])
