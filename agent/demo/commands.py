"""The agent as a person uses it: `crm-agent` commands on one configuration.

Commands run in this process, through the door that is handed in, the one of the shell's: it saves a start for each.
The daemon is a process of its own.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from agent.demo.servers import DemoError
from agent.exit_codes import DONE, INTERRUPTED, SOME_FAILED

Row = dict[str, Any]
"""One JSON object of a command's `--json`; the fields are those of the manual."""
Door = Callable[[Sequence[str]], int]


@dataclass(frozen=True, kw_only=True)
class Commands:
    """`crm-agent --config …`. door: takes the words, returns the exit code; log: where the daemon writes."""

    door: Door
    config: Path
    log: Path

    def do(self, *words: str) -> str:
        """Runs a command to its end and returns its stdout. Raises DemoError with what it said if it failed."""
        return self._run(words, allowed=(DONE,))

    def read(self, *words: str) -> list[Row]:
        """The rows that a reading command prints with --json; none if it found nothing. Raises DemoError."""
        found = self._run((*words, "--json"), allowed=(DONE, SOME_FAILED))
        return [json.loads(line) for line in found.splitlines()]

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        """The daemon (`crm-agent run`) until the block ends."""
        with self.log.open("ab") as output:
            process = subprocess.Popen(  # noqa: S603 - our own interpreter and command line
                [sys.executable, "-m", "agent.cli", *self._line(("run",))],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _run(self, words: tuple[str, ...], *, allowed: Sequence[int]) -> str:
        out, err = StringIO(), StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = self.door(self._line(words))
        if code == INTERRUPTED:
            raise KeyboardInterrupt
        if code not in allowed:
            raise DemoError(f"crm-agent {' '.join(words)} ended with {code}:\n{err.getvalue().strip()}")
        return out.getvalue()

    def _line(self, words: tuple[str, ...]) -> list[str]:
        return ["--config", str(self.config), *words]
