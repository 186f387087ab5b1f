"""What decides the order: two first lists, a re-ranker's scores and the settings in, one ranking out. Pure.

So recipes can be tried by the thousand on lists that were found once. Ties are broken by id.
"""

from collections.abc import Mapping

from buttress.kernel.ids import ChunkId
from buttress.knowledge.ranking.fusion import Ranking, blend, dbsf, rrf
from buttress.knowledge.search_types import FirstStages, Hit
from buttress.knowledge.types import SearchSettings


def ranked(
    first: FirstStages, reranked: Mapping[ChunkId, float] | None, settings: SearchSettings
) -> list[Hit]:
    """Return the hits of both lists, best first, each with its score in this ranking."""
    return _as_hits(first, scored(first, reranked, settings))


def fused(first: FirstStages, settings: SearchSettings) -> list[Hit]:
    """Return the same without a re-ranker: the first `settings.rerank_depth` of them are what it looks at."""
    return _as_hits(first, fused_scores(first, settings))


def scored(first: FirstStages, reranked: Mapping[ChunkId, float] | None, settings: SearchSettings) -> Ranking:
    """Return what `ranked` does, as ids and scores: quicker, for who ranks a thousand times."""
    ranking = fused_scores(first, settings)
    if reranked is None or settings.rerank == "none":
        return ranking
    return with_reranker(ranking, reranked, settings)


def fused_scores(first: FirstStages, settings: SearchSettings) -> Ranking:
    """Return what `fused` does, as ids and scores. Of each list the first `settings.depth` count."""
    dense, bm25 = (first.dense or ())[: settings.depth], (first.bm25 or ())[: settings.depth]
    by_words = [(one.chunk_id, one.score) for one in bm25]
    by_cosine = [(one.chunk_id, one.score) for one in dense]
    match settings.fusion:
        case "rrf":
            return rrf(by_cosine, by_words, settings.dense_weight, settings.rrf_k)
        case "dbsf":
            return dbsf(by_cosine, by_words, settings.dense_weight)
        case "blend":
            near = {one.chunk_id: one.cosine for one in (*bm25, *dense) if one.cosine is not None}
            return blend(list(near.items()), by_words, settings.dense_weight)


def with_reranker(ranking: Ranking, reranked: Mapping[ChunkId, float], settings: SearchSettings) -> Ranking:
    """Return a fused ranking with the re-ranker's scores of its first ones blended in.

    What it did not look at counts as the worst of what it did: so none of that passes any of the others.
    """
    looked_at = {one: reranked[one] for one, _ in ranking[: settings.rerank_depth] if one in reranked}
    if not looked_at:
        return ranking
    share, worst = settings.rerank_share, min(looked_at.values())
    blended = [
        (share * looked_at.get(one, worst) + (1 - share) * score, score, one) for one, score in ranking
    ]
    return [(one, score) for score, _, one in sorted(blended, key=lambda row: (-row[0], -row[1], row[2]))]


def _as_hits(first: FirstStages, ranking: Ranking) -> list[Hit]:
    hits = {one.chunk_id: one for one in (*(first.bm25 or ()), *(first.dense or ()))}
    found = ((hits[chunk_id], score) for chunk_id, score in ranking)
    return [Hit(hit.row_id, hit.chunk_id, score, hit.cosine) for hit, score in found]
