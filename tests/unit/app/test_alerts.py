"""`app.alerts`: the rooms' rules put together."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from buttress.app.alerts import budget_alerts, readings, watched_features
from buttress.kernel.usage import NANO, NanoDollars
from buttress.releases.types import CostTarget, LatencyBudget, Release
from buttress.spend.alerts import Standing
from buttress.spend.budgets import Budget
from buttress.tracing.figures import Figures
from buttress.watch.settings import WatchSettings
from tests.unit.releases.releasing import a_release

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
BUDGET = Budget(name="team", limit=NanoDollars(10 * NANO), window="month", per=("tenant", "user"))


def standing(dollars: float, *, is_refusing: bool = False) -> Standing:
    """Return how Anna's account of the budget stands."""
    used = NanoDollars(round(dollars * NANO))
    return Standing(budget="team", owner=("acme", "anna"), used=used, is_refusing=is_refusing)


def release(**changes: object) -> Release:
    """Return a release of the feature `support`."""
    return msgspec.structs.replace(a_release(), feature="support", **changes)


def test_an_alert_says_whose_budget_it_is_and_how_far() -> None:
    (found,) = budget_alerts([BUDGET], [standing(8.2)], NOON)
    assert found.text == (
        "budget team (tenant acme, user anna): $8.200000 of $10.000000 spent (82 %), window: month"
    )
    assert (found.kind, found.subject, found.mark) == ("budget", "team", "80% of $10.000000")
    assert found.owner == {"tenant": "acme", "user": "anna"}
    assert (found.window_start, found.window_end) == (
        datetime(2026, 11, 1, tzinfo=UTC),
        datetime(2026, 12, 1, tzinfo=UTC),
    )
    assert found.figures == {
        "limit_nanodollars": 10 * NANO,
        "used_nanodollars": 8_200_000_000,
        "used_percent": 82.0,
        "threshold_percent": 80.0,
    }


def test_of_several_shares_the_highest_is_told() -> None:
    found = budget_alerts([BUDGET], [standing(10)], NOON)
    assert [(one.mark, one.is_told) for one in found] == [
        ("80% of $10.000000", False),
        ("100% of $10.000000", True),
    ]


def test_a_budget_that_refuses_says_so_although_money_is_left() -> None:
    found = budget_alerts([BUDGET], [standing(7.5, is_refusing=True)], NOON)
    assert found[-1].mark == "100% of $10.000000"
    assert found[-1].text.endswith("calls are refused, what is left does not pay for them")


def test_a_limit_that_was_raised_is_another_mark() -> None:
    raised = msgspec.structs.replace(BUDGET, limit=NanoDollars(20 * NANO))
    marks = {budget_alerts([one], [standing(16)], NOON)[0].mark for one in (BUDGET, raised)}
    assert len(marks) == 2


@pytest.mark.parametrize(
    ("window", "start", "quiet_s"),
    [("day", datetime(2026, 11, 21, tzinfo=UTC), None), ("rolling", NOON, 86_400)],
)
def test_a_rolling_window_is_quiet_for_its_length(window: str, start: datetime, quiet_s: int | None) -> None:
    of = msgspec.structs.replace(BUDGET, window=window)
    (found,) = budget_alerts([of], [standing(8)], NOON)
    assert found.window_start == start
    assert found.quiet_until == (start if quiet_s is None else NOON + timedelta(seconds=quiet_s))


def test_only_features_with_a_target_are_looked_at() -> None:
    cost, latency = CostTarget(per_interaction=NanoDollars(1)), LatencyBudget(total_ms=5_000)
    releases = {
        "none": release(),
        "cost": release(cost=cost),
        "time": release(latency=latency),
        "both": release(cost=cost, latency=latency),
    }
    assert watched_features(releases) == {"cost": False, "time": True, "both": True}


def test_each_target_is_read_by_itself() -> None:
    target = release(cost=CostTarget(per_interaction=NanoDollars(20)), latency=LatencyBudget(total_ms=5_000))
    figures = Figures(calls=50, priced=40, mean_nanodollars=30.0, missed={"first_token_ms": 9, "total_ms": 3})
    cost, late = readings({"support": target}, {"support": figures}, WatchSettings())
    assert (cost.kind, cost.value, cost.target, cost.calls) == ("cost", 30.0, 20, 40)
    assert cost.figures["unpriced_calls"] == 10
    assert (late.kind, late.mark, late.value, late.calls) == ("latency", "total_ms of 5,000", 6.0, 50)
