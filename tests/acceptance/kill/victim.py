"""Runs `crm-agent` in a process that counts its durable steps and kills itself at one of them.

A durable step is whatever can be seen from outside afterwards: a commit to the database, and each write to a
calendar, before it is sent and after it was answered. `KILL_AT` names the step (from 1); `STEPS` a file that gets a
line a step.
"""

import os
import signal
import sys
from pathlib import Path

import requests.adapters
import sqlalchemy as sa

_WRITES = frozenset({"PUT", "DELETE", "POST", "MKCALENDAR", "PROPPATCH"})


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


def watch(steps: Steps) -> None:
    """Hooks into the two libraries that make things durable."""
    sa.event.listen(sa.Engine, "commit", lambda connection: steps.step("commit"))
    send = requests.adapters.HTTPAdapter.send

    def counted(self, request, **options):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN003, ANN202  # as requests defines it
        if request.method not in _WRITES:
            return send(self, request, **options)
        steps.step(f"before {request.method}")
        answer = send(self, request, **options)
        steps.step(f"after {request.method}")
        return answer

    requests.adapters.HTTPAdapter.send = counted  # type: ignore[method-assign, assignment]  # the hook of this process


if __name__ == "__main__":
    watch(Steps(int(os.environ.get("KILL_AT", "0")), Path(os.environ["STEPS"])))
    from agent.cli.main import main

    sys.exit(main(sys.argv[1:]))
