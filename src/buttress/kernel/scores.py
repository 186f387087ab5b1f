"""Scores of a ranking against labels. All are between 0 and 1; a query without relevant items scores 0."""

from collections.abc import Mapping, Sequence
from math import log2


def ndcg(ranked: Sequence[str], gains: Mapping[str, float], depth: int = 10) -> float:
    """Return the normalised discounted cumulative gain of the first `depth` items.

    Linear gains and a logarithmic discount, as trec_eval's ndcg_cut and the BEIR collections use
    (Järvelin and Kekäläinen, 2002).
    """
    found = sum(gains.get(item, 0.0) / log2(rank + 2) for rank, item in enumerate(ranked[:depth]))
    ideal = sorted(gains.values(), reverse=True)[:depth]
    best = sum(gain / log2(rank + 2) for rank, gain in enumerate(ideal))
    return found / best if best else 0.0


def recall(ranked: Sequence[str], gains: Mapping[str, float], depth: int) -> float:
    """Return the share of the relevant items (gain above 0) among the first `depth`."""
    relevant = {item for item, gain in gains.items() if gain > 0}
    return len(relevant.intersection(ranked[:depth])) / len(relevant) if relevant else 0.0


def reciprocal_rank(ranked: Sequence[str], gains: Mapping[str, float]) -> float:
    """Return 1 / the rank of the first relevant item; 0 when there is none."""
    ranks = (rank for rank, item in enumerate(ranked, start=1) if gains.get(item, 0) > 0)
    return 1 / next(ranks) if any(gains.get(item, 0) > 0 for item in ranked) else 0.0
