"""One ranking out of two."""

from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.kernel.ids import ChunkId
from buttress.knowledge.ranking.fusion import Ranking, blend, dbsf, rrf

Fused = list[tuple[ChunkId, float]]
Fuse = Callable[[Ranking, Ranking], Fused]


def ranking(**scores: float) -> Ranking:
    """Return a ranking of chunks by their scores."""
    return sorted(((ChunkId(one), score) for one, score in scores.items()), key=lambda item: -item[1])


every_fusion = pytest.mark.parametrize(
    "fuse",
    [
        pytest.param(partial(rrf, dense_share=0.5, k=10), id="rrf"),
        pytest.param(partial(rrf, dense_share=0.3, k=60), id="rrf, weighted"),
        pytest.param(partial(dbsf, dense_share=0.5), id="dbsf"),
        pytest.param(partial(dbsf, dense_share=0.7), id="dbsf, weighted"),
        pytest.param(partial(blend, dense_share=0.7), id="blend"),
    ],
)
rankings = st.dictionaries(
    st.sampled_from([ChunkId(one) for one in "abcdefgh"]), st.floats(0.01, 40), min_size=1
).map(lambda scores: sorted(scores.items(), key=lambda item: (-item[1], item[0])))


@every_fusion
@given(one=rankings, other=rankings)
def test_all_that_was_found_is_ranked_once(fuse: Fuse, one: Ranking, other: Ranking) -> None:
    """Best first, and the same again."""
    fused = fuse(one, other)
    assert {chunk for chunk, _ in fused} == {chunk for chunk, _ in (*one, *other)}
    assert len(fused) == len({chunk for chunk, _ in fused})
    assert [score for _, score in fused] == sorted((score for _, score in fused), reverse=True)
    assert fuse(one, other) == fused


@every_fusion
def test_what_both_put_first_is_first(fuse: Fuse) -> None:
    fused = fuse(ranking(a=0.9, b=0.5, c=0.4), ranking(a=12, c=5, d=3))
    assert fused[0][0] == "a"


@every_fusion
def test_ties_are_broken_by_id(fuse: Fuse) -> None:
    fused = fuse(ranking(c=0.5, a=0.5, b=0.5), [])
    if len({score for _, score in fused}) == 1:
        assert [one for one, _ in fused] == ["a", "b", "c"]


@every_fusion
def test_nothing_found_is_nothing_ranked(fuse: Fuse) -> None:
    assert fuse([], []) == []


def test_rank_counts_and_score_does_not() -> None:
    one = rrf(ranking(a=0.9, b=0.1), ranking(b=3, a=2), 0.5, 10)
    assert one[0][1] == pytest.approx(one[1][1])
    assert one[0][1] == pytest.approx(0.5 * (1 + 10 / 11))


def test_the_larger_k_the_less_the_first_ranks_tell() -> None:
    second = [rrf(ranking(a=3, b=2), [], 1, k)[1][1] for k in (1, 60)]
    assert second == pytest.approx([1 / 2, 60 / 61])


@pytest.mark.parametrize("fuse", [partial(rrf, k=10), dbsf, blend])
@given(one=rankings, other=rankings)
def test_a_list_without_weight_decides_nothing(
    fuse: Callable[[Ranking, Ranking, float], Fused], one: Ranking, other: Ranking
) -> None:
    """All of the dense list's weight: its order stands first, whatever BM25 says."""
    fused = [chunk for chunk, score in fuse(one, other, 1.0) if score > 0]
    expected = [chunk for chunk, _ in fuse(one, [], 1.0)]
    assert [chunk for chunk in fused if chunk in dict(one)] == [one for one in expected if one in fused]


def test_a_passage_that_stands_out_keeps_its_lead() -> None:
    """Cut at three deviations, the exact match would tie with whatever is near the top of the other list."""
    exact = ranking(**{f"x{number}": 1.0 + number / 100 for number in range(50)}, exact=60)
    near = ranking(**{f"x{number}": 0.5 + number / 1_000 for number in range(50)})
    fused = dbsf(near, exact, 0.5)
    assert fused[0][0] == "exact"
    assert fused[0][1] > 0.5


def test_a_list_without_a_difference_counts_half() -> None:
    assert dbsf([], ranking(a=3, b=3), 0.4) == [("a", 0.3), ("b", 0.3)]


def test_blended_scores_are_cosines_and_shares() -> None:
    fused = dict(blend(ranking(a=0.5, b=0.4), ranking(b=10, a=5), 0.7))
    assert fused == pytest.approx({"a": 0.7 * 0.5 + 0.3 * 0.5, "b": 0.7 * 0.4 + 0.3})
