"""`spend.declaration`: budgets.yaml, read or refused with every mistake in it."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.kernel.errors import Mistake
from buttress.kernel.usage import NanoDollars
from buttress.spend.budgets import Budget
from buttress.spend.declaration import dollars, read_budgets

FILE = Path("budgets.yaml")


def mistakes_in(text: str) -> list[str]:
    """Return the messages of all mistakes in `text`."""
    return [one.message for one in read_budgets(text, FILE) if isinstance(one, Mistake)]


def test_a_file_is_read() -> None:
    text = """
budgets:
  team: {limit: 500 USD, window: month, time_zone: Europe/Berlin}
  each-user: {limit: 0.25 USD, window: rolling, rolling_s: 3600, per: [user], alerts: [100, 50, 50]}
  trial: {limit: 20USD, window: total, where: {tag.team: growth}, hard: false, unpriced: refuse}
"""
    assert read_budgets(text, FILE) == (
        Budget(
            name="each-user",
            limit=NanoDollars(250_000_000),
            window="rolling",
            rolling_s=3_600,
            per=("tenant", "user"),  # users of two tenants may be called the same
            alerts=(50.0, 100.0),
        ),
        Budget(name="team", limit=NanoDollars(500 * 10**9), window="month", time_zone="Europe/Berlin"),
        Budget(
            name="trial",
            limit=NanoDollars(20 * 10**9),
            window="total",
            where={"tag.team": "growth"},
            hard=False,
            unpriced="refuse",
        ),
    )
    assert read_budgets("", FILE) == ()


@pytest.mark.parametrize(
    ("budget", "told"),
    [
        pytest.param("{limit: 0 USD, window: day}", "`0 USD` is no amount of money", id="nothing"),
        pytest.param("{limit: -5 USD, window: day}", "`-5 USD` is no amount of money", id="below nothing"),
        pytest.param("{limit: 5, window: day}", "`5` is no amount of money", id="no currency"),
        pytest.param("{limit: 5 EUR, window: day}", "`5 EUR` is no amount of money", id="another currency"),
        pytest.param("{limit: 5 USD, window: year}", "window", id="no such window"),
        pytest.param("{limit: 5 USD, window: rolling}", "needs one", id="a rolling one without length"),
        pytest.param("{limit: 5 USD, window: day, rolling_s: 60}", "has a length", id="a day with a length"),
        pytest.param("{limit: 5 USD, window: day, time_zone: Mars/North}", "no time zone", id="no such zone"),
        pytest.param("{limit: 5 USD, window: day, time_zone: ../x}", "no time zone", id="a path as zone"),
        pytest.param("{limit: 5 USD, window: day, per: [users]}", "no `users`", id="no such dimension"),
        pytest.param("{limit: 5 USD, window: day, where: {tag.: x}}", "no `tag.`", id="a tag without name"),
        pytest.param(
            "{limit: 5 USD, window: day, per: [user], where: {user: anna}}", "fixed by `where`", id="both"
        ),
        pytest.param("{limit: 5 USD, window: day, alert: [5]}", "unknown key `alert`", id="a typo"),
        pytest.param("{window: day}", "`limit` is missing", id="no limit"),
    ],
)
def test_a_mistake_is_told_by_its_place(budget: str, told: str) -> None:
    found = mistakes_in(f"budgets:\n  one: {budget}\n")
    assert len(found) == 1
    assert told in found[0]
    assert "one" in found[0]


def test_two_budgets_that_contradict_are_told() -> None:
    text = "budgets:\n  a: {limit: 5 USD, window: day}\n  b: {limit: 6 USD, window: day}\n"
    assert mistakes_in(text) == ["budgets.b: about the same money as `a`"]
    assert not mistakes_in(text.replace("6 USD, window: day", "6 USD, window: day, hard: false"))


def test_all_mistakes_are_told_at_once() -> None:
    text = "budgets:\n  a: {limit: 5, window: day, per: [x]}\n  b: {limit: 5 USD, window: never}\n"
    assert len(mistakes_in(text)) == 3


@pytest.mark.parametrize("limit", ["-3", "nothing", "null"])
def test_a_limit_is_looked_at_beside_other_mistakes(limit: str) -> None:
    found = mistakes_in(f"budgets:\n  bad: {{limit: {limit}, window: dy}}\n")
    assert [one.split(":")[0] for one in found] == ["budgets.bad.window", "budgets.bad.limit"]


@given(st.integers(1, 10**9 - 1), st.integers(0, 10**9 - 1))
def test_amounts_are_exact(whole: int, nano: int) -> None:
    assert dollars(f"{whole}.{nano:09} USD") == whole * 10**9 + nano


@given(st.text(max_size=12))
def test_what_is_no_amount_is_none(text: str) -> None:
    amount = dollars(text)
    assert amount is None or amount > 0
