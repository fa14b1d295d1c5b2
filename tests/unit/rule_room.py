"""A room in which one rule of reminders is on, over a database of its own."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.store.database import Database
from agent.store.hashes import Hasher
from tests.unit.reminder_room import Room, a_mailbox

ANNA, BEN = "anna@ourfirm.example", "ben@ourfirm.example"
ALONE: dict[str, Any] = {"waiting_for_them": None, "flagged": None}


def a_room(database: Database, hasher: Hasher, folder: Path, **rules: Any) -> Room:
    mailbox, ben = a_mailbox(**{**ALONE, **rules}), a_mailbox(BEN, **{**ALONE, **rules})
    return Room(database=database, hasher=hasher, folder=folder, mailbox=mailbox, others=(ben,))


@pytest.fixture
def database(tmp_path: Path, sqlite_template: Path) -> Iterator[Database]:
    """One database is enough for most of this; what asks both says so."""
    shutil.copyfile(sqlite_template, tmp_path / "crm-agent.db")
    database = Database(f"sqlite:///{tmp_path / 'crm-agent.db'}")
    yield database
    database.close()
