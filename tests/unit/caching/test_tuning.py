"""The threshold for questions that mean the same: no lower than the pairs can show."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from buttress.caching.tuning import CONFIDENCE, THRESHOLDS, Judged, Pair, read_pairs, tune, upper_bound


@pytest.mark.parametrize(
    ("events", "trials", "error", "bound"),
    [  # from tables of the exact binomial limits
        pytest.param(0, 299, 0.05, 0.00997, id="the rule of three hundred"),
        pytest.param(0, 10, 0.05, 0.2589, id="ten without any"),
        pytest.param(1, 10, 0.025, 0.4450, id="one of ten"),
        pytest.param(5, 100, 0.025, 0.1128, id="five of a hundred"),
        pytest.param(10, 10, 0.05, 1.0, id="all"),
        pytest.param(0, 0, 0.05, 1.0, id="nothing was tried"),
    ],
)
def test_the_bound_is_the_exact_one(events: int, trials: int, error: float, bound: float) -> None:
    assert upper_bound(events, trials, error) == pytest.approx(bound, abs=1e-4)


@settings(deadline=None)
@given(st.integers(0, 400), st.integers(0, 400), st.sampled_from([0.05, 0.003]))
def test_it_is_above_what_was_seen_and_rises_with_it(events: int, more: int, error: float) -> None:
    trials = events + more
    bound = upper_bound(events, trials, error)
    assert bound >= (events / trials if trials else 1.0)
    assert bound <= upper_bound(min(events + 1, trials), trials, error)
    assert bound >= upper_bound(events, trials + 1, error)


def judged(same: int, false: int, differing: int = 0, cosine: float = 0.9) -> list[Judged]:
    """Return pairs of one cosine."""
    return [
        *[Judged(cosine, differs=False, same=True)] * same,
        *[Judged(cosine, differs=False, same=False)] * false,
        *[Judged(cosine, differs=True, same=False)] * differing,
    ]


def test_the_lowest_threshold_that_is_safe_is_chosen() -> None:
    pairs = [*judged(900, 0, cosine=0.95), *judged(100, 40, cosine=0.8)]
    tuning = tune(pairs, 0.01)
    assert tuning.chosen is not None
    assert tuning.chosen.threshold == 0.82
    assert (tuning.chosen.hits, tuning.chosen.false, tuning.chosen.recall) == (900, 0, 0.9)
    assert tuning.chosen.at_most <= 0.01
    assert [one.threshold for one in tuning.tried] == list(THRESHOLDS)


def test_what_verifying_tells_apart_is_no_hit() -> None:
    tuning = tune(judged(700, 0, differing=500), 0.01)
    assert tuning.chosen is not None
    assert tuning.chosen.false == 0


def test_too_few_pairs_show_nothing_and_it_is_said_how_many_would() -> None:
    tuning = tune(judged(100, 0), 0.01)
    assert tuning.chosen is None
    assert tuning.needed == 568
    assert tune(judged(tuning.needed, 0), 0.01).chosen
    assert tune(judged(tuning.needed - 1, 0), 0.01).chosen is None


def test_without_pairs_nothing_is_chosen() -> None:
    assert tune([], 0.01).chosen is None


@settings(deadline=None)
@given(st.integers(0, 20), st.integers(300, 3_000), st.sampled_from([0.01, 0.05]))
def test_whatever_is_chosen_keeps_the_bound(false: int, same: int, most: float) -> None:
    chosen = tune(judged(same, false), most).chosen
    if chosen:
        assert upper_bound(chosen.false, chosen.hits, 1 - CONFIDENCE) <= most


def test_pairs_are_read() -> None:
    text = '{"a": "x", "b": "y", "same": true}\n\n{"a": "x", "b": "z", "same": false}\n'
    assert read_pairs(text) == [Pair("x", "y", same=True), Pair("x", "z", same=False)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param('{"a": "x", "b": "y", "same": true}\n{"a": "x"}', "line 2", id="a line that lacks one"),
        pytest.param("no JSON", "line 1", id="no JSON"),
        pytest.param('{"a": "x", "b": "y", "same": 1}', "bool", id="another kind of label"),
        pytest.param('{"a": "x", "b": "y", "same": true}', "1 pairs", id="of one kind"),
        pytest.param("", "0 pairs", id="nothing"),
    ],
)
def test_what_is_wrong_is_said(text: str, said: str) -> None:
    found = read_pairs(text)
    assert isinstance(found, str)
    assert said in found
