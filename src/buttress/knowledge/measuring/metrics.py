"""The metrics of a ranking, and their means. Pure.

A ranking holds documents (or places in them), each where its best passage ranks; see `matching`.
"""

from collections.abc import Mapping, Sequence

from buttress.kernel.chance import Chance
from buttress.kernel.scores import ndcg, recall, reciprocal_rank
from buttress.kernel.statistics import Interval, bootstrap

RECALL_AT = (1, 5, 10, 50)
HIT_AT = (1, 5, 10)
NDCG = "nDCG@10"
"""The metric that recipes are chosen by."""


def metrics_of(ranked: Sequence[str], gains: Mapping[str, float]) -> dict[str, float]:
    """Return every metric of one ranking by its name, each 0 to 1.

    nDCG@10 as `kernel.scores.ndcg` computes it, MRR is 1 / the rank of the first that answers, `recall@k` the
    share of all that answers among the first k, `hit@k` whether any of it is (1) or not (0).
    """
    found = {f"recall@{depth}": recall(ranked, gains, depth) for depth in RECALL_AT}
    hits = {f"hit@{depth}": float(recall(ranked, gains, depth) > 0) for depth in HIT_AT}
    return {NDCG: ndcg(ranked, gains, 10), "MRR": reciprocal_rank(ranked, gains), **found, **hits}


def mean_metrics(of_queries: Sequence[Mapping[str, float]], chance: Chance) -> dict[str, Interval]:
    """Return the mean of each metric over the queries, with its 95 % interval."""
    names = of_queries[0] if of_queries else {}
    return {name: bootstrap([one[name] for one in of_queries], chance) for name in names}
