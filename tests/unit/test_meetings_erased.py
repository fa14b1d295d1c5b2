"""Meetings that an erased person called or was invited to: kept for the others, without the person."""

import shutil
from pathlib import Path

import pytest

from agent.people.erasing import Forgetting, erase_address
from agent.store.database import Database
from agent.store.hashes import Hasher
from tests.machines.processes import Watched
from tests.servers.radicale import Radicale
from tests.unit.people_room import everything
from tests.unit.reminder_room import MONDAY
from tests.unit.test_meetings import ANNA, DEMO, a_firm

KIM = "kim@elsewhere.example"
CALLED = {name: value for name, value in DEMO.items() if not name.startswith("ORGANIZER")}
CALLED |= {f"ORGANIZER;CN=Kim:mailto:{KIM}": None, f"ATTENDEE;CN=Anna:mailto:{ANNA}": None}
INVITED = DEMO | {f"ATTENDEE;CN=Kim:mailto:{KIM}": None}


@pytest.mark.parametrize("event", [CALLED, INVITED])
def test_a_meeting_read_after_the_erasure_names_the_others_alone(
    event: dict[str, str | None],
    tmp_path: Path,
    sqlite_template: Path,
    hasher: Hasher,
    radicale: Radicale,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shutil.copyfile(sqlite_template, tmp_path / "crm-agent.db")
    database = Database(f"sqlite:///{tmp_path / 'crm-agent.db'}")
    firm = a_firm(database, hasher, tmp_path, radicale, monkeypatch)
    erase_address(Forgetting(database=database, hasher=hasher, second=None, now=MONDAY, who="root"), KIM)
    firm.put(event)
    assert firm.read() == 1
    assert firm.only()["subject"] == "Demo"
    assert KIM not in everything(database)
    database.close()


def test_whoever_is_erased_while_a_meeting_is_read_is_not_named_in_it(
    tmp_path: Path, sqlite_template: Path, hasher: Hasher, radicale: Radicale, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The meeting was decided by then, and is decided once more."""
    shutil.copyfile(sqlite_template, tmp_path / "crm-agent.db")
    database = Watched(f"sqlite:///{tmp_path / 'crm-agent.db'}")
    firm = a_firm(database, hasher, tmp_path, radicale, monkeypatch)
    firm.put(INVITED)

    def erase(stage: str) -> None:
        database.hook = lambda stage: None
        erase_address(Forgetting(database=database, hasher=hasher, second=None, now=MONDAY, who="root"), KIM)

    database.hook = erase
    assert firm.read() == 1
    assert firm.only()["subject"] == "Demo"
    assert KIM not in everything(database)
    database.close()
