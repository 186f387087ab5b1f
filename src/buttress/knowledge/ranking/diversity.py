"""Which passages are far enough from better ones to be worth their place. Pure."""

from collections.abc import Sequence

from buttress.knowledge.ports import Vectors
from buttress.knowledge.search_types import Candidate


def diverse(ranked: Sequence[Candidate], vectors: Vectors, diversity: float, limit: int) -> list[Candidate]:
    """Return `limit` of `ranked` (best first), in its order: each the best when its nearness is taken off.

    Maximal marginal relevance (Carbonell & Goldstein, SIGIR 1998): (1 - diversity) x score - diversity x the
    cosine with the nearest one chosen before. Scores are taken as shares, 0 for the worst and 1 for the
    best of `ranked`, so that they have the weight of cosines. `vectors` are unit vectors, a row for each.
    """
    import numpy as np  # noqa: PLC0415 - heavy

    if not ranked:
        return []
    scores = np.array([one.passage.score for one in ranked])
    width = max(float(scores[0] - scores[-1]), 1e-9)
    shares = (scores - scores[-1]) / width
    cosines = np.clip(vectors @ vectors.T, 0, None)
    chosen, nearest = [0], cosines[0].copy()
    while len(chosen) < min(limit, len(ranked)):
        worth = (1 - diversity) * shares - diversity * nearest
        worth[chosen] = -np.inf
        chosen.append(int(worth.argmax()))
        nearest = np.maximum(nearest, cosines[chosen[-1]])
    return [ranked[place] for place in sorted(chosen)]
