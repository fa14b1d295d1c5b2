"""The agent as a person uses it: `crm-agent` commands on one configuration, each a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.demo.servers import DemoError

Row = dict[str, Any]
"""One JSON object of a command's `--json`; the fields are those of the manual."""


@dataclass(frozen=True, kw_only=True)
class Commands:
    """`crm-agent --config …`; log: where the daemon writes."""

    config: Path
    log: Path

    def do(self, *words: str) -> str:
        """Runs a command to its end and returns its stdout. Raises DemoError with what it said if it failed."""
        done = self._run(words)
        if done.returncode != 0:
            raise DemoError(f"crm-agent {' '.join(words)} ended with {done.returncode}:\n{done.stderr.strip()}")
        return done.stdout

    def read(self, *words: str) -> list[Row]:
        """The rows that a reading command prints with --json; none if it found nothing. Raises DemoError."""
        done = self._run((*words, "--json"))
        if done.returncode not in (0, 1):
            raise DemoError(f"crm-agent {' '.join(words)} ended with {done.returncode}:\n{done.stderr.strip()}")
        return [json.loads(line) for line in done.stdout.splitlines()]

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        """The daemon (`crm-agent run`) until the block ends."""
        with self.log.open("ab") as output:
            process = subprocess.Popen(  # noqa: S603 - our own interpreter and command line
                self._command(("run",)),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                env=_environment(),
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

    def _run(self, words: tuple[str, ...]) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(  # noqa: S603 - our own interpreter and command line
            self._command(words), capture_output=True, text=True, encoding="utf-8", env=_environment(), check=False
        )

    def _command(self, words: tuple[str, ...]) -> list[str]:
        return [sys.executable, "-m", "agent.cli", "--config", str(self.config), *words]


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONIOENCODING": "utf-8"}
