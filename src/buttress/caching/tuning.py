"""From which cosine on questions are compared: chosen by labelled pairs, with a bound on false hits. Pure.

A hit is a pair at or above a threshold in which nothing definite differs (`verifying`); a false one is a hit
whose questions want different answers. The bound is the exact one of Clopper and Pearson (Biometrika 26,
1934), one-sided; since the lowest threshold of several is picked that keeps it, each is held to its share of
the error (Bonferroni). So with 95 % confidence no threshold that is picked gives more false hits than asked
for, among pairs such as these.
"""

from collections.abc import Callable, Iterable, Sequence
from math import ceil, exp, lgamma, log, log1p

import msgspec

from buttress.kernel.errors import UNDECODABLE

THRESHOLDS = tuple(round(0.70 + 0.02 * step, 2) for step in range(15))
"""What is tried: 0.70 to 0.98."""

CONFIDENCE = 0.95
_HALVINGS = 60


class Pair(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Two questions, and whether one answer is right for both."""

    a: str
    b: str
    same: bool


class Judged(msgspec.Struct, frozen=True):
    """A labelled pair: the cosine of its questions, and whether something definite differs."""

    cosine: float
    differs: bool
    same: bool


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """What a threshold gives: its hits, and the false ones among them.

    `at_most` is what share of the hits may be false, 0 to 1; `recall` what share of the pairs that are the
    same is found.
    """

    threshold: float
    hits: int
    false: int
    at_most: float
    recall: float


class Tuning(msgspec.Struct, frozen=True, kw_only=True):
    """Each threshold that was tried, lowest first, and the one to take; None where none is safe enough.

    `needed` is how many hits without a false one it takes to show that a threshold is.
    """

    tried: tuple[Tried, ...]
    chosen: Tried | None
    needed: int


def tune(judged: Sequence[Judged], most_false: float) -> Tuning:
    """Return what each threshold gives, and the lowest with at most a share `most_false` of false hits."""
    error = (1 - CONFIDENCE) / len(THRESHOLDS)
    tried = tuple(_try(threshold, judged, error) for threshold in THRESHOLDS)
    chosen = next((one for one in tried if one.at_most <= most_false), None)
    needed = ceil(log(error) / log1p(-most_false))
    return Tuning(tried=tried, chosen=chosen, needed=needed)


def _try(threshold: float, judged: Iterable[Judged], error: float) -> Tried:
    pairs = list(judged)
    hits = [one for one in pairs if one.cosine >= threshold and not one.differs]
    false = sum(not one.same for one in hits)
    same = sum(one.same for one in pairs)
    return Tried(
        threshold=threshold,
        hits=len(hits),
        false=false,
        at_most=upper_bound(false, len(hits), error),
        recall=(len(hits) - false) / same if same else 0.0,
    )


def upper_bound(events: int, trials: int, error: float) -> float:
    """Return the largest rate at which so few events are not unlikelier than `error`; 1 without trials.

    Clopper and Pearson's exact upper limit: P(at most `events` of `trials`) = `error`.
    """
    if events >= trials:
        return 1.0
    return _falling(lambda rate: _at_most(events, trials, rate), error)


def _falling(share: Callable[[float], float], wanted: float) -> float:
    """Return where a function of a rate, which falls from 1 to 0, is `wanted`; a little above."""
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if share(middle) > wanted else (low, middle)
    return high


def _at_most(events: int, trials: int, rate: float) -> float:
    """Return how likely at most `events` of `trials` are (binomial)."""
    if not 0 < rate < 1:
        return 1.0 if rate <= 0 else 0.0
    yes, no = log(rate), log1p(-rate)
    return sum(exp(_ways(trials, k) + k * yes + (trials - k) * no) for k in range(events + 1))


def _ways(trials: int, events: int) -> float:
    return lgamma(trials + 1) - lgamma(events + 1) - lgamma(trials - events + 1)


def read_pairs(text: str) -> list[Pair] | str:
    """Return the pairs of a JSONL file, or which line is wrong and why."""
    pairs: list[Pair] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            pairs.append(msgspec.json.decode(line, type=Pair))
        except UNDECODABLE as error:
            return f"line {number}: {error}"
    labels = {one.same for one in pairs}
    return pairs if len(labels) > 1 else f"{len(pairs)} pairs, and not of both kinds"
