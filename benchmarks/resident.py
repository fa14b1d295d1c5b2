"""The resident memory of this process at its highest since it was last forgotten."""

import re
from pathlib import Path

_SELF = Path("/proc/self")
_FORGET_PEAK = "5"
"""Written to clear_refs, it sets the peak to what is resident now (proc(5))."""


def forget_peak() -> None:
    """What was before does not count."""
    (_SELF / "clear_refs").write_text(_FORGET_PEAK)


def peak() -> int:
    """In KB."""
    found = re.search(r"VmHWM:\s+(\d+) kB", (_SELF / "status").read_text())
    assert found
    return int(found[1])
