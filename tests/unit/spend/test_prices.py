"""What an attempt costs."""

from fractions import Fraction

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from buttress.kernel.catalogue import Price
from buttress.kernel.usage import Usage
from buttress.models.dialects.chat import usage as chat
from buttress.models.dialects.gemini import counts as gemini
from buttress.models.dialects.messages import counts as messages
from buttress.spend.prices import cost


def chat_usage(told: bytes) -> Usage:
    return chat.usage_of(msgspec.json.decode(told, type=chat.Counted)) or Usage()


def messages_usage(told: bytes) -> Usage:
    return messages.usage_of(msgspec.json.decode(told, type=messages.Counts)) or Usage()


def gemini_usage(told: bytes) -> Usage:
    return gemini.usage_of(msgspec.json.decode(told, type=gemini.Counted)) or Usage()


CHEAP = Price(input=0.15, output=0.60)


@pytest.mark.parametrize(
    ("usage", "price", "nano_dollars"),
    [
        pytest.param(Usage(input=1_000_000), CHEAP, 150_000_000, id="a million tokens cost the price"),
        pytest.param(Usage(input=1), CHEAP, 150, id="one token"),
        pytest.param(Usage(input=1, output=1), CHEAP, 750, id="input and output"),
        pytest.param(
            Usage(input=1), Price(input=0.0001, output=0), 1, id="a part of a nano-dollar is rounded up"
        ),
        pytest.param(Usage(input=3), Price(input=0.1, output=0), 300, id="0.1 is one tenth, exactly"),
        pytest.param(
            Usage(input=1, cache_read=1, cache_write=1, output=1, reasoning=1),
            Price(input=1, output=10, cache_read=0.1, cache_write=1.25),
            1_000 + 100 + 1_250 + 20_000,
            id="every class at its price",
        ),
        pytest.param(
            Usage(cache_read=2, cache_write=2, reasoning=2),
            Price(input=1, output=10),
            24_000,
            id="a class without a price costs what its plain side does",
        ),
        pytest.param(
            Usage(cache_read=5), Price(input=1, output=1, cache_read=0.0), 0, id="a price of 0 is a price"
        ),
        pytest.param(Usage(), Price(input=0, output=0), 0, id="free"),
        pytest.param(Usage(input=5), None, None, id="an unknown price is not 0"),
        pytest.param(None, CHEAP, None, id="unknown usage is not 0"),
        pytest.param(None, Price(input=0, output=0), 0, id="unknown usage of what is free"),
        pytest.param(
            None, Price(input=0, output=0, cache_write=1), None, id="unknown usage of what is free in part"
        ),
        pytest.param(
            Usage(input=5), Price(input=float("nan"), output=1), None, id="a price that is no number"
        ),
        pytest.param(Usage(input=5), Price(input=float("inf"), output=1), None, id="a price without an end"),
        pytest.param(Usage(input=5), Price(input=-1, output=1), None, id="a price below nought"),
        pytest.param(Usage(input=10**14), CHEAP, 15 * 10**15, id="as much as anybody can pay"),
        pytest.param(Usage(input=10**30), CHEAP, None, id="more than there is money, and than a table holds"),
    ],
)
def test_cost(usage: Usage | None, price: Price | None, nano_dollars: int | None) -> None:
    assert cost(usage, price) == nano_dollars


COUNTS = st.integers(0, 10**9)
USAGES = st.builds(
    Usage, input=COUNTS, cache_read=COUNTS, cache_write=COUNTS, output=COUNTS, reasoning=COUNTS
)
RATES = st.floats(0, 10_000)
PRICES = st.builds(
    Price, input=RATES, output=RATES, cache_read=st.none() | RATES, cache_write=st.none() | RATES
)


OF_CHAT = b'{"prompt_tokens": 1000, "completion_tokens": 9, "prompt_tokens_details": {"cached_tokens": %d}}'
OF_MESSAGES = b'{"input_tokens": %d, "cache_read_input_tokens": %d, "output_tokens": 9}'
OF_GEMINI = b'{"promptTokenCount": 1000, "candidatesTokenCount": 9, "cachedContentTokenCount": %d}'


@pytest.mark.parametrize(
    ("cold", "warm"),
    [
        pytest.param(*(chat_usage(OF_CHAT % cached) for cached in (0, 900)), id="OpenAI"),
        pytest.param(
            *(messages_usage(OF_MESSAGES % told) for told in ((1_000, 0), (100, 900))), id="Anthropic"
        ),
        pytest.param(*(gemini_usage(OF_GEMINI % cached) for cached in (0, 900)), id="Gemini"),
    ],
)
def test_a_prompt_that_was_cached_costs_less_than_a_cold_one(cold: Usage, warm: Usage) -> None:
    """cloudflare/ai#550, litellm#11364: cached tokens that are billed as input, too."""
    price = Price(input=1, output=10, cache_read=0.1)
    assert cold.total == warm.total == 1_009
    assert (cost(cold, price), cost(warm, price)) == (1_090_000, 280_000)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(USAGES, USAGES, PRICES)
def test_parts_cost_what_the_whole_does_but_for_rounding_up(one: Usage, other: Usage, price: Price) -> None:
    first, second, both = cost(one, price), cost(other, price), cost(one + other, price)
    assert first is not None
    assert second is not None
    assert both is not None
    assert both <= first + second <= both + 1


@settings(max_examples=200, deadline=None)
@given(USAGES, USAGES, st.integers(0, 10**6), st.integers(0, 10**6))
def test_prices_of_whole_nano_dollars_a_token_add_up_exactly(
    one: Usage, other: Usage, input_price: int, output_price: int
) -> None:
    price = Price(input=input_price / 1_000, output=output_price / 1_000)
    first, second = cost(one, price), cost(other, price)
    assert first is not None
    assert second is not None
    assert cost(one + other, price) == first + second


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(USAGES, PRICES)
def test_it_is_never_rounded_down_and_by_less_than_one(usage: Usage, price: Price) -> None:
    free_cache = Price(input=price.input, output=price.output, cache_read=0, cache_write=0)
    counted = cost(usage, free_cache)
    exact = 1_000 * (
        usage.input * Fraction(repr(price.input))
        + (usage.output + usage.reasoning) * Fraction(repr(price.output))
    )
    assert counted is not None
    assert 0 <= counted - exact < 1
