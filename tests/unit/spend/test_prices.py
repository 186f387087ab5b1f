"""What an attempt costs."""

import datetime as dt
from fractions import Fraction

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from buttress.kernel.catalogue import Change, Lane, Price, Tier, Tiered
from buttress.kernel.usage import Usage
from buttress.models.dialects.chat import usage as chat
from buttress.models.dialects.gemini import counts as gemini
from buttress.models.dialects.messages import counts as messages
from buttress.spend.prices import MAX_COST, cost, in_force, in_lane, is_free, most


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
        pytest.param(
            Usage(cache_write=10, cache_write_1h=4),
            Price(input=1, output=1, cache_write=2, cache_write_1h=3),
            6 * 2_000 + 4 * 3_000,
            id="what a cache keeps for an hour has its own price",
        ),
        pytest.param(
            Usage(cache_write=10, cache_write_1h=4),
            Price(input=1, output=1, cache_write=2),
            20_000,
            id="or that of any other write",
        ),
        pytest.param(
            Usage(cache_write=3, cache_write_1h=9),
            Price(input=1, output=1, cache_write_1h=2),
            6_000,
            id="a part that is larger than its whole counts as all of it",
        ),
        pytest.param(
            Usage(), Price(input=0, output=0, request=0.012), 12_000_000, id="a fee for each request"
        ),
        pytest.param(None, Price(input=0, output=0, request=1), None, id="unknown usage of what has a fee"),
        pytest.param(Usage(input=5), Price(input=1, output=1, request=-1), None, id="a fee below nought"),
        pytest.param(
            Usage(input=5),
            Price(input=1, output=1, tiers=(Tier(input=float("nan"), output=1, above_tokens=9),)),
            None,
            id="a tier that is no number makes the whole price unknown",
        ),
        pytest.param(
            Usage(input=5),
            Price(
                input=1,
                output=1,
                tiers=(Tier(input=2, output=2, above_tokens=9), Tier(input=3, output=3, above_tokens=9)),
            ),
            None,
            id="two prices for the same length are none",
        ),
        pytest.param(
            Usage(input=5, sound=1),
            Price(input=1, output=1, text_only=True),
            None,
            id="sound at the price of text",
        ),
        pytest.param(
            Usage(input=5, sound=1), Price(input=1, output=1), 5_000, id="sound that costs what text does"
        ),
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


GEMINI = Price(
    input=1.25,
    output=10,
    cache_read=0.125,
    tiers=(Tier(input=2.5, output=15, cache_read=0.25, above_tokens=200_000),),
    batch=Tiered(input=0.625, output=5, tiers=(Tier(input=1.25, output=7.5, above_tokens=200_000),)),
)
"""gemini-2.5-pro."""

CLAUDE = Price(input=3, output=15, cache_read=0.3, cache_write=3.75, cache_write_1h=6)
"""claude-sonnet-4-5, without its retired tier."""

GPT = Price(input=1.25, output=10, cache_read=0.125)
"""gpt-5."""


@pytest.mark.parametrize(
    ("usage", "price", "nano_dollars"),
    [
        pytest.param(
            # 1,000 x $1.25 + 9,000 x $0.125 + 300 x $10, per million
            Usage(input=1_000, cache_read=9_000, output=200, reasoning=100),
            GPT,
            1_250_000 + 1_125_000 + 3_000_000,
            id="OpenAI: most of the question was cached, a third of the answer was thought",
        ),
        pytest.param(
            # 500 x $3 + 2,000 x $0.30 + 1,000 x $3.75 + 400 x $6 + 100 x $15, per million
            Usage(input=500, cache_read=2_000, cache_write=1_400, cache_write_1h=400, output=100),
            CLAUDE,
            1_500_000 + 600_000 + 3_750_000 + 2_400_000 + 1_500_000,
            id="Anthropic: written to the cache for 5 minutes, and for an hour",
        ),
        pytest.param(
            # 200,000 x $1.25 + 1,000 x $10, per million
            Usage(input=200_000, output=1_000),
            GEMINI,
            250_000_000 + 10_000_000,
            id="Gemini: 200,000 tokens are not above 200,000",
        ),
        pytest.param(
            # 200,001 x $2.50 + 1,000 x $15, per million
            Usage(input=200_001, output=1_000),
            GEMINI,
            500_002_500 + 15_000_000,
            id="Gemini: one more, and all tokens cost more",
        ),
        pytest.param(
            # 1 x $2.50 + 200,000 x $0.25 + 10 x $15, per million
            Usage(input=1, cache_read=200_000, output=10),
            GEMINI,
            2_500 + 50_000_000 + 150_000,
            id="Gemini: what was cached is a part of how long it is",
        ),
    ],
)
def test_what_real_models_cost_by_hand(usage: Usage, price: Price, nano_dollars: int) -> None:
    assert cost(usage, price) == nano_dollars


