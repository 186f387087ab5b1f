"""`models.billing`."""

import msgspec
import pytest

from buttress.kernel.usage import NanoDollars, Usage
from buttress.models.billing import total_cost, total_usage
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


def test_tokens_that_nobody_counted_are_left_out() -> None:
    unknown = msgspec.structs.replace(ATTEMPT, usage=None)
    assert total_usage([ATTEMPT, unknown, ATTEMPT]) == Usage(input=2, output=4)
