"""`models.ladder`, left at every turn of the event loop: nothing is kept that belongs to who left."""

# ruff: noqa: ARG002 - the fakes here take what a port hands them, and need little of it

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress

import msgspec
import pytest

from buttress.kernel.catalogue import Model
from buttress.kernel.chance import SeededChance
from buttress.kernel.clock import SystemClock
from buttress.kernel.errors import ButtressError
from buttress.kernel.messages import Finished, ModelEvent, ModelRequest, TextDelta
from buttress.kernel.usage import NanoDollars, Usage
from buttress.models.attempts import LadderPorts
from buttress.models.concurrency import Limit
from buttress.models.deployments import Deployments
from buttress.models.dialects.types import Body
from buttress.models.errors import BadRequest, ModelUnavailable
from buttress.models.hedging import first_of
from buttress.models.ladder import Climb, stream_ladder
from buttress.models.order import Order
from buttress.models.ports import Rung
from buttress.models.settings import BreakerSettings, ModelSettings
from buttress.models.types import Attempt, Bill, Pace, Piece

REQUEST = ModelRequest(messages=(), max_tokens=5)
SETTINGS = ModelSettings(backoff_base_s=0.0, breaker=BreakerSettings(failures=1, open_s=0.000_001))
"""A breaker that opens at once and half-opens at once: each call after a failure is a probe."""

A, B = Model(name="a", provider="p"), Model(name="b", provider="p")


async def turns(number: int) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


class World:
    """Ports that wait at every step; what is open in them, and what was recorded."""

    def __init__(self) -> None:
        self.open = 0
        self.speaking = 0
        self.bills: list[Bill] = []
        self.attempts: list[Attempt] = []
        self.deployments = Deployments(SETTINGS, SystemClock())

    @property
    def ports(self) -> LadderPorts:
        return LadderPorts(
            egress=self,
            meter=self,
            clock=SystemClock(),
            chance=SeededChance(1),
            deployments=self.deployments,
            record=self.attempts.append,
            settings=SETTINGS,
        )

    async def allow(self, model: Model, order: Order) -> None:
        await turns(1)

    @asynccontextmanager
    async def attempt(self, model: Model, order: Order) -> AsyncIterator[Bill]:
        await turns(1)
        bill = Bill()
        self.open += 1
        self.bills.append(bill)
        try:
            yield bill
        finally:
            bill.cost = NanoDollars(0)
            self.open -= 1
            await turns(1)


class Speaks:
    """A provider that waits some turns, then speaks, or fails."""

    def __init__(self, world: World, waits: int, error: ButtressError | None = None) -> None:
        self._world, self._waits, self._error = world, waits, error

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        self._world.speaking += 1
        try:
            await turns(self._waits)
            if self._error:
                raise self._error
            for text in ("Hel", "lo"):
                yield TextDelta(text)
                await turns(1)
            yield Finished(reason="stop", usage=Usage(output=2), model="m")
        finally:
            self._world.speaking -= 1
            await turns(1)

    def pass_on(self, body: Body) -> None:
        return None


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """What the first of two rungs does; whether the second is asked beside it, or others are before it."""

    waits: int = 1
    error: ButtressError | None = None
    is_hedged: bool = False
    is_queue: bool = False


SCENES = {
    "it answers": Scene(),
    "it fails for now": Scene(error=ModelUnavailable("down")),
    "it refuses": Scene(error=BadRequest("no")),
    "it is hedged": Scene(waits=8, is_hedged=True),
    "it is hedged, and both speak at once": Scene(waits=2, is_hedged=True),
    "it has to be waited for": Scene(is_queue=True),
}


async def heard(world: World, scene: Scene) -> list[Piece | Finished]:
    rungs = [Rung(A, Speaks(world, scene.waits, scene.error)), Rung(B, Speaks(world, 1))]
    if scene.is_hedged:
        climb = Climb(Order(REQUEST), rungs, world.ports, Pace())
        async with first_of(climb.begin, 0) as begun:
            assert begun is not None
            return [piece async for piece in begun.rest]
    async with aclosing(stream_ladder(Order(REQUEST), rungs, world.ports)) as pieces:
        return [piece async for piece in pieces]


def is_at_rest(world: World) -> bool:
    gates = [world.deployments.of(model).gate for model in (A, B)]
    places = [(gate.running, gate.waiting) for gate in gates]
    return (world.open, world.speaking, *places) == (0, 0, (0, 0), (0, 0))


async def left_after(number: int, scene: Scene) -> tuple[World, bool]:
    """Leave a call after so many turns; return its world, and whether it had come to its end by itself."""
    world = World()
    if scene.is_queue:
        world.deployments.of(A).gate.limit = Limit(1)
    async with asyncio.TaskGroup() as group:
        if scene.is_queue:
            group.create_task(heard(world, Scene(waits=3)))
        call = group.create_task(heard(world, scene))
        await turns(number)
        has_ended = call.done()
        call.cancel()
    with suppress(asyncio.CancelledError, ButtressError):
        call.result()
    return world, has_ended


@pytest.mark.parametrize("scene", [pytest.param(scene, id=name) for name, scene in SCENES.items()])
async def test_whenever_it_is_left_all_is_given_back_and_recorded(scene: Scene) -> None:
    before, number, has_ended = len(asyncio.all_tasks()), 0, False
    while not has_ended:
        world, has_ended = await left_after(number, scene)
        assert is_at_rest(world), f"left after {number} turns"
        assert len(asyncio.all_tasks()) == before
        assert len(world.bills) <= len(world.attempts), "what was reserved was recorded"
        assert all(one.cost is not None for one in world.attempts)
        number += 1
    assert number > 5


@pytest.mark.parametrize("scene", [pytest.param(scene, id=name) for name, scene in SCENES.items()])
async def test_whenever_it_is_left_the_models_can_still_be_asked(scene: Scene) -> None:
    """No probe keeps its place, and no limit its calls."""
    for number in range(30):
        world, _ = await left_after(number, scene)
        await asyncio.sleep(0.000_01)
        answer = await heard(world, Scene())
        assert [one.text for one in answer if isinstance(one, TextDelta)] == ["Hel", "lo"]
        assert world.attempts[-1].model == "a", f"left after {number} turns"


async def test_the_last_event_of_a_hedges_winner_does_not_wait_for_the_loser() -> None:
    world, settled = World(), asyncio.Event()

    class Slow(World):
        @asynccontextmanager
        async def attempt(self, model: Model, order: Order) -> AsyncIterator[Bill]:
            async with super().attempt(model, order) as bill:
                try:
                    yield bill
                finally:
                    await (settled.wait() if model is A else turns(1))

    world = Slow()
    rungs = [Rung(A, Speaks(world, 100_000)), Rung(B, Speaks(world, 1))]
    stream = stream_ladder(Order(REQUEST), rungs, world.ports, Pace(hedge_after_ms=1))
    async with aclosing(stream) as pieces:
        async for piece in pieces:
            if isinstance(piece, Finished):
                assert [one.model for one in world.attempts] == ["b"]
                settled.set()
    assert [(one.model, one.outcome) for one in world.attempts] == [("b", "answered"), ("a", "cancelled")]
    assert is_at_rest(world)
