"""Scores of rankings: known values, and their bounds."""

from math import log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.kernel.scores import ndcg, recall, reciprocal_rank

ITEMS = st.lists(st.sampled_from("abcdefghij"), unique=True)
GAINS = st.dictionaries(st.sampled_from("abcdefghij"), st.sampled_from([0.0, 1.0, 2.0]))


@pytest.mark.parametrize(
    ("ranked", "value"),
    [
        pytest.param("xab", (1 / log2(3) + 1 / log2(4)) / (1 + 1 / log2(3)), id="one too low each"),
        pytest.param("abx", 1.0, id="best possible"),
        pytest.param("xyz", 0.0, id="none found"),
        pytest.param("", 0.0, id="nothing returned"),
    ],
)
def test_ndcg_of_two_relevant_items(ranked: str, value: float) -> None:
    assert ndcg(list(ranked), {"a": 1, "b": 1}) == pytest.approx(value)


def test_recall_and_reciprocal_rank() -> None:
    gains = {"a": 1.0, "b": 2.0, "c": 0.0}
    assert recall(["x", "a", "c"], gains, 3) == 0.5
    assert recall(["x", "a"], {}, 3) == 0
    assert reciprocal_rank(["c", "b", "a"], gains) == 0.5
    assert reciprocal_rank(["x"], gains) == 0


@given(ITEMS, GAINS)
def test_scores_stay_between_0_and_1(ranked: list[str], gains: dict[str, float]) -> None:
    for value in (ndcg(ranked, gains), recall(ranked, gains, 10), reciprocal_rank(ranked, gains)):
        assert 0 <= value <= 1 + 1e-9


@given(GAINS)
def test_the_ideal_order_scores_1_when_anything_is_relevant(gains: dict[str, float]) -> None:
    ideal = sorted(gains, key=lambda item: -gains[item])
    assert ndcg(ideal, gains) == pytest.approx(1.0 if any(gains.values()) else 0.0)
