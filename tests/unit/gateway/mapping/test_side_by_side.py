"""Side by side: a few at a time, given as they are there, and nothing is left running."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing

import pytest

from buttress.gateway.mapping.side_by_side import side_by_side


class Counting:
    """Work that counts how much of it runs at once, and waits until it is let go."""

    def __init__(self) -> None:
        self.running = self.most = self.cancelled = 0
        self.go = asyncio.Event()
        self.begun = [asyncio.Event() for _ in range(10)]

    def work(self, number: int) -> Callable[[], Awaitable[int]]:
        """Return a piece of work whose result is `number`."""

        async def run() -> int:
            self.running += 1
            self.most = max(self.most, self.running)
            self.begun[number].set()
            try:
                await self.go.wait()
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
            finally:
                self.running -= 1
            return number

        return run


@pytest.mark.parametrize(("count", "at_once", "most"), [(10, 3, 3), (2, 8, 2), (0, 3, 0)])
async def test_so_many_run_at_once_and_all_are_given(count: int, at_once: int, most: int) -> None:
    counting = Counting()
    counting.go.set()
    async with side_by_side([counting.work(at) for at in range(count)], at_once) as results:
        assert sorted([one async for one in results]) == list(range(count))
    assert counting.most <= most


async def test_leaving_cancels_what_is_under_way() -> None:
    counting = Counting()
    async with side_by_side([counting.work(at) for at in range(9)], 4) as results, aclosing(results):
        await asyncio.wait_for(counting.begun[3].wait(), 20)
    assert (counting.running, counting.cancelled) == (0, 4)


async def test_what_one_raises_comes_bare_and_ends_the_others() -> None:
    counting = Counting()

    async def fails() -> int:
        await asyncio.sleep(0)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        async with side_by_side([counting.work(1), fails], 2) as results:
            _ = [one async for one in results]
    assert counting.running == 0


async def test_what_the_block_raises_comes_bare() -> None:
    counting = Counting()
    with pytest.raises(KeyError):
        async with side_by_side([counting.work(1)], 2):
            raise KeyError
    assert counting.running == 0
