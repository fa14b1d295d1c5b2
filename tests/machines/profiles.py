"""How long the machines of this folder run: briefly and always the same by default, for hours where a person asks.

`HYPOTHESIS_PROFILE=deep` looks for what nobody has seen yet (`MACHINE_EXAMPLES`, `MACHINE_STEPS` change its size).
"""

import os

import pytest
from hypothesis import HealthCheck, Phase, settings

_QUIET = tuple(HealthCheck)
_DEEP = os.environ.get("HYPOTHESIS_PROFILE") == "deep"

patient = pytest.mark.timeout(0 if _DEEP else 600)
"""A machine that finds something needs time to make it short."""


def machine_settings(examples: int, steps: int) -> settings:
    """The size of one machine in the fast profile; the deep one takes its own."""
    if _DEEP:
        return settings(
            max_examples=int(os.environ.get("MACHINE_EXAMPLES", "1000")),
            stateful_step_count=int(os.environ.get("MACHINE_STEPS", "40")),
            deadline=None,
            suppress_health_check=_QUIET,
            print_blob=False,
        )
    return settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        derandomize=True,
        database=None,
        phases=(Phase.explicit, Phase.generate, Phase.shrink),
        suppress_health_check=_QUIET,
    )
