"""Intervals: what they hold, that they repeat, and what they are of nothing."""

from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from buttress.kernel.chance import SeededChance
from buttress.kernel.statistics import bootstrap, paired, quantile, standard_error

VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=12)
FEW = settings(max_examples=20, deadline=None)


@FEW
@given(VALUES, st.integers(0, 9))
def test_the_mean_lies_between_values_that_occur(values: list[float], seed: int) -> None:
    found = bootstrap(values, SeededChance(seed))
    assert min(values) - 1e-9 <= found.low <= found.high <= max(values) + 1e-9
    assert found.mean == fmean(values)


@FEW
@given(VALUES, st.integers(0, 9))
def test_equal_seeds_give_equal_intervals(values: list[float], seed: int) -> None:
    assert bootstrap(values, SeededChance(seed)) == bootstrap(values, SeededChance(seed))


@FEW
@given(VALUES)
def test_nothing_is_gained_on_itself(values: list[float]) -> None:
    found = paired(values, values, SeededChance(1))
    assert (found.mean, found.low, found.high) == (0, 0, 0)


def test_the_interval_of_coin_throws_is_that_of_the_binomial() -> None:
    found = bootstrap([0.0, 1.0] * 200, SeededChance(3))
    assert found.mean == 0.5
    assert found.low == pytest.approx(0.5 - 1.96 * 0.025, abs=0.006)
    assert found.high == pytest.approx(0.5 + 1.96 * 0.025, abs=0.006)


def test_pairs_tell_more_than_two_means() -> None:
    theirs = [number / 100 for number in range(100)]
    ours = [value + 0.01 for value in theirs]
    found = paired(ours, theirs, SeededChance(1))
    assert 0.0099 < found.low <= found.high < 0.0101


def test_what_is_said_of_nothing() -> None:
    assert bootstrap([], SeededChance(1)).high == 0
    assert standard_error([0.5]) == float("inf")
    assert quantile([], 0.5) == 0


def test_the_standard_error_of_a_mean() -> None:
    assert standard_error([0.0, 1.0, 0.0, 1.0]) == pytest.approx(0.288675, abs=1e-6)


@pytest.mark.parametrize(
    ("share", "value"),
    [
        pytest.param(0.0, 1, id="the least"),
        pytest.param(0.5, 2, id="half of four is two of them"),
        pytest.param(0.51, 3, id="a little more takes the next"),
        pytest.param(0.95, 4, id="nearly all"),
        pytest.param(1.0, 4, id="all"),
    ],
)
def test_quantiles(share: float, value: float) -> None:
    assert quantile([1, 2, 3, 4], share) == value
