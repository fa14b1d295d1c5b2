"""First sync of a mailbox: ours, mbsync's, and a bare loop that only fetches the same header fields.

The three take turns in one run, each on a server that has not parsed these headers yet, so that their ratios hold
whatever else the machine does.
"""

import shutil
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import program
from benchmarks.lab import Lab
from benchmarks.program import Cost
from benchmarks.table import Figure, middle, show
from tests.servers.dovecot import DovecotUser
from tests.servers.process import Missing
from tests.servers.process import program as installed

MESSAGES = 20_000
ROUNDS = 3


@dataclass(kw_only=True)
class Runs:
    """Seconds of each run, and processor seconds."""

    ours: list[float] = field(default_factory=list)
    ours_cpu: list[float] = field(default_factory=list)
    mbsync: list[float] = field(default_factory=list)
    mbsync_cpu: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)
    bare_cpu: list[float] = field(default_factory=list)


def measure(lab: Lab) -> None:
    """Prints a table a mailbox."""
    for kind in ("business", "small"):
        count = lab.count(MESSAGES)
        user = lab.mailbox(kind, count)
        runs = Runs()
        for _ in range(ROUNDS):
            _round(lab, user, runs)
        show(f"First sync, {count:,} messages, {kind} mail (median of {ROUNDS})", _figures(runs, count, kind))


def _round(lab: Lab, user: DovecotUser, runs: Runs) -> None:
    with lab.firm(user) as firm:
        firm.learn_contacts()
        lab.forget(user)
        first, again = firm.run("sync"), firm.run("sync")
        runs.ours.append(first.wall - again.wall)
        runs.ours_cpu.append(first.cpu - again.cpu)
    lab.forget(user)
    mirrored = _mirror(lab, user)
    if mirrored is not None:
        runs.mbsync.append(mirrored.wall)
        runs.mbsync_cpu.append(mirrored.cpu)
    lab.forget(user)
    bare = [sys.executable, "-m", "benchmarks.bare", str(lab.dovecot.imaps_port), str(lab.ca_file), user.username]
    wall, cpu = map(float, program.run([*bare, user.password]).output.split())
    runs.bare.append(wall)
    runs.bare_cpu.append(cpu)


def _mirror(lab: Lab, user: DovecotUser) -> Cost | None:
    """mbsync's first pull with its defaults; None where it is not installed."""
    try:
        mbsync = installed("mbsync")
    except Missing:
        return None
    folder = Path(tempfile.mkdtemp(prefix="benchmark-mirror-"))
    try:
        (folder / "rc").write_text(
            f"IMAPAccount lab\nHost localhost\nPort {lab.dovecot.imaps_port}\nUser {user.username}\n"
            f"Pass {user.password}\nSSLType IMAPS\nCertificateFile {lab.ca_file}\n\n"
            "IMAPStore far\nAccount lab\n\n"
            f"MaildirStore near\nPath {folder}/mail/\nInbox {folder}/mail/INBOX\n\n"
            "Channel all\nFar :far:\nNear :near:\nPatterns INBOX\nCreate Near\nSync Pull\nSyncState *\n"
        )
        (folder / "mail").mkdir()
        return program.run([mbsync, "-q", "-c", str(folder / "rc"), "all"])
    finally:
        shutil.rmtree(folder)


def _figures(runs: Runs, count: int, kind: str) -> list[Figure]:
    held = kind == "business"
    ours, bare = middle(runs.ours), middle(runs.bare)
    figures = [Figure(what="ours", value=count / ours, unit="messages/s")]
    if runs.mbsync:
        ratio = middle([theirs / mine for theirs, mine in zip(runs.mbsync, runs.ours, strict=True)])
        figures += [
            Figure(what="mbsync", value=count / middle(runs.mbsync), unit="messages/s"),
            Figure(what="ours to mbsync", value=ratio, unit="×", bar=1.5 if held else None),
        ]
    share = middle([theirs / mine for theirs, mine in zip(runs.bare, runs.ours, strict=True)])
    figures += [
        Figure(what="bare loop over the same header fields", value=count / bare, unit="messages/s"),
        Figure(what="ours to the bare loop", value=share, unit="×", bar=0.4 if held else None),
        _processor("ours", runs.ours_cpu, count, 250 if held else None),
        _processor("the bare loop", runs.bare_cpu, count),
    ]
    return [*figures, _processor("mbsync", runs.mbsync_cpu, count)] if runs.mbsync else figures


def _processor(who: str, seconds: list[float], count: int, bar: float | None = None) -> Figure:
    value = middle(seconds) / count * 1e6
    return Figure(what=f"processor time of {who}", value=value, unit="µs/message", bar=bar, least=False)
