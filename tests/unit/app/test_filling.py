"""The ports of a call, filled: a ranker from the engine, a meter from the prices, an open door."""

import asyncio
import datetime as dt
from pathlib import Path

import msgspec
import pytest

from buttress.app.filling import EngineRanker, OpenEgress, PriceMeter, price_now
from buttress.kernel.catalogue import Change, Lane, Model, Price
from buttress.kernel.clock import SystemClock
from buttress.kernel.messages import Message, ModelRequest
from buttress.kernel.usage import Usage
from buttress.knowledge.embedding.embedder import OnnxEmbedder
from buttress.knowledge.engine.local import EngineParts, LocalEngine
from buttress.knowledge.ports import Embedder
from buttress.models.dialects.chat.request_in import read_body
from buttress.models.order import Order
from buttress.models.types import Bill
from buttress.testing.clock import ManualClock

REQUEST = ModelRequest(messages=(Message("user", "Hi?"),), max_tokens=10)
PRICED = Model(name="writer", provider="openai", price=Price(input=1.0, output=2.0))


async def test_a_ranker_gives_shares(embedder: OnnxEmbedder, tmp_path: Path) -> None:
    """Nearer is more, opposite is 0, never less."""

    async def model() -> Embedder:
        return embedder

    parts = EngineParts(index_folder=tmp_path, knowledge={}, embedder=model, clock=SystemClock())
    ranker = EngineRanker(LocalEngine(parts))
    near, far = await ranker.rank("How do I get a refund?", ["Refunds are paid in 14 days.", "zebra"])
    assert 0 <= far < near <= 1
    assert await ranker.rank("Why?", []) == []


@pytest.mark.parametrize(
    ("model", "usage", "cost"),
    [
        pytest.param(PRICED, Usage(input=7, output=3), 13_000, id="priced"),
        pytest.param(PRICED, None, None, id="nobody knows the usage"),
        pytest.param(Model(name="x", provider="openai"), Usage(input=7), None, id="nobody knows the price"),
        pytest.param(PRICED, Usage(), 0, id="nothing was used"),
    ],
)
async def test_an_attempt_is_priced_at_its_end(model: Model, usage: Usage | None, cost: int | None) -> None:
    async with PriceMeter(SystemClock()).attempt(model, Order(REQUEST)) as bill:
        bill.usage = usage
        assert bill.cost is None
    assert bill.cost == cost


async def test_what_used_nothing_costs_nothing_at_whatever_price() -> None:
    async with PriceMeter(SystemClock()).attempt(Model(name="x", provider="openai"), Order(REQUEST)) as bill:
        bill.usage, bill.is_free = Usage(), True
    assert bill.cost == 0


def chat(**fields: object) -> Order:
    turns = [{"role": "user", "content": "Hi?"}]
    return Order(read_body(msgspec.json.encode({"model": "m", "messages": turns, **fields})))


@pytest.mark.parametrize(
    ("order", "moment", "expected"),
    [
        pytest.param(chat(), "2026-12-31T23:59:00+00:00", 1.0, id="before it changes"),
        pytest.param(chat(), "2027-01-01T00:00:00+00:00", 3.0, id="after"),
        pytest.param(
            chat(service_tier="priority"), "2026-12-31T23:59:00+00:00", 9.0, id="asked to be sooner"
        ),
        pytest.param(chat(service_tier="other"), "2026-12-31T23:59:00+00:00", None, id="at no price we know"),
    ],
)
def test_a_price_is_that_of_the_moment_and_of_what_is_asked(
    order: Order, moment: str, expected: float | None
) -> None:
    """Price-list changes that were announced take hold in processes that run."""
    later = Change(price=Price(input=3, output=3), since=dt.date(2027, 1, 1))
    sooner = Lane("priority", Price(input=9, output=9))
    model = Model(
        name="m", provider="openai", price=Price(input=1, output=2, changes=(later,), lanes=(sooner,))
    )
    found = price_now(model, order, ManualClock(dt.datetime.fromisoformat(moment)))
    assert (found.input if found else None) == expected


async def test_each_model_costs_what_its_own_entry_says() -> None:
    """Helicone#4893: the price of the same model at another provider."""
    dear = Model(name="there", id="gpt", provider="openai", price=Price(input=30.0, output=60.0))
    cheap = Model(name="here", id="gpt", provider="openai", price=Price(input=0.1, output=0.2))
    costs = []
    for model in (dear, cheap):
        async with PriceMeter(SystemClock()).attempt(model, Order(REQUEST)) as bill:
            bill.usage = Usage(input=10)
        costs.append(bill.cost)
    assert costs == [300_000, 1_000]


async def break_with(error: BaseException, bills: list[Bill]) -> None:
    """Use one token, then fail."""
    async with PriceMeter(SystemClock()).attempt(PRICED, Order(REQUEST)) as bill:
        bills.append(bill)
        bill.usage = Usage(input=1)
        raise error


@pytest.mark.parametrize("error", [ConnectionError(), asyncio.CancelledError()])
async def test_an_attempt_that_broke_is_priced_too(error: BaseException) -> None:
    bills: list[Bill] = []
    with pytest.raises(type(error)):
        await break_with(error, bills)
    assert bills[0].cost == 1_000


async def test_everything_may_leave() -> None:
    await OpenEgress().allow(PRICED, Order(REQUEST))
