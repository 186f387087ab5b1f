"""How each passage came to its place: its rank in every stage. Pure."""

from collections.abc import Iterable, Mapping, Sequence

from buttress.kernel.ids import ChunkId
from buttress.kernel.passages import Passage
from buttress.knowledge.search_types import FirstStages, Hit, Standing


def standings_of(
    passages: Iterable[Passage],
    first: FirstStages,
    fused: Sequence[Hit],
    reranked: Mapping[ChunkId, float] | None,
) -> tuple[Standing, ...]:
    """Return how each of `passages` stood in the first lists, in the fused one, and with the re-ranker."""
    dense, bm25, fusion = _ranks(first.dense or ()), _ranks(first.bm25 or ()), _ranks(fused)
    scores = reranked or {}
    looked_at = {one: rank for rank, one in enumerate(sorted(scores, key=lambda one: (-scores[one], one)), 1)}
    standings: list[Standing] = []
    for one in (passage.chunk_id for passage in passages):
        place, score = fusion[one]
        standings.append(
            Standing(
                dense_rank=dense[one][0] if one in dense else None,
                bm25_rank=bm25[one][0] if one in bm25 else None,
                bm25_score=bm25[one][1] if one in bm25 else None,
                fused_rank=place,
                fused_score=score,
                rerank_rank=looked_at.get(one),
                rerank_score=scores.get(one),
            )
        )
    return tuple(standings)


def _ranks(hits: Iterable[Hit]) -> dict[ChunkId, tuple[int, float]]:
    return {one.chunk_id: (rank, one.score) for rank, one in enumerate(hits, start=1)}
