"""One pass over chosen mailboxes, and how a person at the keyboard ends it."""

import threading

import pytest

from agent.engine.once import Passed, run_once
from agent.engine.progress import Progress
from agent.engine.runner import Runner
from agent.store.database import Database
from agent.store.unit import Lease
from config.model import Mailbox
from tests.unit.store_room import add_mailbox, configured

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
