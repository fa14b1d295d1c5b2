"""What it costs to start, and to wait: the commands people type, and a daemon that has nothing to do."""

import time

from benchmarks import program
from benchmarks.lab import Lab
from benchmarks.program import CRM_AGENT, resident, running
from benchmarks.table import Figure, middle, show

ROUNDS = 7
SETTLED_SECONDS = 12.0
"""Two polls: what a first pass needed is given back or not."""


def measure(lab: Lab) -> None:
    """Prints a table."""
    program.run([CRM_AGENT, "--help"])  # the first one reads files from disk
    costs = [program.run([CRM_AGENT, "--help"]) for _ in range(ROUNDS)]
    with lab.firm(lab.mailbox("small", 100)) as firm, running(firm.command("run")) as process:
        firm.await_row("SELECT 1 FROM locations WHERE uid = '1'", process)
        time.sleep(SETTLED_SECONDS)
        idle = resident(process.pid) / 1e6
    show(
        "Start and rest",
        [
            Figure(
                what=f"crm-agent --help (median of {ROUNDS})",
                value=middle([cost.wall for cost in costs]),
                unit="s",
                bar=0.3,
                least=False,
            ),
            Figure(what="its processor time", value=middle([cost.cpu for cost in costs]), unit="s", least=False),
            Figure(what="idle daemon with one IMAP mailbox", value=idle, unit="MB", bar=100, least=False),
        ],
    )
