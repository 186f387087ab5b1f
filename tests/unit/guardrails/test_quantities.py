"""Numbers, however they are written."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.guardrails.quantities import Quantity, quantities, readings


def read(text: str) -> list[Quantity]:
    return quantities(re.findall(r"\d[\d., ]*\d|\d|[^\W\d]+|[^\w\s]", text))


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        pytest.param("14 days", "14", "day", id="a number with its unit"),
        pytest.param("10 business days", "10", "day", id="a word between"),
        pytest.param("10 to 14 days", "10", "day", id="the unit of a range"),
        pytest.param("€49 a month", "49", "eur", id="the sign before"),
        pytest.param("49 € a month", "49", "eur", id="the sign behind"),
        pytest.param("two thousand files", "2000", None, id="in words"),
        pytest.param("twenty-five hours", "25", "hour", id="tens and ones"),
        pytest.param("ninety minutes", "90", "minute", id="tens"),
        pytest.param("sechs Kalender", "6", None, id="in German"),
        pytest.param("1.2 million dollars", "1200000", "usd", id="a magnitude"),
        pytest.param("a hundred euros", "100", "eur", id="a magnitude alone"),
        pytest.param("half a year", "0.5", "year", id="a part"),
        pytest.param("a third of it", "0.33", None, id="a part of something"),
        pytest.param("€0.25k", "250", "eur", id="thousands behind the digits"),
        pytest.param("€5m", "5000000", "eur", id="millions of money"),
        pytest.param("neunzig Tage", "90", None, id="tens in German"),
        pytest.param("2,000 kB", "2000", "kb", id="grouped by commas"),
        pytest.param("5 m long", "5", "m", id="a unit of one letter"),
        pytest.param("5 men, m", "5", None, id="a letter that is no unit"),
        pytest.param("14. Days go by", "14", None, id="not over the end of a sentence"),
    ],
)
def test_a_quantity_is_read(text: str, value: str, unit: str | None) -> None:
    first = read(text)[0]
    assert (first.values[-1], first.unit) == (value, unit)


def test_a_number_that_only_counts_what_follows_is_none() -> None:
    assert not read("in two ways, by the three main types, all at once")
    assert read("two plans")


@pytest.mark.parametrize(
    ("number", "values"),
    [
        pytest.param("2.000", ("2", "2000"), id="a point may group, or not"),
        pytest.param("1.234.567", ("1.234.567", "1234567"), id="two points group, or are a version"),
        pytest.param("2.000,50", ("2.000,50", "2000.5"), id="a decimal comma behind"),
        pytest.param("120 000", ("120000",), id="grouped by blanks"),
        pytest.param("0.125", ("0.125",), id="nothing to group"),
        pytest.param("1,27", ("1.27",), id="a decimal comma"),
    ],
)
def test_digits_may_mean(number: str, values: tuple[str, ...]) -> None:
    assert readings(number) == values


@given(st.integers(0, 10**9))
def test_a_number_is_itself_in_every_format(number: int) -> None:
    formats = {f"{number:,}", f"{number:,}".replace(",", "."), f"{number:,}".replace(",", " "), str(number)}
    assert all(str(number) in readings(text) for text in formats)
