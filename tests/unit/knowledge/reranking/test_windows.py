"""What of a document counts, and which are scored together."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.knowledge.reranking.windows import BATCH_CHARACTERS, batches, windowed


@pytest.mark.parametrize(
    ("ids", "limit", "expected"),
    [
        pytest.param([101, 1, 2, 102], 4, [101, 1, 2, 102], id="what fits stays as it is"),
        pytest.param([101, 1, 2, 3, 102], 4, [101, 1, 2, 102], id="the end of a longer one is kept"),
        pytest.param([101, 1, 102], 1, [102], id="one token"),
        pytest.param([], 4, [], id="nothing"),
    ],
)
def test_a_window(ids: Sequence[int], limit: int, expected: Sequence[int]) -> None:
    assert list(windowed(ids, limit)) == expected


def test_the_longest_come_first_and_the_short_ones_together() -> None:
    assert list(batches([3, 9_000, 2_000, 5, 1_990], 4_000)) == [[1], [2, 4, 3, 0]]


@given(st.lists(st.integers(0, 3 * BATCH_CHARACTERS), max_size=60))
def test_every_document_is_in_one_batch_within_the_bound(lengths: list[int]) -> None:
    made = list(batches(lengths))
    assert sorted(place for batch in made for place in batch) == list(range(len(lengths)))
    assert all(
        sum(lengths[place] for place in batch) <= BATCH_CHARACTERS or len(batch) == 1 for batch in made
    )
