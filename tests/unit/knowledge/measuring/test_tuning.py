"""The choice of a recipe: out of fold, cautious, repeatable."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from buttress.kernel.chance import SeededChance
from buttress.kernel.ids import ChunkId
from buttress.knowledge.measuring.recipes import described, recipes
from buttress.knowledge.measuring.tuning import (
    FOLDS,
    choose_recipe,
    folds_of,
    scores_of,
    with_calibration,
)
from buttress.knowledge.measuring.types import Lists
from buttress.knowledge.ranking.order import scored
from buttress.knowledge.search_types import FirstStages, Hit
from buttress.knowledge.types import SearchSettings

DENSE, WORDS = ChunkId("dense"), ChunkId("words")
BY_WORDS = SearchSettings(dense_share=0.3)
RERANKED = SearchSettings(rerank="late", rerank_share=0.75)


def _lists(answer: ChunkId, number: int = 0, *, reranked: bool = False) -> Lists:
    """A query for which dense search likes one passage best, BM25 another, and `answer` is right."""
    dense = (Hit(0, DENSE, 0.9, 0.9), Hit(1, WORDS, 0.5, 0.5))
    bm25 = (Hit(1, WORDS, 9.0, 0.5), Hit(0, DENSE, 3.0, 0.9))
    return Lists(
        f"query {number}",
        FirstStages(dense, bm25),
        {answer: 0.9, DENSE if answer == WORDS else WORDS: 0.1} if reranked else None,
        {DENSE: ("dense.md",), WORDS: ("words.md",)},
        {f"{answer}.md": 1.0},
    )


def test_the_recipe_that_finds_more_is_chosen() -> None:
    lists = [_lists(WORDS, number) for number in range(30)]
    found = choose_recipe(lists, recipes("none", 50), SearchSettings(limit=9), SeededChance(1))
    assert not found.is_kept
    assert found.search.limit == 9
    assert all(scores_of(one, [found.search]) == [1] for one in lists)
    assert (found.count, found.gain.mean > 0.3, found.gain.low > 0) == (30, True, True)
    assert sum(found.folds.values()) == FOLDS


def test_a_re_ranker_is_used_where_it_helps() -> None:
    lists = [_lists(WORDS if number % 2 else DENSE, number, reranked=True) for number in range(40)]
    found = choose_recipe(lists, recipes("late", 50), SearchSettings(), SeededChance(1))
    assert found.search.rerank == "late"
    assert found.tuned.mean == 1


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param([DENSE] * 30, id="the default is right"),
        pytest.param([DENSE, WORDS] * 15, id="nothing is better on average"),
        pytest.param([DENSE] * 14 + [WORDS] * 15, id="a gain that luck gives"),
        pytest.param([WORDS], id="one query says nothing"),
        pytest.param([], id="no query at all"),
    ],
)
def test_the_default_is_kept(answers: list[ChunkId]) -> None:
    lists = [_lists(answer, number) for number, answer in enumerate(answers)]
    found = choose_recipe(lists, recipes("none", 50), SearchSettings(), SeededChance(1))
    assert (found.is_kept, found.search) == (True, SearchSettings())


def test_no_query_is_scored_by_what_it_chose_itself() -> None:
    """Where two queries of one fold alone gain by a recipe, all choose it; out of fold nobody does."""
    folds = folds_of(20, SeededChance(1))
    both = msgspec.structs.replace(_lists(WORDS), gains={"dense.md": 1.0, "words.md": 1.0})
    lists = [both if fold else _lists(WORDS, at) for at, fold in enumerate(folds)]
    found = choose_recipe(lists, [BY_WORDS], SearchSettings(), SeededChance(1))
    assert found.folds == {described(BY_WORDS): 9, described(SearchSettings()): 1}
    assert (found.gain.mean, found.is_kept) == (0, True)


@settings(max_examples=8, deadline=None)
@given(st.lists(st.sampled_from([DENSE, WORDS]), min_size=1, max_size=30), st.integers(0, 5))
def test_equal_queries_and_seeds_choose_the_same(answers: list[ChunkId], seed: int) -> None:
    lists = [_lists(answer, number) for number, answer in enumerate(answers)]
    tried = [BY_WORDS, SearchSettings(fusion="rrf")]
    first = choose_recipe(lists, tried, SearchSettings(), SeededChance(seed))
    assert choose_recipe(lists, tried, SearchSettings(), SeededChance(seed)) == first
    assert first.is_kept or first.gain.mean > 0


@pytest.mark.parametrize("rerank_depth", [1, 50])
def test_a_score_is_that_of_the_ranking_of_calls(rerank_depth: int) -> None:
    tried = [SearchSettings(), *recipes("late", rerank_depth)]
    lists = _lists(WORDS, reranked=True)
    rankings = [scored(lists.first, lists.reranked, one) for one in tried]
    first = [1.0 if ranking[0][0] == WORDS else pytest.approx(0.63093, abs=1e-5) for ranking in rankings]
    assert scores_of(lists, tried) == first


@given(st.integers(0, 200), st.integers(0, 5))
def test_folds_are_of_one_size(count: int, seed: int) -> None:
    folds = folds_of(count, SeededChance(seed))
    sizes = [folds.count(fold) for fold in range(FOLDS)]
    assert sum(sizes) == count
    assert max(sizes) - min(sizes) <= 1


def test_the_calibration_is_of_what_was_chosen() -> None:
    lists = [_lists(WORDS, number) for number in range(30)]
    found = choose_recipe(lists, recipes("none", 50), SearchSettings(), SeededChance(1))
    calibrated = with_calibration(found, lists).search.calibration
    assert calibrated is not None
    assert calibrated[1] > 0
