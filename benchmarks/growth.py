"""`python -m benchmarks.growth CONFIG FIRST THEN`: octets, in KB, by which mailbox THEN raises what FIRST left.

Of resident memory at its highest, after reading mailbox FIRST, in one process.
"""

import re
import sys
from pathlib import Path

from benchmarks.inside import open_agent

_SELF = Path("/proc/self")
_FORGET_PEAK = "5"
"""Written to clear_refs, it sets the peak to what is resident now (proc(5))."""


def main() -> None:
    """Prints the figure."""
    config, first, then = sys.argv[1:]
    with open_agent(Path(config)) as agent:
        agent.read(first)
        agent.read(first)
        (_SELF / "clear_refs").write_text(_FORGET_PEAK)
        before = _peak()
        agent.read(then)
        print(_peak() - before)


def _peak() -> int:
    found = re.search(r"VmHWM:\s+(\d+) kB", (_SELF / "status").read_text())
    assert found
    return int(found[1])


if __name__ == "__main__":
    main()
