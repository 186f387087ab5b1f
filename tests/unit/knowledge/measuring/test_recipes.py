"""Recipes: each once, the default among them, and what of a search they change."""

import msgspec
import pytest

from buttress.knowledge.measuring.recipes import described, recipes, tuned
from buttress.knowledge.types import SearchSettings


@pytest.mark.parametrize("rerank", ["none", "late"])
def test_each_is_tried_once_and_the_default_is_one(rerank: str) -> None:
    tried = recipes("late" if rerank == "late" else "none", 7)
    assert SearchSettings() in tried
    assert len({described(one) for one in tried}) == len(tried) <= 150
    assert {one.rerank for one in tried} == {"none", rerank}
    assert all(one.rerank_depth == 7 for one in tried if one.rerank == "late")


def test_what_is_not_tuned_stays() -> None:
    search = SearchSettings(limit=9, min_score=0.2, calibration=(-1.0, 2.0))
    found = tuned(search, SearchSettings(fusion="rrf", rrf_k=60))
    assert found == msgspec.structs.replace(search, fusion="rrf", rrf_k=60, calibration=None)


def test_a_calibration_stays_with_its_recipe() -> None:
    search = SearchSettings(limit=9, fusion="rrf", calibration=(-1.0, 2.0))
    assert tuned(search, SearchSettings(fusion="rrf")) == search


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        pytest.param(SearchSettings(), "blend 0.7, 100 of each", id="the default"),
        pytest.param(
            SearchSettings(fusion="rrf", dense_share=0.5, rerank="late"),
            "rrf 0.5 k=10, 100 of each, late 0.5",
            id="ranks and a re-ranker",
        ),
    ],
)
def test_a_recipe_in_words(recipe: SearchSettings, words: str) -> None:
    assert described(recipe) == words
