"""A score out of token vectors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.knowledge.ports import Vectors
from buttress.knowledge.reranking.maxsim import maxsim

A, B, C = np.eye(3, dtype=np.float32)
HALF = np.array([0.8, 0.6, 0.0], np.float32)


@pytest.mark.parametrize(
    ("query", "document", "score"),
    [
        pytest.param([A, B], [B, C, A], 1.0, id="every token of the query is there"),
        pytest.param([A, B], [A, C, C], 0.5, id="one of two is"),
        pytest.param([A], [HALF, C], 0.8, id="the nearest one counts"),
        pytest.param([A, B], [HALF], 0.7, id="one token may serve two"),
        pytest.param([A], [C], 0.0, id="nothing in common"),
        pytest.param([A], [-A], 0.0, id="the opposite is no less than nothing"),
    ],
)
def test_the_mean_of_the_nearest(query: list[Vectors], document: list[Vectors], score: float) -> None:
    assert maxsim(np.array(query), np.array(document)) == pytest.approx(score)


@pytest.mark.parametrize(("query", "document"), [(0, 2), (2, 0), (0, 0)])
def test_without_tokens_there_is_no_score(query: int, document: int) -> None:
    assert maxsim(np.zeros((query, 3), np.float32), np.zeros((document, 3), np.float32)) == 0


@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(1, 9))
def test_more_of_a_document_never_scores_less(seed: int, asked: int, said: int) -> None:
    """A further token can only be nearer; and no order of tokens counts."""
    rows = np.random.default_rng(seed).normal(size=(asked + said, 5)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    query, document = rows[:asked], rows[asked:]
    score = maxsim(query, document)
    assert maxsim(query, document[:-1]) - 1e-6 <= score <= 1
    assert maxsim(query[::-1], document[::-1]) == pytest.approx(score, abs=1e-6)
