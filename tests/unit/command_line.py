"""`crm-agent …` in this process and one folder: what tests of commands begin with."""

import json
from pathlib import Path
from typing import Any

import pytest

from agent.cli.main import main


class CommandLine:
    """Call it with the words of a command: it fails unless that exits with `code`.

    Gives what stands on stdout; on stderr, where the command does not exit 0. notes: stderr of the last command.
    """

    def __init__(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], settings: str
    ) -> None:
        (folder / "crm-agent.toml").write_text(settings)
        monkeypatch.chdir(folder)
        monkeypatch.delenv("CRM_AGENT_CONFIG", raising=False)
        self._capsys = capsys
        self.notes = ""

    def __call__(self, *words: str, code: int = 0) -> str:
        ended = main(words)
        out, self.notes = self._capsys.readouterr()
        assert ended == code, self.notes
        return out if code == 0 else self.notes

    def rows(self, *words: str) -> list[dict[str, Any]]:
        """The objects of a command that reads."""
        return [json.loads(line) for line in self(*words, "--json").splitlines()]
