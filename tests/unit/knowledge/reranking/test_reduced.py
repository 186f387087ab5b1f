"""Token vectors as they are stored with a chunk."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.knowledge.ports import Vectors
from buttress.knowledge.reranking.maxsim import maxsim
from buttress.knowledge.reranking.reduced import MOST_BYTES, reduced, similarities

DIMENSIONS = 384


def directions(seed: int, count: int, dimensions: int = DIMENSIONS) -> Vectors:
    """Return so many unit vectors."""
    rows = np.random.default_rng(seed).normal(size=(count, dimensions)).astype(np.float32)
    vectors: Vectors = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return vectors


@given(st.integers(0, 2**32 - 1), st.integers(1, 600), st.sampled_from([1, 5, 8, 384, 1024]))
def test_no_text_takes_more_than_is_promised(seed: int, tokens: int, dimensions: int) -> None:
    """However long it is, and whatever the model."""
    stored = reduced(directions(seed, tokens, dimensions))
    assert 0 < len(stored) <= MOST_BYTES
    assert len(stored) % -(-dimensions // 8) == 0


@pytest.mark.parametrize("dimensions", [384, 100])
def test_a_score_is_near_to_that_of_the_whole_vectors(dimensions: int) -> None:
    """From a text that has nothing in common with the question to one that holds all of it."""
    query, said = directions(1, 6, dimensions), directions(2, 40, dimensions)
    documents = [np.concatenate([said[:20], query[:held], said[20:]]) for held in range(7)]
    whole = [maxsim(query, one) for one in documents]
    stored = similarities(query, [reduced(one) for one in documents])
    assert stored == sorted(stored)
    assert stored == pytest.approx(whole, abs=0.12)


def test_a_score_depends_on_its_text_alone() -> None:
    """Neither on the others nor on their order."""
    query = directions(1, 5)
    texts = [reduced(directions(seed, tokens)) for seed, tokens in ((2, 1), (3, 30), (4, 300), (5, 7))]
    together = similarities(query, texts)
    assert similarities(query, texts[::-1]) == pytest.approx(together[::-1], abs=1e-5)
    assert [similarities(query, [one])[0] for one in texts] == pytest.approx(together, abs=1e-5)
    assert all(0 <= one <= 1 for one in together)


def test_of_a_long_text_what_is_said_again_and_again_becomes_one() -> None:
    """What stands out in it is kept."""
    common, rare = directions(1, 1), directions(2, 1)
    long = np.concatenate([np.repeat(common, 300, axis=0), rare, np.repeat(common, 300, axis=0)])
    held, missing = similarities(rare, [reduced(long), reduced(long[:300])])
    assert held > missing + 0.5


def test_without_tokens_there_is_nothing_to_compare() -> None:
    """Of the question, or of anything."""
    assert similarities(directions(1, 1)[:0], [reduced(directions(1, 3))]) == [0.0]
    assert similarities(directions(1, 3), []) == []
