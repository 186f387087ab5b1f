"""Far enough from better ones."""

from collections.abc import Sequence

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.knowledge.ports import Vectors
from buttress.knowledge.ranking.diversity import diverse
from buttress.knowledge.search_types import Candidate
from tests.unit.knowledge.passages import candidate


def scored(*scores: float) -> list[Candidate]:
    """Return candidates with these scores."""
    return [
        Candidate(msgspec.structs.replace(one.passage, score=score), one.searched)
        for one, score in ((candidate(str(place), place), score) for place, score in enumerate(scores))
    ]


def vectors(*angles: float) -> Vectors:
    """Return unit vectors at these angles, in degrees."""
    turned = np.radians(np.array(angles, np.float32))
    found: Vectors = np.stack([np.cos(turned), np.sin(turned)], axis=1)
    return found


def ids(chosen: Sequence[Candidate]) -> list[str]:
    """Return their ids."""
    return [one.passage.chunk_id for one in chosen]


@pytest.mark.parametrize(
    ("diversity", "expected"),
    [
        pytest.param(0.05, ["0", "1"], id="a little: the next best"),
        pytest.param(0.6, ["0", "2"], id="much: one of another kind"),
    ],
)
def test_what_is_near_to_a_better_one_loses(diversity: float, expected: list[str]) -> None:
    ranked = scored(0.9, 0.85, 0.6, 0.1)
    assert ids(diverse(ranked, vectors(0, 5, 80, 85), diversity, 2)) == expected


@given(
    st.lists(st.tuples(st.floats(0, 1), st.floats(0, 180)), max_size=12),
    st.floats(0, 0.99),
    st.integers(1, 15),
)
def test_the_best_is_always_chosen_and_the_order_kept(
    rows: list[tuple[float, float]], diversity: float, limit: int
) -> None:
    """As many as are asked for, each once."""
    rows = sorted(rows, reverse=True)
    ranked = scored(*(score for score, _ in rows))
    chosen = diverse(ranked, vectors(*(angle for _, angle in rows)), diversity, limit)
    assert chosen == [one for one in ranked if one in chosen]
    assert len(chosen) == min(limit, len(ranked))
    assert chosen[:1] == ranked[:1]