@pytest.mark.parametrize(
    ("usage", "price", "nano_dollars"),
    [
        pytest.param(Usage(input=1_000, output=10), GEMINI, 625_000 + 50_000, id="half the price"),
        pytest.param(Usage(input=300_000), GEMINI, 375_000_000, id="with tiers of its own"),
        pytest.param(Usage(input=1_000), GPT, 1_250_000, id="nobody says what it costs: as other calls"),
    ],
)
def test_a_call_in_a_batch(usage: Usage, price: Price, nano_dollars: int) -> None:
    assert cost(usage, price, batch=True) == nano_dollars


NIGHT = Price(input=1, output=1)
DAY = Price(input=2, output=2)
SOON = Price(input=3, output=3)


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        pytest.param("2026-12-31T23:59:59+00:00", 1, id="the last second before a change"),
        pytest.param("2027-01-01T00:00:00+00:00", 3, id="its first"),
        pytest.param("2027-01-01T00:30:00+02:00", 1, id="which is one of UTC"),
        pytest.param("2026-06-01T12:00:00+00:00", 2, id="an hour of the day"),
        pytest.param("2026-06-01T16:30:00+00:00", 1, id="its end is not in it"),
        pytest.param("2027-06-01T12:00:00+00:00", 2, id="the last change that holds counts"),
    ],
)
def test_a_price_has_its_time(moment: str, expected: float) -> None:
    hours = Change(price=DAY, daily=(dt.time(8), dt.time(16, 30)))
    later = Change(price=SOON, since=dt.date(2027, 1, 1))
    found = in_force(msgspec.structs.replace(NIGHT, changes=(later, hours)), at(moment))
    assert found is not None
    assert found.input == expected


@pytest.mark.parametrize(("hour", "expected"), [(23, 2), (0, 2), (5, 2), (6, 1), (21, 1), (22, 2)])
def test_hours_may_go_over_midnight(hour: int, expected: float) -> None:
    price = msgspec.structs.replace(NIGHT, changes=(Change(price=DAY, daily=(dt.time(22), dt.time(6))),))
    found = in_force(price, dt.datetime(2026, 5, 1, hour, tzinfo=dt.UTC))
    assert found is not None
    assert found.input == expected


def test_what_nobody_knows_has_no_time() -> None:
    assert in_force(None, at("2026-05-01T00:00:00+00:00")) is None


FASTER = msgspec.structs.replace(GPT, lanes=(Lane("priority", DAY), Lane("flex", NIGHT)))
FREE = Price(input=0, output=0)


@pytest.mark.parametrize(
    ("price", "lane", "expected"),
    [
        pytest.param(FASTER, "", FASTER, id="the usual one"),
        pytest.param(FASTER, "priority", DAY, id="sooner"),
        pytest.param(FASTER, "flex", NIGHT, id="later"),
        pytest.param(FASTER, "fast", None, id="nobody knows what that costs"),
        pytest.param(GPT, "priority", None, id="nor what any lane of this model does"),
        pytest.param(FREE, "priority", FREE, id="what is free is free in any"),
        pytest.param(None, "priority", None, id="nobody knows any price"),
    ],
)
def test_in_lane(price: Price | None, lane: str, expected: Price | None) -> None:
    assert in_lane(price, lane) == expected


@pytest.mark.parametrize(
    ("price", "expected"),
    [
        pytest.param(FREE, True, id="free"),
        pytest.param(Price(input=0, output=0, source="us", date=dt.date(2026, 1, 1)), True, id="who says so"),
        pytest.param(Price(input=0, output=0, cache_write=1), False, id="in part"),
        pytest.param(Price(input=0, output=0, request=0.01), False, id="a fee"),
        pytest.param(
            Price(input=0, output=0, tiers=(Tier(input=1, output=0, above_tokens=9),)),
            False,
            id="up to a length",
        ),
        pytest.param(
            Price(input=0, output=0, tiers=(Tier(input=0, output=0, above_tokens=9),)),
            True,
            id="of any length",
        ),
        pytest.param(
            Price(input=0, output=0, changes=(Change(price=Price(input=1, output=1)),)), False, id="for now"
        ),
        pytest.param(Price(input=float("nan"), output=0), False, id="no amount of money"),
        pytest.param(None, False, id="nobody knows"),
    ],
)
def test_is_free(price: Price | None, expected: bool) -> None:  # noqa: FBT001 - a column of the table
    assert is_free(price) is expected


