"""`access.declaration`: limits.yaml, read or refused with every mistake in it."""

from pathlib import Path

import pytest

from buttress.access.declaration import read_limits
from buttress.access.limits import Limit
from buttress.kernel.errors import Mistake

FILE = Path("limits.yaml")


def mistakes_in(text: str) -> list[str]:
    """Return the messages of all mistakes in `text`."""
    return [one.message for one in read_limits(text, FILE) if isinstance(one, Mistake)]


def test_a_file_is_read() -> None:
    text = """
limits:
  each-user: {per: [user], where: {feature: support}, requests_per_minute: 20, concurrent: 3}
  each-key: {per: [key], tokens_per_minute: 200000}
"""
    assert read_limits(text, FILE) == (
        Limit(name="each-key", per=("key",), tokens_per_minute=200_000),
        Limit(
            name="each-user",
            per=("user",),
            where={"feature": "support"},
            requests_per_minute=20,
            concurrent=3,
        ),
    )


@pytest.mark.parametrize("text", ["", "limits: {}", "{}"])
def test_a_file_without_limits_is_one(text: str) -> None:
    assert read_limits(text, FILE) == ()


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        pytest.param("{per: [key]}", "limits nothing", id="no amount"),
        pytest.param("{requests_per_minute: 0}", "at least 1", id="nothing at all"),
        pytest.param("{requests_per_minute: -5}", "at least 1", id="less than nothing"),
        pytest.param("{requests_per_minute: many}", "requests_per_minute", id="no number"),
        pytest.param("{request_per_minute: 5}", "request_per_minute", id="a misspelt key"),
        pytest.param("{concurrent: 1, per: [users]}", "`users`", id="nothing to divide by"),
        pytest.param("{concurrent: 1, where: {team: a}}", "`team`", id="no such dimension"),
        pytest.param(
            "{concurrent: 1, per: [user], where: {user: a}}", "fixed by `where`", id="divided and fixed"
        ),
        pytest.param("5", "each", id="no mapping"),
    ],
)
def test_what_is_wrong_is_named(entry: str, said: str) -> None:
    (mistake,) = mistakes_in(f"limits:\n  each: {entry}\n")
    assert said in mistake


def test_all_mistakes_are_told_at_once() -> None:
    text = "limits:\n  a b: {concurrent: 1}\n  c: {}\n  d: {concurrent: 0}\n"
    assert len(mistakes_in(text)) == 3
    assert len(mistakes_in("limits: [")) == 1
    assert len(mistakes_in("limit: {}")) == 1
