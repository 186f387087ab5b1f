"""From a ranking's score to the probability that the passage answers. Pure, and monotone: no order changes.

Platt scaling (1999): the logistic function of offset + slope x score.
"""

from collections.abc import Mapping
from math import exp

from buttress.knowledge.types import Calibration, Fusion, SearchSettings

MEASURED: Mapping[tuple[Fusion, bool], Calibration] = {
    ("blend", False): (-7.7, 10.9),
    ("blend", True): (-7.25, 9.95),
    ("dbsf", False): (-7.1, 6.9),
    ("dbsf", True): (-8.25, 9.6),
    ("rrf", False): (-5.9, 6.8),
    ("rrf", True): (-7.0, 9.0),
}
"""Offset and slope by fusion, and by whether late interaction has re-ranked with half of the weight.

Fitted on the first ten documents of each question of five collections, each with the same weight: the score
and what was relevant differ by 0.10 to 0.12 in the mean (docs/explanation/measurements.md), by 0.02 with
numbers fitted on a collection's own labels. A cross-encoder's scores are spread in another way: fit its own.
"""


def calibrated(score: float, settings: SearchSettings, *, is_reranked: bool) -> float:
    """Return the probability, 0 to 1, that a passage with this score of the ranking answers the question.

    `is_reranked` says whether the re-ranker of the settings, if they name one, has taken part.
    """
    offset, slope = calibration_of(settings, is_reranked=is_reranked)
    return logistic(offset + slope * score)


def logistic(logit: float) -> float:
    """Return 1 / (1 + e^-logit), without an overflow."""
    return 1 / (1 + exp(-logit)) if logit >= 0 else exp(logit) / (1 + exp(logit))


def calibration_of(settings: SearchSettings, *, is_reranked: bool) -> Calibration:
    """Return offset and slope: the knowledge base's own, else what was measured.

    Its own are of its whole recipe: where the re-ranker was left out they do not fit.
    """
    is_whole = is_reranked == (settings.rerank != "none")
    if settings.calibration and is_whole:
        return settings.calibration
    return MEASURED[settings.fusion, is_reranked]