COUNTS = st.integers(0, 10**9)
USAGES = st.builds(
    Usage,
    input=COUNTS,
    cache_read=COUNTS,
    cache_write=COUNTS,
    output=COUNTS,
    reasoning=COUNTS,
    cache_write_1h=st.just(0),
)
RATES = st.floats(0, 10_000)
OF_CLASSES = {
    "input": RATES,
    "output": RATES,
    "cache_read": st.none() | RATES,
    "cache_write": st.none() | RATES,
    "cache_write_1h": st.none() | RATES,
    "reasoning": st.none() | RATES,
}
PRICES = st.builds(Price, **OF_CLASSES)
TIERS = st.lists(
    st.builds(Tier, **OF_CLASSES, above_tokens=st.integers(1, 3_000)),
    max_size=3,
    unique_by=lambda tier: tier.above_tokens,
).map(lambda tiers: tuple(sorted(tiers, key=lambda tier: tier.above_tokens)))
TIERED_PRICES = st.builds(
    Price,
    **OF_CLASSES,
    tiers=TIERS,
    request=st.floats(0, 10),
    batch=st.none() | st.builds(Tiered, **OF_CLASSES, tiers=TIERS),
)
FEW = st.integers(0, 1_000)
WITHIN = st.tuples(FEW, FEW, FEW, FEW, FEW, FEW)


@pytest.mark.slow
@settings(max_examples=400, deadline=None)
@given(
    price=TIERED_PRICES,
    counts=WITHIN,
    more_in=st.integers(0, 500),
    more_out=st.integers(0, 500),
    batch=st.booleans(),
)
@example(
    price=Price(input=2, output=1, tiers=(Tier(input=1, output=1, above_tokens=10),)),
    counts=(10, 0, 0, 0, 0, 0),
    more_in=1,
    more_out=0,
    batch=False,
)
def test_the_most_is_never_below_what_any_usage_within_its_bounds_costs(
    price: Price, counts: tuple[int, ...], more_in: int, more_out: int, *, batch: bool
) -> None:
    plain, read, written, hour, output, reasoning = counts
    usage = Usage(
        input=plain,
        cache_read=read,
        cache_write=written,
        cache_write_1h=min(hour, written),
        output=output,
        reasoning=reasoning,
    )
    reserved = most(price, plain + read + written + more_in, output + reasoning + more_out, batch=batch)
    costs = cost(usage, price, batch=batch)
    assert reserved is not None
    assert costs is not None
    assert reserved >= costs


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(TIERED_PRICES, FEW, FEW)
def test_the_most_is_what_some_usage_does_cost(price: Price, read: int, said: int) -> None:
    """Money that is set aside for nothing keeps others from calling."""
    lengths = {read, *(min(read, tier.above_tokens) for tier in price.tiers)}
    usages = [
        Usage(**{kind: count, "cache_write_1h": count * is_hour, answer: said})
        for count in lengths
        for kind, is_hour in (("input", 0), ("cache_read", 0), ("cache_write", 0), ("cache_write", 1))
        for answer in ("output", "reasoning")
    ]
    assert most(price, read, said) == max(cost(usage, price) or 0 for usage in usages)


@pytest.mark.parametrize(
    ("price", "tokens", "nano_dollars"),
    [
        pytest.param(None, (5, 5), None, id="nobody knows the price"),
        pytest.param(Price(input=-1, output=1), (5, 5), None, id="a price that is none"),
        pytest.param(Price(input=0, output=0), (5, 5), 0, id="free"),
        pytest.param(
            CLAUDE, (1_000, 100), 6_000_000 + 1_500_000, id="all of it might be written to the cache"
        ),
        pytest.param(GEMINI, (200_000, 0), 250_000_000, id="no tier can be reached"),
        pytest.param(GEMINI, (200_001, 0), 500_002_500, id="a tier can be reached"),
        pytest.param(GPT, (10**30, 0), MAX_COST, id="never more than any cost that is known"),
    ],
)
def test_the_most(price: Price | None, tokens: tuple[int, int], nano_dollars: int | None) -> None:
    assert most(price, *tokens) == nano_dollars


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
