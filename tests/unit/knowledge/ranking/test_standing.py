"""How each passage came to its place."""

from buttress.kernel.ids import ChunkId
from buttress.knowledge.ranking.standing import standings_of
from buttress.knowledge.search_types import FirstStages, Hit, Standing
from tests.unit.knowledge.passages import candidate


def hit(name: str, score: float) -> Hit:
    """Return a hit with this score."""
    return Hit(0, ChunkId(name), score, None)


def test_ranks_of_every_stage() -> None:
    """None where a stage had it not; ranks begin with 1."""
    first = FirstStages([hit("1", 0.9), hit("2", 0.8)], [hit("3", 12), hit("1", 7)])
    fused = [hit("1", 1.0), hit("2", 0.6), hit("3", 0.4)]
    reranked = {ChunkId("1"): 0.3, ChunkId("2"): 0.7}
    passages = [candidate("", number).passage for number in (2, 1, 3)]
    second, best, last = standings_of(passages, first, fused, reranked)
    assert second == Standing(
        dense_rank=2, bm25_rank=None, bm25_score=None, fused_rank=2, fused_score=0.6,
        rerank_rank=1, rerank_score=0.7,
    )  # fmt: skip
    assert (best.dense_rank, best.bm25_rank, best.bm25_score, best.rerank_rank) == (1, 2, 7, 2)
    assert (last.dense_rank, last.bm25_rank, last.rerank_rank, last.rerank_score) == (None, 1, None, None)


def test_without_a_stage_there_are_no_ranks_of_it() -> None:
    (one,) = standings_of([candidate("", 1).passage], FirstStages(None, [hit("1", 3)]), [hit("1", 0.3)], None)
    assert (one.dense_rank, one.bm25_rank, one.fused_rank, one.rerank_rank) == (None, 1, 1, None)
