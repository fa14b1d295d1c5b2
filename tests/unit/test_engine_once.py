"""One pass over chosen mailboxes, and how a person at the keyboard ends it."""

import threading

import pytest

from agent.engine.once import Passed, run_once
from agent.engine.progress import Progress
from agent.engine.runner import Ending, Runner
from agent.store.database import Database
from agent.store.unit import Lease
from config.model import Mailbox
from connectors.errors import Retriable
from tests.unit.store_room import add_mailbox, configured

ASKS_FOR_A_MOMENT = 0.01
QUICK, SLOW = "anna@ourfirm.example", "ben@ourfirm.example"


def test_ctrl_c_lets_passes_end_at_their_page_instead_of_waiting_for_all_of_it(database: Database) -> None:
    add_mailbox(database, QUICK)
    add_mailbox(database, SLOW)
    told_to_stop: list[bool] = []
    began = threading.Event()

    def work(mailbox: Mailbox, lease: Lease, progress: Progress, stop: threading.Event) -> None:
        if mailbox.address == SLOW:
            began.set()
            told_to_stop.append(stop.wait(20))

    def interrupt(passed: Passed) -> None:
        began.wait(20)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_once(
            Runner(database=database, work=work),
            [configured(QUICK), configured(SLOW)],
            threading.Event(),
            tell=interrupt,
        )
    assert told_to_stop == [True]


@pytest.mark.parametrize(
    ("asked", "turns", "ending"),
    [(ASKS_FOR_A_MOMENT, 3, Ending.DONE), (3600.0, 1, Ending.FAILED), (None, 1, Ending.FAILED)],
)
def test_a_server_that_names_a_short_time_is_waited_for(
    database: Database, asked: float | None, turns: int, ending: Ending
) -> None:
    """A long time, and one that is not named, are left to the next `sync`."""
    add_mailbox(database, QUICK)
    taken: list[str] = []

    def work(mailbox: Mailbox, lease: Lease, progress: Progress, stop: threading.Event) -> None:
        taken.append(mailbox.address)
        if len(taken) < 3:
            raise Retriable("busy", after=asked)

    (passed,) = run_once(Runner(database=database, work=work), [configured(QUICK)], threading.Event())
    assert (len(taken), passed.ended.ending) == (turns, ending)
