"""`models.billing`."""

from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.kernel.usage import NanoDollars, Usage
from buttress.models.billing import busy_ms, sums_of, total_cost, total_usage
from buttress.models.types import Attempt
from buttress.testing.clock import NOON

ATTEMPT = Attempt(
    model="m",
    provider="p",
    started_at=NOON,
    first_token_ms=None,
    duration_ms=1.0,
    usage=Usage(input=1, output=2),
    cost=NanoDollars(3),
    outcome="answered",
    error_code=None,
)


def changed(**changes: object) -> Attempt:
    return msgspec.structs.replace(ATTEMPT, **changes)


@pytest.mark.parametrize(
    ("costs", "total"),
    [
        pytest.param([], 0, id="nothing was asked"),
        pytest.param([1, 2], 3, id="all are known"),
        pytest.param([1, None, 2], None, id="one is not: neither is the sum"),
    ],
)
def test_the_cost_of_all_is_known_when_each_is(costs: list[int | None], total: int | None) -> None:
    attempts = [
        msgspec.structs.replace(ATTEMPT, cost=None if cost is None else NanoDollars(cost)) for cost in costs
    ]
    assert total_cost(attempts) == total


@pytest.mark.parametrize(
    ("spans", "busy"),
    [
        pytest.param([], 0, id="nothing was asked"),
        pytest.param([(0, 5)], 5, id="one"),
        pytest.param([(0, 5), (7, 2)], 7, id="one after the other"),
        pytest.param([(0, 5), (3, 4)], 7, id="a hedge, beside each other for a while"),
        pytest.param([(0, 9), (3, 4)], 9, id="one within the other"),
        pytest.param([(7, 2), (0, 5), (1, 1)], 7, id="in any order"),
    ],
)
def test_time_that_attempts_spend_beside_each_other_counts_once(
    spans: list[tuple[int, int]], busy: float
) -> None:
    attempts = [
        msgspec.structs.replace(
            ATTEMPT, started_at=NOON + timedelta(milliseconds=began), duration_ms=float(took)
        )
        for began, took in spans
    ]
    assert busy_ms(attempts) == pytest.approx(busy)


def test_tokens_that_nobody_counted_are_left_out() -> None:
    unknown = msgspec.structs.replace(ATTEMPT, usage=None)
    assert total_usage([ATTEMPT, unknown, ATTEMPT]) == Usage(input=2, output=4)


@pytest.mark.parametrize(
    ("attempts", "model"),
    [
        pytest.param([], None, id="nobody was asked"),
        pytest.param([changed(outcome="failed", first_token_ms=None)], None, id="nobody was heard"),
        pytest.param([changed(model=one, outcome="cut", first_token_ms=0.5) for one in "ab"], "b", id="cut"),
        pytest.param(
            [changed(model="won"), changed(model="loser", outcome="cancelled")], "won", id="beside a loser"
        ),
    ],
)
def test_the_model_that_was_heard_is_told(attempts: list[Attempt], model: str | None) -> None:
    assert sums_of(attempts).model == model


@given(
    st.sampled_from(["answered", "failed", "cut", "cancelled"]),
    st.none() | st.floats(0, 100),
    st.floats(0, 100),
    st.none() | st.just(Usage(input=3)),
)
def test_the_sums_of_one_attempt_are_those_of_many(
    outcome: str, first_token_ms: float | None, queued_ms: float, usage: Usage | None
) -> None:
    one = changed(
        outcome=outcome, first_token_ms=first_token_ms, queued_ms=round(queued_ms, 3), usage=usage, cost=None
    )
    silent = changed(
        outcome="failed", first_token_ms=None, duration_ms=0.0, queued_ms=0.0, usage=None, cost=NanoDollars(0)
    )
    assert sums_of([one]) == sums_of([silent, one])
