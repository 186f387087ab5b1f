"""Drills: a provider that is slow, or breaks in the middle."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from buttress.kernel.messages import Finished, Message, ModelEvent, ModelRequest, TextDelta
from buttress.kernel.usage import Usage
from buttress.models.dialects.types import Body, Tally
from buttress.models.errors import StreamCut
from buttress.models.providers.scripted import CutProvider, SlowProvider, drilled
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
