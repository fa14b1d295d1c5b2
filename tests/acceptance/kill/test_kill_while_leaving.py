"""Killed at any durable step while a mailbox leaves or comes back: after the next pass all is as if it was not."""

from itertools import zip_longest
from pathlib import Path

import pytest

from tests.acceptance.kill import state
from tests.acceptance.kill.victim import run
from tests.integration.leaving_office import REMINDERS, Office, commands, titles
from tests.servers.radicale import Radicale

PARTS = 2
"""Steps are spread over so many tests, so that they run side by side."""


def states(office: Office) -> list[str]:
    """The states of all reminders."""
    rows = state.rows(office.folder / "crm-agent.db")["reminders"]
    return [cell.removeprefix("state=") for row in rows for cell in row if cell.startswith("state=")]


@pytest.mark.parametrize("part", range(PARTS))
def test_killed_while_leaving_or_coming_back_nothing_is_left_lost_or_doubled(
    part: int, tmp_path: Path, radicale: Radicale
) -> None:
    office = Office(folder=tmp_path, calendar=radicale.calendar())
    office.configure()
    for command in commands(REMINDERS[:1]):
        assert run(tmp_path, *command).code == 0
    leaving, returning = (leave_or_return(office, stays=stays) for stays in (False, True))
    assert "before DELETE" in leaving
    assert "before PUT" in returning
    for away, back in list(zip_longest(telling(leaving), telling(returning)))[part::PARTS]:
        leave_or_return(office, stays=False, kill_at=away)
        leave_or_return(office, stays=True, kill_at=back)


def telling(steps: list[str]) -> list[int]:
    """The numbers of the steps around each write to the calendar, and of those in which the change is noticed."""
    names = ["", *steps]
    near = [number for number in range(1, len(names)) if "commit" not in names[number] + names[number - 1]]
    after = [number for number in range(1, len(names)) if names[number - 1].startswith("after")]
    return sorted({1, 2, 3, *near, *after})


def leave_or_return(office: Office, *, stays: bool, kill_at: int | None = None) -> list[str]:
    """Takes Di out of the configuration, or back in, in a process that is killed at this step. What it did."""
    office.configure(di=stays)
    ended = run(office.folder, "sync", kill_at=kill_at or 0)
    assert ended.code == (-9 if kill_at else 0)
    if ended.code:
        assert run(office.folder, "sync").code == 0
    where = f"killed at step {kill_at}, {ended.steps[-1]}"
    assert titles(office.calendar) == (sorted(REMINDERS[:1]) if stays else []), where
    assert states(office) == ["in-calendar" if stays else "not-needed"], where
    return ended.steps
