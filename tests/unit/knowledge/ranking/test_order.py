"""What decides the order."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.kernel.ids import ChunkId
from buttress.knowledge.ranking.order import fused, ranked, scored
from buttress.knowledge.search_types import FirstStages, Hit
from buttress.knowledge.types import DENSE_SHARES, Fusion, SearchSettings

IDS = [ChunkId(one) for one in "abcdefgh"]


def hit(name: str, score: float, cosine: float | None) -> Hit:
    """Return a hit with these numbers."""
    return Hit(IDS.index(ChunkId(name)) if name in IDS else 0, ChunkId(name), score, cosine)


def names(hits: list[Hit]) -> list[str]:
    """Return their ids."""
    return [one.chunk_id for one in hits]


def best_first(scores: dict[ChunkId, float]) -> list[tuple[ChunkId, float]]:
    """Return `scores` as a stage gives them."""
    return sorted(scores.items(), key=lambda row: (-row[1], row[0]))


def dense_of(scores: dict[ChunkId, float]) -> list[Hit]:
    """Return a dense list of these cosines."""
    return [hit(one, score, score) for one, score in best_first(scores)]


def bm25_of(scores: dict[ChunkId, float]) -> list[Hit]:
    """Return a BM25 list of these scores; cosines are unknown."""
    return [hit(one, score, None) for one, score in best_first(scores)]


shares = st.floats(0, 1)
firsts = st.builds(
    FirstStages,
    st.none() | st.dictionaries(st.sampled_from(IDS), st.floats(0, 1)).map(dense_of),
    st.none() | st.dictionaries(st.sampled_from(IDS), st.floats(0.01, 40)).map(bm25_of),
)
recipes = st.builds(
    SearchSettings,
    fusion=st.sampled_from(get_args(Fusion)),
    dense_share=shares,
    rerank=st.sampled_from(("none", "late")),
    rerank_depth=st.integers(1, 9),
    rerank_share=st.floats(0.01, 1),
    depth=st.integers(1, 9),
)
scores = st.none() | st.dictionaries(st.sampled_from(IDS), shares)


@given(firsts, scores, recipes)
def test_all_that_was_found_is_ranked_once(
    first: FirstStages, reranked: dict[ChunkId, float] | None, settings: SearchSettings
) -> None:
    """Best first, with scores that say so, and the same again."""
    ranking = ranked(first, reranked, settings)
    found = {one.chunk_id for each in (first.dense, first.bm25) for one in (each or [])[: settings.depth]}
    assert sorted(names(ranking)) == sorted(found)
    assert [one.score for one in ranking] == sorted((one.score for one in ranking), reverse=True)
    assert ranked(first, reranked, settings) == ranking
    assert scored(first, reranked, settings) == [(one.chunk_id, one.score) for one in ranking]


@given(firsts, st.dictionaries(st.sampled_from(IDS), shares, min_size=1), recipes)
def test_what_was_not_looked_at_passes_nothing_that_was(
    first: FirstStages, reranked: dict[ChunkId, float], settings: SearchSettings
) -> None:
    """Where the fused order had it behind, too."""
    before = names(fused(first, settings))
    after = [one.score for one in sorted(ranked(first, reranked, settings), key=lambda one: one.chunk_id)]
    by_id = dict(zip(sorted(before), after, strict=True))
    looked_at = [one for one in before[: settings.rerank_depth] if one in reranked]
    rest = before[settings.rerank_depth :]
    assert all(by_id[one] >= by_id[other] - 1e-9 for one in looked_at for other in rest)


def test_blending_uses_the_cosines_of_what_only_keywords_found() -> None:
    """So that a word match of another topic does not win."""
    first = FirstStages(dense=[hit("near", 0.6, 0.6)], bm25=[hit("far", 10, 0.1), hit("also", 5, 0.5)])
    assert names(fused(first, SearchSettings())) == ["also", "near", "far"]


@pytest.mark.parametrize("fusion", get_args(Fusion))
def test_a_share_that_is_not_declared_is_the_fusions_own(fusion: Fusion) -> None:
    """So that another fusion can be tried by its name alone."""
    first = FirstStages(dense_of({ChunkId("a"): 0.6, ChunkId("b"): 0.5}), bm25_of({ChunkId("b"): 8}))
    named = SearchSettings(fusion=fusion, dense_share=DENSE_SHARES[fusion])
    assert fused(first, SearchSettings(fusion=fusion)) == fused(first, named)
    assert SearchSettings(dense_share=0.0).dense_weight == 0


@pytest.mark.parametrize("fusion", get_args(Fusion))
def test_a_stage_that_was_skipped_does_not_count(fusion: Fusion) -> None:
    settings = SearchSettings(fusion=fusion)
    only = FirstStages(dense=None, bm25=[hit("a", 4, None), hit("b", 2, None)])
    assert names(fused(only, settings)) == ["a", "b"]
    assert fused(FirstStages(dense=[], bm25=[]), settings) == []


@pytest.mark.parametrize("fusion", get_args(Fusion))
@pytest.mark.parametrize("reranked", [None, {ChunkId("a"): 0.4, ChunkId("b"): 0.4}])
def test_ties_are_broken_by_id(fusion: Fusion, reranked: dict[ChunkId, float] | None) -> None:
    """With and without a re-ranker."""
    settings = SearchSettings(fusion=fusion, dense_share=0.5, rerank="late")
    ab, ba = [hit("a", 0.5, 0.5), hit("b", 0.5, 0.5)], [hit("b", 0.5, 0.5), hit("a", 0.5, 0.5)]
    assert names(ranked(FirstStages(ba, ab), reranked, settings)) == ["a", "b"]


def test_a_re_ranker_moves_what_it_looked_at() -> None:
    """By its share; what it did not look at stays behind that."""
    first = FirstStages(
        dense=[hit(one, score, score) for one, score in zip("abc", (0.6, 0.5, 0.4), strict=True)], bm25=[]
    )
    late = SearchSettings(rerank="late", rerank_depth=2, dense_share=1, rerank_share=0.5)
    ranking = ranked(first, {ChunkId("a"): 0.2, ChunkId("b"): 0.8, ChunkId("c"): 1.0}, late)
    assert names(ranking) == ["b", "a", "c"]
    assert [one.score for one in ranking] == pytest.approx([0.65, 0.4, 0.3])
    assert names(ranked(first, {ChunkId("b"): 0.8}, SearchSettings(dense_share=1))) == ["a", "b", "c"]


def test_with_all_the_share_the_fused_order_breaks_ties() -> None:
    """What was not looked at keeps its order."""
    first = FirstStages(
        dense=[hit(one, score, score) for one, score in zip("cba", (0.6, 0.5, 0.4), strict=True)], bm25=[]
    )
    alone = SearchSettings(rerank="late", rerank_depth=1, rerank_share=1)
    assert names(ranked(first, {ChunkId("c"): 0.5}, alone)) == ["c", "b", "a"]


def test_lists_that_were_found_deeper_are_cut() -> None:
    """So that one search serves measurements of any smaller depth."""
    deep = FirstStages(
        dense=[hit("a", 0.6, 0.6), hit("b", 0.5, 0.5)], bm25=[hit("c", 9, 0.1), hit("d", 8, 0.1)]
    )
    assert sorted(names(fused(deep, SearchSettings(depth=1)))) == ["a", "c"]
