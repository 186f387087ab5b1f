"""Drills: a provider that is slow, or breaks in the middle."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from msgspec.structs import replace

from buttress.kernel.catalogue import Model, Price
from buttress.kernel.messages import Finished, Message, ModelEvent, ModelRequest, TextDelta
from buttress.kernel.principal import Payer
from buttress.kernel.usage import Usage
from buttress.models.dialects.types import Body, Tally
from buttress.models.errors import StreamCut
from buttress.models.order import Order
from buttress.models.providers.scripted import (
    FREE,
    PRETENDED,
    CutProvider,
    Drill,
    SlowProvider,
    drilled,
    drilled_meter,
)
from buttress.models.types import Bill
from buttress.testing.contracts.provider import ProviderCase, ProviderContract, collect, text_of


class Says:
    """A provider that says each word of the question; counts the streams under way."""

    def __init__(self) -> None:
        self.running = 0

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """See `Provider.stream`."""
        self.running += 1
        try:
            for word in request.messages[0].content.split():
                yield TextDelta(f"{word} ")
            yield Finished(reason="stop", usage=Usage(), model="says")
        finally:
            self.running -= 1

    def pass_on(self, body: Body) -> None:
        del body


def request(text: str) -> ModelRequest:
    """Return a request of one message."""
    return ModelRequest(messages=(Message("user", text),), max_tokens=100)


class TestSlowProvider(ProviderContract):
    """What is slow says the same."""

    @pytest.fixture
    def case(self) -> ProviderCase:
        """A slowed provider; not so slow that tests are."""
        says = Says()
        texts = ("one two three", "a <b> \u202e 鍵")
        return ProviderCase(
            provider=SlowProvider(says, characters_a_second=10_000),
            exchanges=tuple((request(text), f"{' '.join(text.split())} ") for text in texts),
            is_at_rest=lambda: says.running == 0,
        )


async def test_a_slow_provider_waits_before_each_piece() -> None:
    loop = asyncio.get_running_loop()
    before = loop.time()
    await collect(SlowProvider(Says(), characters_a_second=100), request("one two three"))
    assert loop.time() - before >= 0.13


@pytest.mark.parametrize(
    ("after", "said"),
    [
        pytest.param(1, "one ", id="at the first piece after so many characters"),
        pytest.param(4, "one ", id="when exactly so many were said"),
        pytest.param(5, "one two ", id="never within a piece"),
        pytest.param(1_000, "one two three ", id="at the end at the latest"),
    ],
)
async def test_a_cut_provider_breaks_its_stream(after: int, said: str) -> None:
    says = Says()
    events: list[ModelEvent | Tally] = []

    async def read() -> None:
        async for event in CutProvider(says, after_characters=after).stream(request("one two three")):
            events.append(event)  # noqa: PERF401 - what came before the break is wanted

    with pytest.raises(StreamCut, match="a drill"):
        await read()
    assert text_of(events) == said
    assert says.running == 0


def test_without_a_drill_a_provider_is_itself() -> None:
    says = Says()
    assert drilled(says, None) is says
    assert isinstance(drilled(says, "slow"), SlowProvider)
    assert isinstance(drilled(says, "cut"), CutProvider)


class Till:
    """A meter that notes what it takes models to cost."""

    def __init__(self) -> None:
        self.prices: list[Price | None] = []

    @asynccontextmanager
    async def attempt(self, model: Model, order: Order) -> AsyncGenerator[Bill, None]:
        """See `Meter.attempt`."""
        del order
        self.prices.append(model.price)
        yield Bill()


DEAR = Price(input=1.0, output=0.0)
PER_REQUEST = Price(input=0.0, output=0.0, request=0.5)


@pytest.mark.parametrize(
    ("provider", "price", "drill", "expected"),
    [
        pytest.param("local", FREE, "spend", PRETENDED, id="what is free costs a cent"),
        pytest.param("openai", replace(FREE, source="us"), "spend", PRETENDED, id="whoever says so"),
        pytest.param("extractive", FREE, "spend", FREE, id="what quotes is left"),
        pytest.param("openai", DEAR, "spend", DEAR, id="a price is a price"),
        pytest.param("openai", PER_REQUEST, "spend", PER_REQUEST, id="of a request, too"),
        pytest.param("openai", None, "spend", None, id="what nobody knows is not known"),
        pytest.param("local", FREE, "slow", FREE, id="other drills cost nothing"),
        pytest.param("local", FREE, None, FREE, id="nor does a call without one"),
    ],
)
async def test_a_price_is_pretended_where_there_is_none(
    provider: str, price: Price | None, drill: Drill | None, expected: Price | None
) -> None:
    till = Till()
    meter = drilled_meter(lambda _: till, drill)(Payer(tenant="default", feature="support"))
    model = Model(name="m", provider=provider, price=price)
    async with meter.attempt(model, Order(request("Hi?"))):
        pass
    assert till.prices == [expected]


def test_what_spends_a_budget_is_done_to_no_answer() -> None:
    says = Says()
    assert drilled(says, "spend") is says
