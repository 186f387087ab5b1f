"""Metrics of rankings: known values, bounds, and what they do when something better comes first."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.kernel.chance import SeededChance
from buttress.knowledge.measuring.metrics import NDCG, mean_metrics, metrics_of

ITEMS = st.lists(st.sampled_from("abcdefghij"), unique=True, max_size=10)
GAINS = st.dictionaries(st.sampled_from("abcdefghij"), st.sampled_from([1.0, 2.0]), min_size=1)


@pytest.mark.parametrize(
    ("ranked", "name", "value"),
    [
        pytest.param("ab", NDCG, 1.0, id="both first"),
        pytest.param("xa", "MRR", 0.5, id="the second place counts half"),
        pytest.param("xa", "hit@1", 0.0, id="nothing at the top"),
        pytest.param("xa", "hit@5", 1.0, id="something among five"),
        pytest.param("xa", "recall@5", 0.5, id="one of two"),
        pytest.param("xyzuvwab", "recall@5", 0.0, id="too far down"),
        pytest.param("xyzuvwab", "recall@10", 1.0, id="far enough up"),
        pytest.param("", "MRR", 0.0, id="nothing found"),
    ],
)
def test_of_two_that_answer(ranked: str, name: str, value: float) -> None:
    assert metrics_of(list(ranked), {"a": 1.0, "b": 1.0})[name] == pytest.approx(value)


@given(ITEMS, GAINS)
def test_all_lie_between_0_and_1(ranked: list[str], gains: dict[str, float]) -> None:
    assert all(0 <= value <= 1 + 1e-9 for value in metrics_of(ranked, gains).values())


@given(ITEMS, GAINS, st.data())
def test_moving_an_answer_up_lowers_nothing(
    ranked: list[str], gains: dict[str, float], data: st.DataObject
) -> None:
    places = [place for place, item in enumerate(ranked) if place and item in gains]
    if not places or len(set(gains.values())) > 1:
        return
    place = data.draw(st.sampled_from(places))
    moved = [ranked[place], *ranked[:place], *ranked[place + 1 :]]
    before, after = metrics_of(ranked, gains), metrics_of(moved, gains)
    assert all(after[name] >= before[name] - 1e-9 for name in before)


def test_means_carry_their_interval() -> None:
    means = mean_metrics([metrics_of(["a"], {"a": 1.0}), metrics_of(["x"], {"a": 1.0})], SeededChance(1))
    assert (means["hit@1"].mean, means["hit@1"].low, means["hit@1"].high) == (0.5, 0.0, 1.0)
    assert mean_metrics([], SeededChance(1)) == {}
