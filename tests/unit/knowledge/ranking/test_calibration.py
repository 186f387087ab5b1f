"""From a ranking's score to a probability."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.knowledge.ranking.calibration import MEASURED, calibrated, calibration_of
from buttress.knowledge.types import Fusion, SearchSettings

numbers = st.floats(-1_000, 1_000)


@given(st.sampled_from(sorted(MEASURED)), numbers, numbers)
def test_a_probability_that_rises_with_the_score(
    recipe: tuple[Fusion, bool], one: float, other: float
) -> None:
    """Whatever is asked: between 0 and 1, and no order changes."""
    fusion, is_reranked = recipe
    settings = SearchSettings(fusion=fusion, rerank="late" if is_reranked else "none")
    low, high = (calibrated(score, settings, is_reranked=is_reranked) for score in sorted((one, other)))
    assert 0 <= low <= high <= 1


@given(st.floats(-1_000, 1_000), st.floats(0, 1_000, exclude_min=True), numbers)
def test_any_declared_numbers_give_a_probability(offset: float, slope: float, score: float) -> None:
    settings = SearchSettings(calibration=(offset, slope))
    assert 0 <= calibrated(score, settings, is_reranked=False) <= 1


def test_there_is_one_for_every_recipe() -> None:
    assert set(MEASURED) == {(fusion, flag) for fusion in get_args(Fusion) for flag in (True, False)}


def test_a_knowledge_bases_own_numbers_are_of_its_whole_recipe() -> None:
    """Where the re-ranker was left out, what was measured without one counts."""
    late = SearchSettings(rerank="late", calibration=(-1, 2))
    assert calibration_of(late, is_reranked=True) == (-1, 2)
    assert calibration_of(late, is_reranked=False) == MEASURED["blend", False]
    assert calibrated(0.5, late, is_reranked=True) == pytest.approx(0.5)
