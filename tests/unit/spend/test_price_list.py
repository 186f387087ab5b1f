"""The packaged price list, as we read it. Figures are the vendors' own; a newer list may bring others."""

import datetime as dt

import msgspec
import pytest
from genai_prices.data_snapshot import DataSnapshot, get_snapshot

from buttress.kernel.catalogue import Price
from buttress.kernel.usage import Usage
from buttress.spend.listed import Entry
from buttress.spend.price_list import list_date, offer_of, offers_like
from buttress.spend.prices import cost, in_force

TODAY = dt.date(2026, 11, 21)
NOON = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)


def listed(seller: str, model: str, today: dt.date = TODAY) -> Price:
    offer = offer_of(Entry(seller, model), today)
    assert offer is not None
    assert offer.price is not None
    return offer.price


def test_openai_with_cached_input() -> None:
    # 1,000 x $1.25 + 9,000 x $0.125 + 300 x $10, per million
    usage = Usage(input=1_000, cache_read=9_000, output=300)
    assert cost(usage, listed("openai", "gpt-5")) == 1_250_000 + 1_125_000 + 3_000_000


def test_anthropic_with_writes_to_its_cache() -> None:
    # 500 x $3 + 1,000 x $3.75 + 400 x $6 + 100 x $15, per million
    usage = Usage(input=500, cache_write=1_400, cache_write_1h=400, output=100)
    assert (
        cost(usage, listed("anthropic", "claude-sonnet-4-5")) == 1_500_000 + 3_750_000 + 2_400_000 + 1_500_000
    )


def test_gemini_below_and_above_its_tier() -> None:
    price = listed("google", "gemini-2.5-pro")
    assert cost(Usage(input=200_000, output=1_000), price) == 260_000_000
    assert cost(Usage(input=200_001, output=1_000), price) == 515_002_500


def test_a_batch_costs_half_and_what_it_leaves_out_costs_the_usual() -> None:
    batch = listed("openai", "gpt-4o-mini").batch
    assert batch is not None
    assert (batch.input, batch.output, batch.cache_read) == (0.075, 0.3, 0.075)


def test_who_sells_another_ones_model_has_its_price_but_no_batches() -> None:
    assert listed("azure", "gpt-4o") == msgspec.structs.replace(
        listed("openai", "gpt-4o"), batch=None, lanes=()
    )


def test_who_wants_to_be_served_sooner_pays_more() -> None:
    lanes = {lane.name: lane.price for lane in listed("openai", "gpt-5").lanes}
    assert (lanes["priority"].input, lanes["flex"].input) == (2.5, 0.625)
    assert lanes["priority"].source.startswith("genai-prices ")


def test_sound_has_a_price_of_its_own() -> None:
    price = listed("google", "gemini-2.5-flash")
    assert (price.text_only, cost(Usage(input=10), price), cost(Usage(input=10, sound=3), price)) == (
        True,
        3_000,
        None,
    )


def test_a_fee_for_each_request() -> None:
    assert listed("perplexity", "sonar").request == 0.012


def test_embeddings_cost_nothing_for_their_answers() -> None:
    price = listed("openai", "text-embedding-3-small")
    assert (price.input, price.output) == (0.02, 0.0)


def test_a_price_by_the_hour() -> None:
    price = listed("deepseek", "deepseek-chat")
    night = in_force(price, NOON.replace(hour=20))
    day = in_force(price, NOON)
    assert night is not None
    assert day is not None
    assert (night.input, day.input) == (0.135, 0.27)


def test_a_price_that_is_to_rise() -> None:
    price = listed("google", "gemini-3.8-flash")
    later = in_force(price, NOON.replace(year=2027))
    assert later is not None
    assert (price.input, later.input, later.date) == (0.75, 1.5, dt.date(2027, 1, 1))


def test_what_is_over_is_not_told_any_more_and_was_told_then() -> None:
    assert (listed("openai", "o3").input, listed("openai", "o3").changes) == (2.0, ())
    then = listed("openai", "o3", dt.date(2025, 6, 1))
    assert (then.input, [change.since for change in then.changes]) == (10.0, [dt.date(2025, 6, 10)])


def test_it_says_who_says_so_and_when() -> None:
    price = listed("openai", "gpt-5")
    assert price.source.startswith("genai-prices ")
    assert price.date == list_date(TODAY)
    assert dt.date(2026, 1, 1) < list_date(TODAY) <= TODAY


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param(Entry("openai", "gpt-99"), id="no such model"),
        pytest.param(Entry("nobody", "gpt-5"), id="no such seller"),
        pytest.param(Entry("anthropic", "gpt-5"), id="another seller's model"),
    ],
)
def test_what_is_not_in_it(entry: Entry) -> None:
    assert offer_of(entry, TODAY) is None


@pytest.mark.parametrize(
    ("seller", "model"),
    [
        pytest.param("openai", "tts-1", id="priced by characters"),
        pytest.param("perplexity", "sonar-deep-research", id="quotes at a price of their own"),
        pytest.param("google", "gemini-2.5-flash-image", id="pictures at a price of their own"),
    ],
)
def test_what_tokens_do_not_tell_is_unknown(seller: str, model: str) -> None:
    offer = offer_of(Entry(seller, model), TODAY)
    assert offer is not None
    assert offer.price is None


@pytest.mark.slow
def test_every_price_of_the_list_is_an_amount_of_money_and_agrees_with_the_lists_own_sum() -> None:
    """All 2,000 of them, for a call in which each class is used."""
    usage = Usage(input=150_000, cache_read=90_000, cache_write=5_000, output=2_000, reasoning=500)
    told = {"cache_read_tokens": 90_000, "cache_write_tokens": 5_000, "output_reasoning_tokens": 500}
    snapshot: DataSnapshot = get_snapshot()
    compared = 0
    for offer in offers_like("", TODAY):
        price = in_force(offer.price, NOON)
        if price is None:
            continue
        ours = cost(usage, price)
        seller = next(one for one in snapshot.providers if one.id == offer.entry.seller)
        theirs = next(one for one in seller.models if one.id == offer.entry.model).get_prices(NOON)
        assert ours is not None
        if {"input_mtok", "output_mtok"} <= vars(theirs).keys():
            from genai_prices import Usage as TheirUsage  # noqa: PLC0415 - only here

            sums = theirs.calc_price(TheirUsage(input_tokens=245_000, output_tokens=2_500, **told))
            assert ours - 1 <= sums["total_price"] * 10**9 <= ours, offer.entry
            compared += 1
    assert compared > 1_500


def test_searching_it() -> None:
    found = {
        offer.entry.model for offer in offers_like("SONNET-4-5", TODAY) if offer.entry.seller == "anthropic"
    }
    assert found == {"claude-sonnet-4-5"}
