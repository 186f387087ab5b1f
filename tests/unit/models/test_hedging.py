"""`models.hedging`, by itself and in a ladder."""

# ruff: noqa: ARG002 - the fakes here take what a port hands them, and need little of it

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import aclosing, suppress

import pytest
import structlog

from buttress.kernel.catalogue import Model
from buttress.kernel.messages import Finished, ModelEvent, ModelRequest, TextDelta
from buttress.kernel.usage import Usage
from buttress.models import errors
from buttress.models.dialects.types import Body
from buttress.models.hedging import first_of
from buttress.models.ladder import stream_ladder
from buttress.models.order import Order
from buttress.models.ports import Rung
from buttress.models.types import Pace, Piece
from buttress.outbound.sessions import Sessions
from buttress.outbound.settings import OutboundSettings
from buttress.testing.contracts.provider import text_of
from buttress.testing.upstream import Reply, ScriptedUpstream
from tests.unit.models.climbing import REQUEST, USED, Acted, House, over_http, rung
from tests.waiting import until


class Begun:
    """Something that was begun, and knows whether it was closed."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.is_closed = False

    async def aclose(self) -> None:
        self.is_closed = True


Call = Callable[[], Awaitable[Begun | None]]


def calls(*each: Call) -> Callable[[], Coroutine[None, None, Begun | None]]:
    """Return a function that calls `each` in turn."""
    left = iter(each)

    async def begin() -> Begun | None:
        return await next(left)()

    return begin


def after(seconds: float, what: Begun | BaseException | None) -> Call:
    async def call() -> Begun | None:
        await asyncio.sleep(seconds)
        if isinstance(what, BaseException):
            raise what
        return what

    return call


def ending_when(settled: asyncio.Event, error: BaseException | None = None) -> Call:
    """Return a call that never gives anything; when it is cancelled it waits for `settled`, and may fail."""

    async def call() -> None:
        try:
            await asyncio.sleep(30)
        finally:
            await settled.wait()
            if error:
                raise error

    return call


async def winner(*each: Call, after_s: float = 0.01) -> Begun | None:
    """Return what the first of two gives, and check that it was open until the block ended."""
    async with first_of(calls(*each), after_s) as won:
        assert won is None or not won.is_closed
    assert won is None or won.is_closed
    return won


async def test_a_quick_one_is_alone() -> None:
    begun = Begun("a")
    assert await winner(after(0, begun), after_s=5) is begun


async def test_the_first_of_two_wins() -> None:
    begun = Begun("b")
    assert await winner(after(30, Begun("a")), after(0, begun)) is begun


async def test_of_two_at_once_the_earlier_one_wins_and_the_other_is_closed() -> None:
    both, ready = (Begun("a"), Begun("b")), asyncio.Event()

    def when_ready(begun: Begun) -> Callable[[], Awaitable[Begun]]:
        async def call() -> Begun:
            await ready.wait()
            return begun

        return call

    asyncio.get_running_loop().call_later(0.05, ready.set)
    async with first_of(calls(*map(when_ready, both)), 0.01) as won:
        assert won is both[0]
        assert [one.is_closed for one in both] == [False, True]


async def test_one_that_gives_nothing_leaves_it_to_the_other() -> None:
    begun = Begun("a")
    assert await winner(after(0.05, begun), after(0, None)) is begun
    assert await winner(after(0.03, None), after(0, None)) is None
    assert await winner(after(0, None), after_s=5) is None


async def test_the_winner_does_not_wait_until_the_loser_is_paid_for_and_the_block_does() -> None:
    begun, settled, before = Begun("b"), asyncio.Event(), len(asyncio.all_tasks())
    async with first_of(calls(ending_when(settled), after(0, begun)), 0.01) as won:
        assert won is begun
        assert len(asyncio.all_tasks()) == before + 1
        settled.set()
    assert len(asyncio.all_tasks()) == before


async def test_what_goes_wrong_with_the_loser_is_logged_and_harms_nobody() -> None:
    begun, settled = Begun("b"), asyncio.Event()
    with structlog.testing.capture_logs() as logs:
        async with first_of(calls(ending_when(settled, KeyError("a bug")), after(0, begun)), 0.01) as won:
            settled.set()
    assert won is begun
    assert [one["event"] for one in logs] == ["models.hedge_lost"]


@pytest.mark.parametrize("which", [pytest.param(0, id="of the first"), pytest.param(1, id="of the second")])
async def test_an_error_is_raised_as_it_is_and_the_other_cancelled(which: int) -> None:
    each = [after(30, None), after(30, None)]
    each[which] = after(0.03, KeyError("a bug"))
    before = len(asyncio.all_tasks())
    with pytest.raises(KeyError):
        await winner(*each)
    assert len(asyncio.all_tasks()) == before


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(KeyError("a bug"), id="an error"),
        pytest.param(asyncio.CancelledError(), id="cancelled"),
        pytest.param(GeneratorExit(), id="closed"),
    ],
)
async def test_what_breaks_the_block_is_raised_as_it_is(error: BaseException) -> None:
    begun = Begun("b")
    with pytest.raises(type(error)):
        async with first_of(calls(after(30, None), after(0, begun)), 0.01):
            raise error
    assert begun.is_closed


async def test_who_is_cancelled_leaves_no_task() -> None:
    before = len(asyncio.all_tasks())
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await winner(after(30, None), after(30, None))
    assert len(asyncio.all_tasks()) == before


@pytest.mark.parametrize("turns", [pytest.param(turns, id=f"after {turns} turns") for turns in range(14)])
async def test_whenever_it_is_cancelled_what_was_begun_is_closed(turns: int) -> None:
    """At each turn of the loop, also the one in which somebody wins."""
    both = [Begun("a"), Begun("b")]

    def soon(begun: Begun, steps: int) -> Call:
        async def call() -> Begun:
            for _ in range(steps):
                await asyncio.sleep(0)
            was_begun.append(begun)
            return begun

        return call

    was_begun: list[Begun] = []
    before = len(asyncio.all_tasks())
    async with asyncio.TaskGroup() as group:
        task = group.create_task(winner(soon(both[0], 6), soon(both[1], 4), after_s=0))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
    with suppress(asyncio.CancelledError):
        task.result()
    assert all(one.is_closed for one in was_begun)
    assert len(asyncio.all_tasks()) == before


async def hedged(house: House, *rungs: Rung, after_ms: int = 20) -> list[Piece | Finished]:
    before = len(asyncio.all_tasks())
    try:
        stream = stream_ladder(Order(REQUEST), rungs, house.ports, Pace(hedge_after_ms=after_ms))
        async with aclosing(stream) as events:
            return [event async for event in events]
    finally:
        assert len(asyncio.all_tasks()) == before, "a task was left"
        assert house.doors.open == 0


async def test_a_first_rung_that_is_quick_is_not_hedged(house: House) -> None:
    second = Acted(["no"])
    assert text_of(await hedged(house, rung("a", Acted(["yes"])), rung("b", second), after_ms=5_000)) == "yes"
    assert second.asked == 0


async def test_a_silent_first_rung_loses_to_the_second_and_both_are_paid_for(house: House) -> None:
    silent = Acted([30.0, "no"])
    assert text_of(await hedged(house, rung("a", silent), rung("b", Acted(["yes"])))) == "yes"
    assert house.told == [("a", "cancelled", None), ("b", "answered", None)]
    assert [(one.usage, one.is_estimated) for one in house.attempts] == [
        (Usage(input=2), True),
        (USED, False),
    ]
    assert silent.running == 0


async def test_the_first_rung_may_still_win(house: House) -> None:
    late = Acted([0.1, "yes"])
    assert text_of(await hedged(house, rung("a", late), rung("b", Acted([30.0, "no"])))) == "yes"
    assert house.told == [("b", "cancelled", None), ("a", "answered", None)]


async def test_of_two_that_speak_at_once_one_is_heard_and_the_other_closed(house: House) -> None:
    gate = asyncio.Event()

    class Together:
        async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
            await gate.wait()
            yield TextDelta("yes")
            yield Finished(reason="stop", usage=USED, model="acted")

        def pass_on(self, body: Body) -> None:
            return None

    asyncio.get_running_loop().call_later(0.1, gate.set)
    rungs = [Rung(Model(name=name, provider="acted"), Together()) for name in ("a", "b")]
    assert text_of(await hedged(house, *rungs)) == "yes"
    assert sorted(one.outcome for one in house.attempts) == ["answered", "cancelled"]


async def test_when_one_fails_while_the_other_runs_the_ladder_goes_on(house: House) -> None:
    slow = Acted([0.1, errors.RefusedKey("no")])
    rungs = [rung("a", slow), rung("b", Acted([errors.BadRequest("no")])), rung("c", Acted(["yes"]))]
    assert text_of(await hedged(house, *rungs)) == "yes"
    assert [name for name, _, _ in house.told] == ["b", "a", "c"]


async def test_when_both_fail_no_rung_is_left_and_both_are_named(house: House) -> None:
    slow = Acted([0.05, errors.RefusedKey("no")])
    with pytest.raises(errors.NoRungLeft) as raised:
        await hedged(house, rung("a", slow), rung("b", Acted([0.01, errors.BadRequest("no")])))
    assert {one.model for one in raised.value.failures} == {"a", "b"}


async def test_a_single_rung_is_hedged_by_nobody(house: House) -> None:
    assert text_of(await hedged(house, rung("a", Acted([0.05, "yes"])))) == "yes"


async def test_who_leaves_while_two_are_asked_ends_both(house: House) -> None:
    first, second = Acted([30.0]), Acted([30.0])
    async with asyncio.TaskGroup() as group:
        task = group.create_task(hedged(house, rung("a", first), rung("b", second)))
        await until(lambda: second.running)
        task.cancel()
    assert (first.running, second.running) == (0, 0)
    assert sorted(house.told) == [(name, "cancelled", None) for name in ("a", "b")]


async def test_a_bug_while_two_are_asked_is_raised_as_it_is(house: House) -> None:
    class Broken:
        async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
            raise KeyError("a bug")
            yield TextDelta("")

        def pass_on(self, body: Body) -> None:
            return None

    broken = Rung(Model(name="b", provider="acted"), Broken())
    with pytest.raises(KeyError):
        await hedged(house, rung("a", Acted([30.0])), broken)


async def test_the_loser_of_a_hedge_is_hung_up_on_within_a_tenth_of_a_second(house: House) -> None:
    async with (
        ScriptedUpstream([Reply(ending="stall", after=0)]) as upstream,
        Sessions(OutboundSettings()) as sessions,
    ):
        model = Model(name="real", provider="openai", base_url=upstream.url)
        provider = over_http(model, sessions, house.ports.settings)
        stream = stream_ladder(
            Order(REQUEST),
            [Rung(model, provider), rung("b", Acted(["yes", 30.0]))],
            house.ports,
            Pace(hedge_after_ms=200),
        )
        async with aclosing(stream) as events:
            assert await anext(events) == TextDelta("yes")
            won_at = asyncio.get_running_loop().time()
            async with asyncio.timeout(5):
                await upstream.received[0].hung_up.wait()
        assert upstream.received[0].hung_up_at is not None
        assert upstream.received[0].hung_up_at - won_at < 0.1
