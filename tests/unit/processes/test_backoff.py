"""How long to wait before the next start."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.processes.backoff import FIRST_S, LONGEST_S, restart_delay_s


@pytest.mark.parametrize(
    ("failures", "delay_s"),
    [
        pytest.param(1, 0.25, id="the first failure costs little"),
        pytest.param(2, 0.5, id="then it doubles"),
        pytest.param(7, 16.0, id="and doubles"),
        pytest.param(8, 30.0, id="up to half a minute"),
        pytest.param(10**9, 30.0, id="and stays there"),
    ],
)
def test_delays(failures: int, delay_s: float) -> None:
    """Seconds after so many starts in a row that did not last."""
    assert restart_delay_s(failures) == delay_s


@given(st.integers(1, 10**6))
def test_a_delay_never_shrinks_and_is_bounded(failures: int) -> None:
    """So a child that cannot live costs ever less, and comes back when it can."""
    assert FIRST_S <= restart_delay_s(failures) <= restart_delay_s(failures + 1) <= LONGEST_S
