"""When a knowledge base is synced by itself."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.knowledge.syncing.schedule import LONGEST_S, SOON_S, LastSync, next_sync
from buttress.testing.clock import NOON


def last(failures: int = 0, *, is_over: bool = True) -> LastSync:
    """Return a sync that began at noon."""
    ended_at = NOON + timedelta(seconds=5) if is_over else None
    return LastSync(knowledge="garden", began_at=NOON, ended_at=ended_at, failures=failures)


@pytest.mark.parametrize(
    ("every_s", "before", "wait_s"),
    [
        pytest.param(900, last(), 900, id="after a good one"),
        pytest.param(900, last(1), 1_800, id="after a failure"),
        pytest.param(900, last(2), 3_600, id="after two"),
        pytest.param(900, last(50), LONGEST_S, id="after fifty"),
        pytest.param(86_400, last(3), 86_400, id="every day, after three"),
        pytest.param(900, last(1, is_over=False), SOON_S, id="one that was killed"),
        pytest.param(900, last(3, is_over=False), 4 * SOON_S, id="one that was killed again and again"),
        pytest.param(900, last(9, is_over=False), 900, id="for ever"),
        pytest.param(10, last(9, is_over=False), SOON_S, id="for ever, where it is often"),
    ],
)
def test_the_next_one(every_s: float, before: LastSync, wait_s: float) -> None:
    assert next_sync(every_s, before) == NOON + timedelta(seconds=wait_s)


def test_the_first_one_is_due_at_once() -> None:
    assert next_sync(900, None) is None


@given(st.floats(10, 1e7), st.integers(0, 1_000), st.booleans())
def test_failures_put_it_off_and_never_for_ever(every_s: float, failures: int, is_over: bool) -> None:  # noqa: FBT001 - drawn
    wait_s = (next_sync(every_s, last(failures, is_over=is_over)) or NOON) - NOON
    assert timedelta(0) < wait_s <= timedelta(seconds=max(every_s, LONGEST_S) + 1)
    more = (next_sync(every_s, last(failures + 1, is_over=is_over)) or NOON) - NOON
    assert failures == 0 or more >= wait_s
