"""Drills: a real provider that is made slow, broken in the middle of its answer, or dear, for who watches.

The waits are waited, and the break is the error that a broken upstream raises. One thing is pretended: what a
model costs that is free. It is set aside, paid and refused as any other price is.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, aclosing
from typing import Literal

from msgspec.structs import replace

from buttress.kernel.catalogue import Model, Price
from buttress.kernel.messages import ModelEvent, ModelRequest, TextDelta
from buttress.kernel.principal import Payer
from buttress.models.dialects.types import Body, Tally
from buttress.models.errors import StreamCut
from buttress.models.order import Order
from buttress.models.ports import Meter, Provider
from buttress.models.types import Bill

Drill = Literal["slow", "cut", "spend"]
"""What is done to the models of one call; or, to spend a budget, to what they cost."""

TAG = "drill"
"""What a call under a drill is tagged with: a budget can be for those only, `where: {tag.drill: spend}`."""

FREE = Price(input=0.0, output=0.0)

PRETENDED = Price(input=0.0, output=0.0, request=0.01)
"""What an attempt at a free model is billed at, to be seen to spend a budget: a cent, however long it is."""

CHARACTERS_A_SECOND = 40.0
"""How fast a slowed model speaks: a person reads about half as fast."""

LONGEST_WAIT_S = 3.0
"""A piece of any length waits no longer: a drill is to be slow, not late."""

CUT_AFTER_CHARACTERS = 120
"""When a stream breaks: late enough that a first sentence was released, mostly."""


def drilled(provider: Provider, drill: Drill | None) -> Provider:
    """Return `provider` with `drill` done to it; itself without one."""
    match drill:
        case "slow":
            return SlowProvider(provider)
        case "cut":
            return CutProvider(provider)
        case "spend" | None:
            return provider


def drilled_meter(metering: Callable[[Payer], Meter], drill: Drill | None) -> Callable[[Payer], Meter]:
    """Return `metering`; with the drill that spends, free models cost what is `PRETENDED`."""
    return metering if drill != "spend" else lambda payer: PretendingMeter(metering(payer))


class PretendingMeter:
    """A `Meter` that takes free models for priced ones. What quotes stays free: it is left at the end."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    def attempt(self, model: Model, order: Order) -> AbstractAsyncContextManager[Bill]:
        """See `Meter.attempt`."""
        is_to_be_priced = _is_free(model) and model.provider != "extractive"
        return self._meter.attempt(replace(model, price=PRETENDED) if is_to_be_priced else model, order)


def _is_free(model: Model) -> bool:
    return model.price is not None and replace(model.price, source="", date=None) == FREE


class SlowProvider:
    """A `Provider` that waits before each piece as long as it would take to say it slowly."""

    def __init__(self, provider: Provider, characters_a_second: float = CHARACTERS_A_SECOND) -> None:
        self._provider = provider
        self._characters_a_second = characters_a_second

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent | Tally, None]:
        """See `Provider.stream`."""
        async with aclosing(self._provider.stream(request)) as events:
            async for event in events:
                if isinstance(event, TextDelta):
                    wait_s = len(event.text) / self._characters_a_second
                    await asyncio.sleep(min(wait_s, LONGEST_WAIT_S))
                yield event

    def pass_on(self, body: Body) -> None:
        """See `Provider.pass_on`; what is done to an answer is done in our words."""


class CutProvider:
    """A `Provider` whose stream breaks at the first event after so many characters, its end at the latest."""

    def __init__(self, provider: Provider, after_characters: int = CUT_AFTER_CHARACTERS) -> None:
        self._provider = provider
        self._after_characters = after_characters

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent | Tally, None]:
        """See `Provider.stream`.

        Raises:
            StreamCut: always, in place of the rest of the answer.
        """
        said = 0
        async with aclosing(self._provider.stream(request)) as events:
            async for event in events:
                if isinstance(event, Tally):
                    yield event
                    continue
                if not isinstance(event, TextDelta) or said >= self._after_characters:
                    break
                said += len(event.text)
                yield event
        raise StreamCut(f"a drill broke the stream after {said} characters")

    def pass_on(self, body: Body) -> None:
        """See `Provider.pass_on`; what is done to an answer is done in our words."""
