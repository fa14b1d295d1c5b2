"""`crm-agent` in a process of its own, as people start it."""

import os
import subprocess
import sys

PROGRAM = (sys.executable, "-m", "agent.cli")


def run_program(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs one command line to its end with these variables added."""
    return subprocess.run(
        [*PROGRAM, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **environment},
    )
