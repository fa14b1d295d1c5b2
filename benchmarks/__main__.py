"""`python -m benchmarks [NAME …] [--quick]`: measures, and prints one table a benchmark.

A bar that is not reached is said and nothing else: the machine may be slow or busy.
"""

import argparse
from collections.abc import Callable

from benchmarks import exchange, first_sync, memory, newest, poll, rhythm, rules, start, store
from benchmarks.lab import Lab, open_lab
from benchmarks.matching import report, speed

ALONE: dict[str, Callable[..., None]] = {"matching": report.measure, "match-speed": speed.measure}
"""Those that need no mail server. Called with `quick`."""

BENCHMARKS: dict[str, Callable[[Lab], None]] = {
    "first-sync": first_sync.measure,
    "newest": newest.measure,
    "poll": poll.measure,
    "store": store.measure,
    "start": start.measure,
    "memory": memory.measure,
    "exchange": exchange.measure,
    "rules": rules.measure,
    "rhythm": rhythm.measure,
}


def main() -> None:
    """Runs what was named, or everything."""
    names = [*ALONE, *BENCHMARKS]
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(names))
    parser.add_argument("--quick", action="store_true", help="a fifth of the mail")
    chosen = parser.parse_args()
    unknown = [name for name in chosen.names if name not in names]
    if unknown:
        parser.error(f"no benchmark {unknown[0]}; there are {', '.join(names)}")
    wanted = chosen.names or names
    for name in filter(ALONE.__contains__, wanted):
        ALONE[name](quick=chosen.quick)
    if served := [name for name in wanted if name in BENCHMARKS]:
        with open_lab(quick=chosen.quick) as lab:
            for name in served:
                BENCHMARKS[name](lab)


if __name__ == "__main__":
    main()
