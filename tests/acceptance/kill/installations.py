"""Installations that begin alike, to be killed and started again, each with a calendar of its own."""

import shutil
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path

from tests.acceptance.kill import state
from tests.acceptance.kill.letters import CONTACTS
from tests.acceptance.kill.victim import Ended, run

REMINDERS = """
[reminders]
waiting_for_them = { after = "3 working days" }
flagged = { after = "3 working days" }
"""


@dataclass(kw_only=True)
class Place(ABC):
    """A folder with the configuration, the database and the key of one installation."""

    folder: Path
    said: str = field(default="", init=False)
    """What the last process printed."""

    def run(self, *command: str, kill_at: int = 0) -> Ended:
        """One `crm-agent` process; see `victim.run`."""
        ended = run(self.folder, *command, kill_at=kill_at)
        self.said = ended.said
        return ended

    @abstractmethod
    def outcome(self) -> state.Rows:
        """Everything that must not depend on a kill."""

    def rows(self) -> state.Rows:
        """The database."""
        return state.rows(self.folder / "crm-agent.db")

    def secret(self, name: str, value: str) -> None:
        """A file that the configuration names."""
        file = self.folder / name
        file.write_text(value)
        file.chmod(0o600)


class Installations(ABC):
    """One database with the contacts in it, copied for each of them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._first: Place | None = None

    @abstractmethod
    def make(self, folder: Path) -> Place:
        """An installation in this folder, configured."""

    def fresh(self, name: str) -> Place:
        """Another one, before its first pass."""
        self._first = self._first or self._with_contacts()
        place = self._made(name)
        for file in ("crm-agent.db", "installation.key"):
            shutil.copy2(self._first.folder / file, place.folder / file)
        return place

    def _with_contacts(self) -> Place:
        first = self._made("first")
        (first.folder / "contacts.csv").write_text(CONTACTS)
        ended = first.run("contacts", "import", str(first.folder / "contacts.csv"))
        assert ended.code in (0, 1), ended.said  # 1: the shared address is reported
        return first

    def _made(self, name: str) -> Place:
        folder = self._folder / name
        folder.mkdir()
        return self.make(folder)


def kill_and_compare(installations: Installations, number: int, expected: state.Rows, steps: list[str]) -> None:
    """Asserts that a process killed at this step and another one after it come to the expected state."""
    place = installations.fresh(f"step{number}")
    ended = place.run("sync", kill_at=number)
    assert ended.code == -9, f"step {number} was not reached: {place.said}"
    assert place.run("sync").code == 0, place.said
    differences = "\n".join(state.differences(expected, place.outcome()))
    assert not differences, f"killed at step {number}, {steps[number - 1]}\n{differences}"
