"""From a ranking's score to the probability that the passage answers: the two numbers, fitted. Pure."""

from collections.abc import Sequence
from math import exp, log, log1p

import msgspec

from buttress.knowledge.ranking.calibration import logistic
from buttress.knowledge.types import Calibration

_ROUNDS = 100
_HALVINGS = 30
_RIDGE = 1e-9
_ENOUGH = 1e-7


class Sample(msgspec.Struct, frozen=True):
    """The score of a passage that was found, and whether it answers."""

    score: float
    answers: bool


def fit(samples: Sequence[Sample]) -> Calibration | None:
    """Return offset and slope of the logistic function that fits `samples`.

    None where they say nothing (all alike, or higher scores answer less often), or give numbers that no
    declaration takes. By Newton's method with halved steps (Lin, Lin and Weng, 2007), towards Platt's targets
    (1999): with n that answer and m that do not, (n + 1) / (n + 2) and 1 / (m + 2), so that few samples give
    no certainty.
    """
    count = sum(one.answers for one in samples)
    if not 0 < count < len(samples):
        return None
    high, low = (count + 1) / (count + 2), 1 / (len(samples) - count + 2)
    points = [(one.score, high if one.answers else low) for one in samples]
    offset, slope = log((count + 1) / (len(samples) - count + 1)), 0.0
    for _ in range(_ROUNDS):
        step = _newton(points, offset, slope)
        offset, slope, is_done = _stepped(points, (offset, slope), step)
        if is_done:
            break
    try:
        found: Calibration = msgspec.convert((round(offset, 4), round(slope, 4)), Calibration)
    except msgspec.ValidationError:
        return None
    return found


def _newton(points: Sequence[tuple[float, float]], offset: float, slope: float) -> tuple[float, float]:
    """Return the step of Newton's method."""
    first = second = a = b = c = 0.0
    for score, target in points:
        probability = logistic(offset + slope * score)
        error, weight = probability - target, probability * (1 - probability)
        first += error
        second += error * score
        a += weight
        b += weight * score
        c += weight * score * score
    a, c = a + _RIDGE, c + _RIDGE
    determinant = a * c - b * b
    return -(c * first - b * second) / determinant, -(a * second - b * first) / determinant


def _stepped(
    points: Sequence[tuple[float, float]], at: tuple[float, float], step: tuple[float, float]
) -> tuple[float, float, bool]:
    """Return where a step leads that makes the loss smaller, and whether there is hardly one left."""
    before, size = _loss(points, *at), 1.0
    for _ in range(_HALVINGS):
        offset, slope = at[0] + size * step[0], at[1] + size * step[1]
        gained = before - _loss(points, offset, slope)
        if gained > 0:
            return offset, slope, gained < _ENOUGH
        size /= 2
    return *at, True


def _loss(points: Sequence[tuple[float, float]], offset: float, slope: float) -> float:
    """Return the cross entropy."""
    logits = ((offset + slope * score, target) for score, target in points)
    return sum(max(logit, 0.0) - target * logit + log1p(exp(-abs(logit))) for logit, target in logits)
