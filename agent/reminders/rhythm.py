"""How long a buyer usually waits between two orders, and from when on an order is late. Pure.

Gaps are lognormal: twice as long and half as long are as likely. Who bought few times has few gaps, so their mean and
spread are drawn towards those of all buyers, the more the fewer there are (empirical Bayes, the normal model with both
variances estimated by moments: Gelman and others, Bayesian Data Analysis, chapter 5). The quantile of the gap to come
counts both how gaps differ and how little is known of this buyer.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from statistics import NormalDist

LEAST_GAPS = 3
"""Four purchases: fewer show no rhythm."""
_PRIOR_GAPS = 2
"""With how many gaps of their own a buyer's spread counts as much as that of all."""
_LEAST_VARIANCE = 0.01
"""A standing order on the very day still has weekends: a tenth of a gap."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rhythm:
    """The gaps between a buyer's orders, in whole days; orders of one day are one.

    gaps: how many. log_sum, log_squares: of their natural logarithms and of the squares of these. last: the last order.
    """

    gaps: int
    log_sum: float
    log_squares: float
    last: date


@dataclass(frozen=True, kw_only=True, slots=True)
class Population:
    """All buyers together, for whoever has few gaps of their own.

    mean: of the logarithm of a gap. within: its variance between the gaps of one buyer; between: between the buyers.
    """

    mean: float
    within: float
    between: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """In days. usual: the middle of a buyer's gaps. latest: an order may be out so long without being late."""

    usual: int
    latest: int


def rhythm_of(days: Iterable[date]) -> Rhythm | None:
    """The rhythm of these purchases, None where there is none. Orders of one day are one."""
    ordered = sorted(set(days))
    if not ordered:
        return None
    logs = [math.log((later - earlier).days) for earlier, later in pairwise(ordered)]
    return Rhythm(
        gaps=len(logs), log_sum=math.fsum(logs), log_squares=math.fsum(one * one for one in logs), last=ordered[-1]
    )


def population_of(*, buyers: int, gaps: int, log_sum: float, log_squares: float, means_squared: float) -> Population:
    """Of all buyers who have a rhythm. means_squared: the sum over buyers of gaps times the square of their mean.

    gaps: at least as many as buyers, buyers at least one. The moments of a one-way analysis of variance.
    """
    mean = log_sum / gaps
    within = max((log_squares - means_squared) / (gaps - buyers), _LEAST_VARIANCE) if gaps > buyers else _LEAST_VARIANCE
    spread = (means_squared - gaps * mean * mean) / (buyers - 1) if buyers > 1 else 0.0
    between = max((spread - within) * buyers / gaps, _LEAST_VARIANCE)
    return Population(mean=mean, within=within, between=between)


def population(rhythms: Sequence[Rhythm]) -> Population | None:
    """The same from rhythms in memory; None where nobody has one."""
    known = [one for one in rhythms if one.gaps >= LEAST_GAPS]
    if not known:
        return None
    return population_of(
        buyers=len(known),
        gaps=sum(one.gaps for one in known),
        log_sum=math.fsum(one.log_sum for one in known),
        log_squares=math.fsum(one.log_squares for one in known),
        means_squared=math.fsum(one.log_sum**2 / one.gaps for one in known),
    )


def expected(one: Rhythm, everybody: Population, quantile: float) -> Pace:
    """one: with at least `LEAST_GAPS` gaps. quantile: the share of gaps that are shorter than `latest`."""
    own_mean = one.log_sum / one.gaps
    scatter = max(one.log_squares - one.gaps * own_mean * own_mean, 0.0)
    variance = max((scatter + _PRIOR_GAPS * everybody.within) / (one.gaps - 1 + _PRIOR_GAPS), _LEAST_VARIANCE)
    weight = everybody.between / (everybody.between + variance / one.gaps)
    mean = weight * own_mean + (1 - weight) * everybody.mean
    in_doubt = math.sqrt(variance + weight * variance / one.gaps)
    latest = math.exp(mean + NormalDist().inv_cdf(quantile) * in_doubt)
    return Pace(usual=max(1, round(math.exp(mean))), latest=math.ceil(latest))
