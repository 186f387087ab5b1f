"""How sure a mean is. Pure: chance is handed in, so equal values and seeds give equal intervals."""

from collections.abc import Sequence
from math import ceil, sqrt
from statistics import fmean

import msgspec

from buttress.kernel.chance import Chance

DRAWS = 2_000
"""Resamples of a bootstrap: the ends of an interval then move by about a fiftieth of its width."""


class Interval(msgspec.Struct, frozen=True, kw_only=True):
    """A mean, and between which values it lies with the confidence asked for."""

    mean: float
    low: float
    high: float


def bootstrap(values: Sequence[float], chance: Chance, *, confidence: float = 0.95) -> Interval:
    """Return the mean of `values` with its percentile bootstrap interval (Efron, 1979).

    Of few values it is somewhat too narrow: of 20 to 30 right in 93 to 94 % of cases where 95 were asked for.
    Without values everything is 0.
    """
    if not values:
        return Interval(mean=0.0, low=0.0, high=0.0)
    means = sorted(_resampled(values, chance) for _ in range(DRAWS))
    tail = (1 - confidence) / 2
    return Interval(mean=fmean(values), low=quantile(means, tail), high=quantile(means, 1 - tail))


def paired(ours: Sequence[float], theirs: Sequence[float], chance: Chance) -> Interval:
    """Return the mean of `ours` - `theirs`, of the same things in the same order, with its 95 % interval."""
    return bootstrap([one - other for one, other in zip(ours, theirs, strict=True)], chance)


def standard_error(values: Sequence[float]) -> float:
    """Return the standard error of the mean of `values`; infinite of fewer than two."""
    count = len(values)
    if count < 2:
        return float("inf")
    mean = fmean(values)
    return sqrt(sum((one - mean) ** 2 for one in values) / (count * (count - 1)))


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return the smallest of `ordered` (ascending) that a `share` of them does not exceed; 0 of none.

    The inverse of the empirical distribution: definition 1 of Hyndman and Fan (1996).
    """
    if not ordered:
        return 0.0
    return ordered[min(len(ordered), max(1, ceil(share * len(ordered)))) - 1]


def _resampled(values: Sequence[float], chance: Chance) -> float:
    """Return the mean of as many draws from `values`, with replacement."""
    count = len(values)
    bits = chance.bits(32 * count).to_bytes(4 * count, "little")
    return sum(values[(draw * count) >> 32] for draw in memoryview(bits).cast("I")) / count
