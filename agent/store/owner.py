"""Who holds a lease: names a process so well that another one on the same host can tell whether it still lives.

host|boot|pid namespace|pid|start time. Only where the first three are our own does /proc answer for the process; a
host of the same name elsewhere, or a container beside us, is never mistaken for a dead process of ours.
"""

import os
import socket
from functools import cache
from pathlib import Path

_PROC = Path("/proc")
_START_FIELD = 19
"""Of /proc/PID/stat, counted after the command name: proc(5), field 22, starttime in clock ticks since boot."""


def this_process() -> str:
    """The owner string of this process."""
    pid = os.getpid()
    return "|".join((*_place(), str(pid), _start_time(pid) or ""))


def is_gone(owner: str) -> bool:
    """Whether that owner certainly runs no more. False where this process cannot know."""
    parts = owner.split("|")
    if len(parts) != 5 or tuple(parts[:3]) != _place() or not parts[1] or not parts[4]:
        return False
    return _start_time(int(parts[3])) != parts[4]


@cache
def _place() -> tuple[str, str, str]:
    """Host, boot and pid namespace; the latter two empty where there is no /proc."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        namespace = (_PROC / "self/ns/pid").readlink().name
    except OSError:
        boot, namespace = "", ""
    return socket.gethostname().replace("|", "-"), boot, namespace


def _start_time(pid: int) -> str | None:
    """In clock ticks since boot; None if there is no such process, or only what is left of one (a zombie)."""
    try:
        stat = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in ("Z", "X") else fields[_START_FIELD]
