"""`models.hedging`; what it does to attempts is in `test_ladder`."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress

import pytest
import structlog

from buttress.models.hedging import first_of


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
