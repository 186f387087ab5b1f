"""Usage and money: sums are exact, and what is unknown is not nothing."""

from hypothesis import given
from hypothesis import strategies as st

from buttress.kernel.usage import NanoDollars, Usage, format_dollars

COUNTS = st.integers(0, 10**12)
USAGES = st.builds(
    Usage, input=COUNTS, cache_read=COUNTS, cache_write=COUNTS, output=COUNTS, reasoning=COUNTS
)


@given(USAGES, USAGES)
def test_the_total_of_a_sum_is_the_sum_of_the_totals(one: Usage, other: Usage) -> None:
    assert (one + other).total == one.total + other.total
    assert one + other == other + one


def test_an_unknown_cost_is_not_shown_as_nothing() -> None:
    assert format_dollars(None) == "unknown"
    assert format_dollars(NanoDollars(0)) == "$0.000000"
    assert format_dollars(NanoDollars(1_234_567_000)) == "$1.234567"
