"""Whether anything found has to do with the question."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from buttress.guardrails.relevance import is_relevant
from buttress.guardrails.settings import RelevanceThresholds
from buttress.kernel.passages import Passage
from buttress.testing.passages import a_passage

THRESHOLDS = RelevanceThresholds(cosine=0.45, cosine_with_words=0.30, coverage=0.6)


def passage(cosine: float, coverage: float) -> Passage:
    return a_passage("x", document="a.md", title="A", end=1, score=9.0, cosine=cosine, coverage=coverage)


@pytest.mark.parametrize(
    ("found", "relevant"),
    [
        pytest.param([], False, id="nothing found"),
        pytest.param([(0.45, 0.0)], True, id="near enough without a common word"),
        pytest.param([(0.44, 0.0)], False, id="not near enough"),
        pytest.param([(0.30, 0.6)], True, id="less near, with common words"),
        pytest.param([(0.30, 0.59)], False, id="less near, with too few of them"),
        pytest.param([(0.29, 1.0)], False, id="words alone are not enough"),
        pytest.param([(0.1, 0.1), (0.9, 0.0)], True, id="one of several is enough"),
        pytest.param([(0.40, 0.1), (0.1, 0.9)], False, id="two halves are none"),
        pytest.param([(float("nan"), 1.0)], False, id="an unknown cosine is not near"),
    ],
)
def test_is_relevant(found: list[tuple[float, float]], *, relevant: bool) -> None:
    assert is_relevant([passage(*one) for one in found], THRESHOLDS) == relevant


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.floats(-1, 1), st.floats(0, 1)), max_size=5), st.floats(-1, 1), st.floats(0, 1))
def test_more_passages_never_make_it_less_relevant(
    found: list[tuple[float, float]], cosine: float, coverage: float
) -> None:
    passages = [passage(*one) for one in found]
    more = [*passages, passage(cosine, coverage)]
    assert is_relevant(more, THRESHOLDS) >= is_relevant(passages, THRESHOLDS)
