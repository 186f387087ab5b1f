"""`spend.alerts`: which shares of a limit were reached, and which one is told."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.kernel.usage import NanoDollars
from buttress.spend.alerts import Standing, quiet_until, reached
from buttress.spend.budgets import Budget
from buttress.spend.windows import window_at

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def budget(*alerts: float, limit: int = 1_000, hard: bool = True) -> Budget:
    """Return a budget that alerts at these shares."""
    return Budget(name="team", limit=NanoDollars(limit), window="day", alerts=alerts, hard=hard)


def standing(used: int, *, is_refusing: bool = False) -> Standing:
    """Return an account that has used so much."""
    return Standing(budget="team", owner=(), used=NanoDollars(used), is_refusing=is_refusing)


@pytest.mark.parametrize(
    ("of", "at", "news", "known"),
    [
        pytest.param(budget(80, 100), standing(799), None, [], id="not there yet"),
        pytest.param(budget(80, 100), standing(800), 80, [], id="the moment it is there"),
        pytest.param(budget(80, 100), standing(1_000), 100, [80], id="two at once: the higher one says it"),
        pytest.param(budget(100, 50, 80), standing(850), 80, [50], id="in any order"),
        pytest.param(budget(50, 50.0), standing(500), 50, [], id="the same one twice"),
        pytest.param(budget(150, hard=False), standing(1_500), 150, [], id="a soft one goes beyond"),
        pytest.param(budget(33.3), standing(333), 33.3, [], id="no whole number"),
        pytest.param(budget(), standing(5_000), None, [], id="one without alerts"),
        pytest.param(budget(80, 100), standing(700, is_refusing=True), 100, [], id="a hard one that refuses"),
        pytest.param(budget(80, 90), standing(700, is_refusing=True), None, [], id="who did not ask for 100"),
        pytest.param(budget(100), standing(1_000, is_refusing=True), 100, [], id="both at once, told once"),
        pytest.param(
            budget(80, 100, hard=False),
            standing(850, is_refusing=True),
            80,
            [],
            id="a soft one refuses nobody",
        ),
    ],
)
def test_the_highest_share_reached_is_news(
    of: Budget, at: Standing, news: float | None, known: list[float]
) -> None:
    found = reached(of, at)
    assert [one.percent for one in found if one.is_news] == ([] if news is None else [news])
    assert [one.percent for one in found if not one.is_news] == known


def test_a_call_that_is_too_large_does_not_hide_that_money_is_spent_later() -> None:
    """It is refused in the morning; in the evening four fifths are spent."""
    found = reached(budget(50, 80, 100), standing(850, is_refusing=True))
    assert [(one.percent, one.is_news) for one in found] == [(50, False), (80, True), (100, True)]


@given(
    st.lists(st.floats(0.1, 1_000), min_size=1, max_size=6),
    st.integers(1, 10**15),
    st.lists(st.integers(0, 10**13), max_size=20),
)
def test_as_money_is_spent_each_share_is_reached_once_and_stays_reached(
    alerts: list[float], limit: int, costs: list[int]
) -> None:
    of, used, before = budget(*alerts, limit=limit), 0, set[float]()
    for cost in costs:
        used += cost
        found = reached(of, standing(used))
        assert before <= {one.percent for one in found}
        assert {one.percent for one in found} == {
            one for one in alerts if Fraction(one) * limit <= used * 100
        }
        assert sum(one.is_news for one in found) == (1 if found else 0)
        before = {one.percent for one in found}


def test_a_rolling_window_is_quiet_for_its_length_and_others_until_the_next() -> None:
    rolling = Budget(name="r", limit=NanoDollars(1), window="rolling", rolling_s=7_200)
    for of, until in ((rolling, NOW + timedelta(hours=2)), (budget(80), datetime(2026, 11, 21, tzinfo=UTC))):
        window = window_at(of.window, NOW, ZoneInfo("UTC"), rolling_s=of.rolling_s)
        assert quiet_until(of, window, NOW) == until
