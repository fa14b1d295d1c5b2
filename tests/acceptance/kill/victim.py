"""Runs `crm-agent` in a process that counts its durable steps and kills itself at one of them.

A durable step is whatever can be seen from outside afterwards: a commit to the database, and each write to a
calendar, before it is sent and after it was answered. Processes are forked from one that has loaded everything, for
hundreds of them are needed.
"""

import os
import re
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from urllib.parse import urlsplit

import requests.adapters
import sqlalchemy as sa

from agent.cli.main import main

_WRITES = frozenset({"PUT", "DELETE", "POST", "PATCH", "MKCALENDAR", "PROPPATCH"})
_ASKING = ("/$batch", "/token")
"""What is posted and changes nothing: reading by batches, and signing in."""
_OPERATION = re.compile(rb"<(?:\w+:)?Body>\s*<(?:\w+:)?(\w+)")
_LOADED = (
    *("agent.bootstrap", "agent.cli.sync", "agent.engine.once", "config.load"),
    *("alembic.context", "sqlalchemy.dialects.sqlite"),
    *(f"connectors.{name}" for name in ("caldav", "exchange", "exchange.soap", "graph", "imap", "maildir")),
)
"""What a process would spend a second on otherwise."""
_FORKS = get_context("forkserver")
_FORKS.set_forkserver_preload([__name__, *_LOADED])
_PATIENCE = 120
"""Seconds."""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a process ended. code: -9 if it was killed. steps: the durable ones it came to. said: what it printed."""

    code: int
    steps: list[str]
    said: str


def run(folder: Path, *command: str, kill_at: int = 0) -> Ended:
    """One `crm-agent` process with the configuration in this folder, killed at a step (from 1) unless that is 0."""
    log, said = folder / "steps", folder / "said"
    log.write_text("")
    words = ["--config", str(folder / "crm-agent.toml"), *command]
    process = _FORKS.Process(target=_live, args=(words, kill_at, log, said))
    process.start()
    process.join(_PATIENCE)
    if process.exitcode is None:
        process.kill()
        raise TimeoutError(said.read_text())
    ended = Ended(code=process.exitcode, steps=log.read_text().split("\n")[:-1], said=said.read_text())
    assert "Traceback" not in ended.said, ended.said
    return ended


class Steps:
    """Counts, writes down, and ends the process at the chosen one."""

    def __init__(self, kill_at: int, log: Path) -> None:
        self.kill_at, self.log, self.done = kill_at, log, 0

    def step(self, name: str) -> None:
        """One durable step is about to happen, or has just happened."""
        self.done += 1
        with self.log.open("a") as file:
            file.write(name + "\n")
        if self.done == self.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)


def _live(words: Sequence[str], kill_at: int, log: Path, said: Path) -> None:
    with said.open("w") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    watch(Steps(kill_at, log))
    sys.exit(main(words))


def watch(steps: Steps) -> None:
    """Hooks into the two libraries that make things durable."""
    sa.event.listen(sa.Engine, "commit", lambda connection: steps.step("commit"))
    send = requests.adapters.HTTPAdapter.send

    def counted(self, request, **options):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN003, ANN202  # as requests defines it
        name = written(request)
        if name is None:
            return send(self, request, **options)
        steps.step(f"before {name}")
        answer = send(self, request, **options)
        steps.step(f"after {name}")
        return answer

    requests.adapters.HTTPAdapter.send = counted  # type: ignore[method-assign, assignment]  # the hook of this process


def written(request: requests.PreparedRequest) -> str | None:
    """What a request changes on a server: its method, of Exchange Server the operation; None if it only asks."""
    if request.method not in _WRITES or urlsplit(request.url or "").path.endswith(_ASKING):
        return None
    found = _OPERATION.search(request.body) if isinstance(request.body, bytes) else None
    if found is None:
        return request.method
    operation = found[1].decode()
    return operation if operation.startswith(("Create", "Update", "Delete", "Move", "Send")) else None
