"""What was embedded last is not embedded again, and is what it was."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.knowledge.embedding.recent_vectors import RecentVectors
from buttress.testing.embedding import HashedWords

ENTRY_BYTES = 64 * 4 + 400
"""Of a vector of `HashedWords`."""

TEXTS = st.lists(st.sampled_from(["roses", "moss", "a spade", "sun and shade", "", "\ud800"]))


def test_only_what_is_new_is_embedded_and_each_text_once() -> None:
    embedder, kept = HashedWords(), RecentVectors(1_000_000)
    kept.embed(embedder, "Which?", ["roses", "moss", "roses"])
    assert embedder.embedded == ["Which?", "roses", "moss"]
    kept.embed(embedder, "And?", ["moss", "tools"])
    assert embedder.embedded == ["Which?", "roses", "moss", "And?", "tools"]


def test_a_question_is_not_kept() -> None:
    embedder, kept = HashedWords(), RecentVectors(1_000_000)
    for _ in range(2):
        kept.embed(embedder, "roses", [])
    assert embedder.embedded == ["roses", "roses"]


def test_what_was_not_asked_for_for_longest_goes_first() -> None:
    embedder, kept = HashedWords(), RecentVectors(2 * ENTRY_BYTES)
    for text in ("roses", "moss", "roses", "tools"):
        kept.embed(embedder, "?", [text])
    embedder.embedded.clear()
    kept.embed(embedder, "?", ["roses"])
    assert embedder.embedded == ["?"]
    kept.embed(embedder, "?", ["moss"])
    assert embedder.embedded == ["?", "?", "moss"]


@pytest.mark.parametrize("most", [0, 2, 100], ids=["nothing kept", "a little kept", "all kept"])
@given(calls=st.lists(TEXTS, max_size=6))
def test_the_vectors_are_those_of_the_embedder(most: int, calls: list[list[str]]) -> None:
    kept, embedder = RecentVectors(most * ENTRY_BYTES), HashedWords()
    for texts in calls:
        assert np.array_equal(kept.embed(embedder, "moss", texts), HashedWords().embed(["moss", *texts]))


def test_many_threads_may_ask_at_once() -> None:
    embedder, kept = HashedWords(), RecentVectors(5 * ENTRY_BYTES)
    texts = [[f"text {number + more}" for more in range(8)] for number in range(40)]
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda some: kept.embed(embedder, "?", some), texts))
    for one, some in zip(found, texts, strict=True):
        assert np.array_equal(one, HashedWords().embed(["?", *some]))
