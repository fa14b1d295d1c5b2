"""A folder with configuration files for one test, and what reading them answers."""

import stat
from pathlib import Path
from typing import Literal

from config.load import load
from config.model import Mailbox, Settings
from config.problem import ConfigProblems, Problem

IMAP = """
[[connectors]]
name = "hosted"
type = "imap"
host = "imap.ourfirm.example"
password = { file = "secret" }
"""
"""A connector that lacks only mailboxes; the secret lies beside it in every room."""

ANNA = """
[[connectors.mailboxes]]
address = "anna@ourfirm.example"
"""


class Room:
    """One folder; `write` places files, `settings` and `problems` read them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.main = folder / "crm-agent.toml"
        self.secret("secret", "open sesame")

    def secret(self, name: str, value: str, mode: int = stat.S_IRUSR | stat.S_IWUSR) -> Path:
        path = self.folder / name
        path.write_text(value, encoding="utf-8")
        path.chmod(mode)
        return path

    def write(self, text: str, name: str = "crm-agent.toml") -> Path:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def settings(self, text: str, secrets: Literal["all", "store", "none"] = "all") -> Settings:
        return load(self.write(text), secrets=secrets)

    def mailbox(self, text: str) -> Mailbox:
        (mailbox,) = self.settings(text).mailboxes
        return mailbox

    def problems(self, text: str) -> tuple[Problem, ...]:
        try:
            settings = self.settings(text)
        except ConfigProblems as problems:
            return problems.problems
        raise AssertionError(f"nothing was wrong: {settings}")

    def told(self, text: str) -> list[str]:
        """The problems as people see them, without the folder."""
        return [str(each).replace(f"{self.folder}/", "") for each in self.problems(text)]
