"""Work done side by side, a few at a time; what comes of it is given as it is there."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

T = TypeVar("T")


@asynccontextmanager
async def side_by_side(
    work: Sequence[Callable[[], Awaitable[T]]], at_once: int
) -> AsyncIterator[AsyncGenerator[T, None]]:
    """Do all of `work`, `at_once` at a time; give what comes of it, in the order it is there.

    Leaving the block cancels what is under way; when it has ended no task is left.

    Raises:
        BaseException: whatever the first piece of work to fail raises.
    """
    results: asyncio.Queue[T] = asyncio.Queue()
    left = iter(work)

    async def run() -> None:
        for one in left:
            results.put_nowait(await one())

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(run()) for _ in range(min(at_once, len(work)))]
            yield _given(results, len(work))
            for task in tasks:
                task.cancel()
    except BaseExceptionGroup as of_all:
        raise of_all.exceptions[0] from None


async def _given(results: asyncio.Queue[T], count: int) -> AsyncGenerator[T, None]:
    for _ in range(count):
        yield await results.get()
