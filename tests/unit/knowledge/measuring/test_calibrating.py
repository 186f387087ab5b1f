"""Two numbers from scores and what answered: monotone, and never certain."""

from math import exp

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.kernel.chance import SeededChance
from buttress.knowledge.measuring.calibrating import Sample, fit

SAMPLES = st.lists(st.builds(Sample, st.floats(0, 1), st.booleans()), max_size=30)


def _probability(offset: float, slope: float, score: float) -> float:
    return 1 / (1 + exp(-(offset + slope * score)))


@given(SAMPLES)
def test_a_higher_score_is_never_less_probable(samples: list[Sample]) -> None:
    found = fit(samples)
    assert found is None or found[1] > 0


def test_the_curve_that_made_the_samples_is_found_again() -> None:
    chance = SeededChance(5)
    scores = [chance.fraction() for _ in range(4_000)]
    found = fit([Sample(one, chance.fraction() < _probability(-4.0, 8.0, one)) for one in scores])
    assert found is not None
    for score in (0.2, 0.5, 0.8):
        assert _probability(*found, score) == pytest.approx(_probability(-4.0, 8.0, score), abs=0.04)


@given(SAMPLES)
def test_the_mean_probability_is_about_the_share_that_answers(samples: list[Sample]) -> None:
    found = fit(samples)
    if found is None:
        return
    mean = sum(_probability(*found, one.score) for one in samples) / len(samples)
    share = sum(one.answers for one in samples) / len(samples)
    assert mean == pytest.approx(share, abs=2 / len(samples) + 0.01)


@pytest.mark.parametrize(
    "samples",
    [
        pytest.param([], id="nothing"),
        pytest.param([Sample(0.1, answers=True)] * 5, id="all answer"),
        pytest.param([Sample(0.5, answers=True), Sample(0.5, answers=False)], id="scores are all alike"),
        pytest.param(
            [Sample(0.1, answers=True), Sample(0.2, answers=True), Sample(0.9, answers=False)],
            id="the worse score answers",
        ),
    ],
)
def test_what_says_nothing_gives_nothing(samples: list[Sample]) -> None:
    assert fit(samples) is None


@pytest.mark.parametrize("gap", [1e-6, 1e6])
def test_what_no_declaration_takes_is_none(gap: float) -> None:
    """Scores so near to each other, or so far apart, that the slope would be out of its bounds."""
    assert fit([Sample(0.0, answers=False)] * 20 + [Sample(gap, answers=True)] * 20) is None


def test_a_perfect_split_stays_finite() -> None:
    found = fit([Sample(0.1, answers=False)] * 20 + [Sample(0.9, answers=True)] * 20)
    assert found is not None
    assert _probability(*found, 0.9) == pytest.approx(21 / 22, abs=0.01)
