"""`python -m benchmarks.growth CONFIG FIRST THEN`: octets, in KB, by which mailbox THEN raises what FIRST left.

Of resident memory at its highest, after reading mailbox FIRST, in one process.
"""

import sys
from pathlib import Path

from benchmarks.inside import open_agent
from benchmarks.resident import forget_peak, peak


def main() -> None:
    """Prints the figure."""
    config, first, then = sys.argv[1:]
    with open_agent(Path(config)) as agent:
        agent.read(first)
        agent.read(first)
        forget_peak()
        before = peak()
        agent.read(then)
        print(peak() - before)


if __name__ == "__main__":
    main()
