"""Whether a figure grows, told from noisy samples of it. Pure; in need of no other file.

A straight line through all samples would follow single peaks. Theil and Sen take the median of the slopes
between all pairs of samples instead (Sen, "Estimates of the regression coefficient based on Kendall's tau",
1968), and Kendall's test bounds it. Memory grows in steps, and neighbouring samples are alike: so the samples
are put into blocks first, of which each counts once.
"""

from collections.abc import Sequence
from math import sqrt
from statistics import median

import msgspec

BLOCKS = 16
"""Into so many the samples are put; each is its median."""

SURE = 2.33
"""How many standard deviations the bounds are away: one slope in a hundred lies below, one above."""


class Trend(msgspec.Struct, frozen=True):
    """A slope, per second, and the bounds between which it almost surely is."""

    slope: float
    low: float
    high: float

    def __mul__(self, factor: float) -> "Trend":
        return Trend(self.slope * factor, self.low * factor, self.high * factor)


FLAT = Trend(0.0, 0.0, 0.0)


def trend(moments: Sequence[float], values: Sequence[float]) -> Trend:
    """Return the trend of `values`, one at each of `moments` (seconds, ascending); of one it is flat."""
    points = blocks(moments, values, BLOCKS)
    slopes = sorted(
        (later[1] - earlier[1]) / (later[0] - earlier[0])
        for at, earlier in enumerate(points)
        for later in points[at + 1 :]
        if later[0] > earlier[0]
    )
    if not slopes:
        return FLAT
    aside = _aside(len(points), len(slopes))
    return Trend(median(slopes), slopes[aside], slopes[-1 - aside])


def _aside(points: int, slopes: int) -> int:
    """Return how many of the least slopes, and of the greatest, lie outside the bounds."""
    deviation = sqrt(points * (points - 1) * (2 * points + 5) / 18)
    return max(0, min((slopes - 1) // 2, int((slopes - SURE * deviation) / 2)))


def blocks(moments: Sequence[float], values: Sequence[float], count: int) -> Sequence[tuple[float, float]]:
    """Return up to `count` points, the medians of samples that follow each other."""
    size = max(1, -(-len(values) // count))
    return [
        (median(moments[at : at + size]), median(values[at : at + size]))
        for at in range(0, len(values), size)
    ]


def second_half(moments: Sequence[float]) -> slice:
    """Return which of the moments lie in the second half of the time: the first one fills caches."""
    if not moments:
        return slice(0, 0)
    middle = (moments[0] + moments[-1]) / 2
    return slice(next(at for at, moment in enumerate(moments) if moment >= middle), len(moments))
