"""Configured folders that are not there: the others are read, and it is said once, not at every poll."""

import threading
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from agent.bootstrap import House, open_house
from agent.engine.once import run_once
from agent.engine.progress import utc_now
from agent.engine.runner import Ending, Runner
from agent.store import roll
from config.load import load
from tests.integration.firm import Firm
from tests.servers.dovecot import Dovecot, DovecotUser


@pytest.fixture
def firm(tmp_path: Path, ca_file: Path) -> Firm:
    return Firm(tmp_path, ca_file)


def read_once(house: House) -> Ending:
    roll.settle(house.database, house.settings, house.hasher, utc_now())
    runner = Runner(database=house.database, work=house.work(eager=True))
    (passed,) = run_once(runner, house.settings.mailboxes, threading.Event())
    return passed.ended.ending


def test_a_daemon_logs_a_missing_folder_once_and_again_when_others_are_missing(firm: Firm, dovecot: Dovecot) -> None:
    user: DovecotUser = dovecot.user()
    user.create("Customers")
    firm.read(user, port=dovecot.imaps_port, folders='["INBOX", "Customers", "Offers"]')
    with open_house(load(firm.config)) as house, capture_logs() as logs:
        endings = {read_once(house), read_once(house)}
        user.delete("Customers")
        endings |= {read_once(house), read_once(house)}
    warned = [entry["folders"] for entry in logs if entry["event"] == "configured folders are missing"]
    assert endings == {Ending.DONE}
    assert warned == [("Offers",), ("Customers", "Offers")]
