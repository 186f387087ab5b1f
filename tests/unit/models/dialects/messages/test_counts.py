"""Tokens as Anthropic counts them, and back: no class is counted twice."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.kernel.usage import Usage
from buttress.models.dialects.messages.counts import Counts, counts_of, usage_of

TOKENS = st.integers(0, 10**9)
USAGE = st.builds(Usage, input=TOKENS, cache_read=TOKENS, cache_write=TOKENS, output=TOKENS, reasoning=TOKENS)


@given(USAGE)
def test_what_is_written_and_read_is_the_same(usage: Usage) -> None:
    assert usage_of(msgspec.convert(counts_of(usage), Counts)) == usage


@given(USAGE)
def test_the_cache_is_beside_the_input_and_thinking_within_the_output(usage: Usage) -> None:  # litellm#9812
    written = counts_of(usage)
    assert written["input_tokens"] == usage.input
    assert written["output_tokens"] == usage.output + usage.reasoning


def test_what_nobody_knows_is_written_as_nothing() -> None:
    assert counts_of(None) == counts_of(Usage())


@pytest.mark.parametrize(
    ("counts", "usage"),
    [
        pytest.param({"input_tokens": 1}, None, id="one side is not enough"),
        pytest.param({"output_tokens": 1}, None, id="nor the other"),
        pytest.param({"input_tokens": 0, "output_tokens": 0}, Usage(), id="zero is a count"),
        pytest.param(
            {"input_tokens": -1, "output_tokens": 3}, Usage(output=3), id="less than nothing is none"
        ),
        pytest.param(
            {"input_tokens": 1, "output_tokens": 3, "output_tokens_details": {"thinking_tokens": 9}},
            Usage(input=1, reasoning=3),
            id="no more thinking than output",
        ),
        pytest.param(
            {
                "input_tokens": 1,
                "output_tokens": 3,
                "cache_creation_input_tokens": 5,
                "cache_creation": {"ephemeral_5m_input_tokens": 5, "ephemeral_1h_input_tokens": 0},
            },
            Usage(input=1, cache_write=5, output=3),
            id="the parts of the cache are not counted beside their sum",
        ),
    ],
)
def test_counts(counts: dict[str, object], usage: Usage | None) -> None:
    assert usage_of(msgspec.convert(counts, Counts)) == usage


def test_later_counts_take_the_place_of_earlier_ones() -> None:
    counts = Counts(input_tokens=3, output_tokens=1)
    counts.take(None)
    counts.take(Counts(output_tokens=7))
    assert (counts.input_tokens, counts.output_tokens) == (3, 7)
