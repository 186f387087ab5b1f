"""`watch.rules`: when a target is missed, when it is kept again, and how long is waited between tries."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.kernel.usage import NanoDollars
from buttress.watch.rules import (
    LONGEST_RETRY_S,
    Missed,
    cost_reading,
    goes_on,
    is_missed,
    latency_reading,
    missed_alerts,
    retry_delay_s,
)

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
NEVER = datetime(9999, 1, 1, tzinfo=UTC)
TARGET = NanoDollars(20_000_000)


@pytest.mark.parametrize(
    ("mean", "calls", "missed", "going_on"),
    [
        pytest.param(20_000_000, 100, False, True, id="at the target it is kept, and not well below"),
        pytest.param(20_000_001, 100, True, True, id="above it is missed"),
        pytest.param(16_000_001, 100, False, True, id="a swing below does not end it"),
        pytest.param(16_000_000, 100, False, False, id="well below ends it"),
        pytest.param(90_000_000, 19, False, False, id="few calls say nothing"),
        pytest.param(0, 0, False, False, id="no calls"),
    ],
)
def test_a_target_is_missed_above_and_kept_well_below(
    mean: float, calls: int, *, missed: bool, going_on: bool
) -> None:
    reading = cost_reading("support", TARGET, mean=mean, calls=calls, unpriced=0, over_s=3_600)
    assert (is_missed(reading, 20), goes_on(reading, 20)) == (missed, going_on)


@given(st.floats(0, 1e12), st.integers(0, 1_000))
def test_what_is_missed_always_goes_on(mean: float, calls: int) -> None:
    reading = cost_reading("support", TARGET, mean=mean, calls=calls, unpriced=0, over_s=3_600)
    assert goes_on(reading, 20) or not is_missed(reading, 20)


def test_an_alert_says_the_figures_and_what_nobody_knows() -> None:
    reading = cost_reading("support", TARGET, mean=31_000_000.4, calls=1_200, unpriced=7, over_s=3_600)
    (found,) = missed_alerts([reading], 20, NOW, NEVER)
    assert found.text == (
        "support: $0.031000 per interaction, the target is $0.020000 "
        "(1,200 calls in 60 minutes; of 7 more nobody knows the cost)"
    )
    assert (found.kind, found.mark) == ("cost", "$0.020000 per interaction")
    assert (found.window_start, found.quiet_until) == (NOW, NEVER)
    assert found.figures["mean_nanodollars"] == 31_000_000


@pytest.mark.parametrize(("missed", "told"), [(5, False), (6, True)])
def test_latency_is_a_share_of_calls(missed: int, *, told: bool) -> None:
    limit = Missed(limit="first_token_ms", budget_ms=1_500, missed=missed, calls=100)
    reading = latency_reading("support", limit, 5.0, 3_600)
    assert is_missed(reading, 20) is told
    assert reading.text == (
        f"support: {missed:.1f} % of its calls missed first_token_ms of 1,500 ms, more than 5 % "
        "(100 calls in 60 minutes)"
    )


def test_a_limit_that_no_call_had_is_kept() -> None:
    none = Missed(limit="total_ms", budget_ms=1_500, missed=0, calls=0)
    assert not is_missed(latency_reading("support", none, 5.0, 3_600), 1)


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_each_wait_is_longer_up_to_an_hour_and_never_none(tries: int, fraction: float) -> None:
    assert 2.5 <= retry_delay_s(tries, fraction) <= LONGEST_RETRY_S
    assert retry_delay_s(tries + 1, 0.0) >= retry_delay_s(tries, 0.0)
