"""`gateway.pacing`."""

import pytest

from buttress.gateway.pacing import pace_of, told
from buttress.models.types import Pace
from buttress.releases.types import LatencyBudget

BUDGET = LatencyBudget(first_token_ms=800, total_ms=5_000)


@pytest.mark.parametrize(
    ("budget", "elapsed_ms", "pace"),
    [
        pytest.param(None, 100, Pace(hedge_after_ms=300), id="no budget"),
        pytest.param(BUDGET, 100, Pace(first_token_ms=700, total_ms=4_900, hedge_after_ms=300), id="both"),
        pytest.param(
            LatencyBudget(total_ms=50), 100, Pace(total_ms=0, hedge_after_ms=300), id="nothing is left"
        ),
    ],
)
def test_what_came_before_the_models_counts(
    budget: LatencyBudget | None, elapsed_ms: float, pace: Pace
) -> None:
    assert pace_of(budget, elapsed_ms, 300) == pace


@pytest.mark.parametrize(
    ("first_ms", "total_ms", "missed"),
    [
        pytest.param(700, 4_000, [False, False], id="in time"),
        pytest.param(900, 4_000, [True, False], id="a late first token"),
        pytest.param(700, 5_000, [False, True], id="a late end"),
        pytest.param(None, 800, [True, False], id="no token when its time was over"),
        pytest.param(None, 100, [False, False], id="failed before"),
    ],
)
def test_what_was_too_late_is_told(first_ms: float | None, total_ms: float, missed: list[bool]) -> None:
    lines = told(BUDGET, first_ms, total_ms)
    assert lines == {
        "first_token_ms": {"budget": 800, "was": first_ms, "missed": missed[0]},
        "total_ms": {"budget": 5_000, "was": total_ms, "missed": missed[1]},
    }
    assert list(told(LatencyBudget(total_ms=1), 1, 2)) == ["total_ms"]
