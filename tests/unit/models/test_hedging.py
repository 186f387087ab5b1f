"""`models.hedging`; what it does to attempts is in `test_ladder`."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine

import pytest

from buttress.models.hedging import first_of


class Begun:
    """Something that was begun, and knows whether it was closed."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.is_closed = False

    async def aclose(self) -> None:
        self.is_closed = True


def calls(*each: Callable[[], Awaitable[Begun | None]]) -> Callable[[], Coroutine[None, None, Begun | None]]:
    """Return a function that calls `each` in turn."""
    left = iter(each)

    async def begin() -> Begun | None:
        return await next(left)()

    return begin


def after(seconds: float, what: Begun | BaseException | None) -> Callable[[], Awaitable[Begun | None]]:
    async def call() -> Begun | None:
        await asyncio.sleep(seconds)
        if isinstance(what, BaseException):
            raise what
        return what

    return call


async def test_a_quick_one_is_alone() -> None:
    begun = Begun("a")
    assert await first_of(calls(after(0, begun)), 5) is begun
    assert not begun.is_closed


async def test_the_first_of_two_is_kept_open() -> None:
    begun = Begun("b")
    assert await first_of(calls(after(30, Begun("a")), after(0, begun)), 0.01) is begun
    assert not begun.is_closed


async def test_of_two_at_once_the_earlier_one_wins_and_the_other_is_closed() -> None:
    both, ready = (Begun("a"), Begun("b")), asyncio.Event()

    def when_ready(begun: Begun) -> Callable[[], Awaitable[Begun]]:
        async def call() -> Begun:
            await ready.wait()
            return begun

        return call

    asyncio.get_running_loop().call_later(0.05, ready.set)
    assert await first_of(calls(*map(when_ready, both)), 0.01) is both[0]
    assert [one.is_closed for one in both] == [False, True]


async def test_one_that_gives_nothing_leaves_it_to_the_other() -> None:
    begun = Begun("a")
    assert await first_of(calls(after(0.05, begun), after(0, None)), 0.01) is begun
    assert await first_of(calls(after(0.03, None), after(0, None)), 0.01) is None
    assert await first_of(calls(after(0, None)), 5) is None


@pytest.mark.parametrize("which", [pytest.param(0, id="of the first"), pytest.param(1, id="of the second")])
async def test_an_error_is_raised_as_it_is_and_the_other_cancelled(which: int) -> None:
    each = [after(30, None), after(30, None)]
    each[which] = after(0.03, KeyError("a bug"))
    before = len(asyncio.all_tasks())
    with pytest.raises(KeyError):
        await first_of(calls(*each), 0.01)
    assert len(asyncio.all_tasks()) == before


async def test_who_is_cancelled_leaves_no_task() -> None:
    before = len(asyncio.all_tasks())
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await first_of(calls(after(30, None), after(30, None)), 0.01)
    assert len(asyncio.all_tasks()) == before
