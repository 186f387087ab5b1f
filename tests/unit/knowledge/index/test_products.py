"""Products of vectors."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from buttress.knowledge.index.products import cosines, every_product


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 60), st.integers(0, 9), st.sampled_from([1, 7, 3_000]))
def test_they_are_what_they_are_called(seed: int, rows: int, columns: int, numbers: int) -> None:
    """Whether they are made at once or in parts."""
    chance = np.random.default_rng(seed)
    left = chance.normal(size=(rows, numbers)).astype(np.float32)
    right = chance.normal(size=(columns, numbers)).astype(np.float32)
    assert every_product(left, right) == pytest.approx(left @ right.T, rel=1e-3, abs=1e-2)
    for place, one in enumerate(right):
        assert cosines(left, one) == pytest.approx((left @ right.T)[:, place], rel=1e-3, abs=1e-2)
