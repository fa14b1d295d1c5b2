"""How often a late order is called late in vain: the agent's rule beside "one and a half times the median".

Buyers are made whose rhythm is known: a usual gap of their own, a scatter of their own, lognormal gaps. Half of them
stop; each rule looks every day. Detection is after how many of their own gaps half of those who stopped are noticed;
false alarms are gaps of buyers who did come back that were called late. A factor of the median is set so that both
rules notice equally soon.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median

from agent.reminders.rhythm import LEAST_GAPS, Rhythm, expected, population, rhythm_of
from benchmarks.lab import Lab
from benchmarks.table import Figure, show

BUYERS = 20_000
QUANTILE = 0.9
_START = date(2024, 1, 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Buyer:
    """gaps: in days, but for the last. next: the gap that a rule is asked about."""

    gaps: tuple[int, ...]
    next: int
    rhythm: Rhythm


Allows = Callable[[_Buyer], float]
"""Days that a rule lets pass before it calls an order late."""


def measure(lab: Lab) -> None:
    """Prints a table."""
    buyers = [_buyer(random.Random(number)) for number in range(lab.count(BUYERS))]
    everybody = population([one.rhythm for one in buyers])
    assert everybody is not None

    def ours(one: _Buyer) -> float:
        return expected(one.rhythm, everybody, QUANTILE).latest

    factor = _wait(buyers, ours)  # what a factor of the median waits is the factor itself
    show(
        f"Late orders of {len(buyers):,} buyers of known rhythm, at quantile {QUANTILE}",
        [
            Figure(
                what="false alarms of ours", value=100 * _alarms(buyers, ours), unit="% of gaps", bar=14, least=False
            ),
            Figure(what="false alarms, 1.5 × median", value=100 * _alarms(buyers, _by_median(1.5)), unit="% of gaps"),
            Figure(what="half of those who stopped are noticed after, ours", value=factor, unit="gaps"),
            Figure(
                what=f"false alarms, {factor:.2f} × median, which notices as soon as ours",
                value=100 * _alarms(buyers, _by_median(factor)),
                unit="% of gaps",
            ),
        ],
    )


def _buyer(dice: random.Random) -> _Buyer:
    usual, scatter = dice.lognormvariate(3.4, 0.6), dice.uniform(0.1, 0.9)
    gaps = [max(1, round(usual * dice.lognormvariate(0, scatter))) for _ in range(dice.randint(LEAST_GAPS + 1, 16))]
    days = [_START]
    for gap in gaps[:-1]:
        days.append(days[-1] + timedelta(days=gap))
    rhythm = rhythm_of(days)
    assert rhythm is not None
    return _Buyer(gaps=tuple(gaps[:-1]), next=gaps[-1], rhythm=rhythm)


def _by_median(factor: float) -> Allows:
    return lambda one: factor * median(one.gaps)


def _alarms(buyers: Sequence[_Buyer], allows: Allows) -> float:
    """Of those who came back: how many were called late before."""
    return sum(one.next > allows(one) for one in buyers) / len(buyers)


def _wait(buyers: Sequence[_Buyer], allows: Allows) -> float:
    """How long it takes until half of those who stopped are noticed, in their own median gaps."""
    return median(allows(one) / median(one.gaps) for one in buyers)
