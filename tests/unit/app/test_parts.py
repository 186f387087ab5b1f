"""Parts: opened once, when first needed; closed in reverse order."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

import pytest

from buttress.app.parts import Part


class Door:
    """Something that is opened and closed, and keeps count; the first `failures` openings fail."""

    def __init__(self, log: list[str], name: str = "door", failures: int = 0) -> None:
        self._log = log
        self._name = name
        self._failures = failures

    def __call__(self) -> AbstractAsyncContextManager[str]:
        """Open it for a block."""
        return self._opened()

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[str]:
        await asyncio.sleep(0)
        if self._failures:
            self._failures -= 1
            raise ConnectionError
        self._log.append(f"open {self._name}")
        yield self._name
        self._log.append(f"close {self._name}")


async def test_nothing_is_opened_before_it_is_needed() -> None:
    log: list[str] = []
    async with AsyncExitStack() as stack:
        part = Part(stack, Door(log))
        assert not part.is_open
    assert log == []


async def test_many_at_once_open_it_once() -> None:
    log: list[str] = []
    async with AsyncExitStack() as stack:
        part = Part(stack, Door(log))
        assert await asyncio.gather(*(part.get() for _ in range(20))) == ["door"] * 20
        assert part.is_open
    assert log == ["open door", "close door"]


async def test_an_opening_that_failed_is_tried_again() -> None:
    async with AsyncExitStack() as stack:
        part = Part(stack, Door([], failures=1))
        with pytest.raises(ConnectionError):
            await part.get()
        assert not part.is_open
        assert await part.get() == "door"


async def test_the_last_opened_is_closed_first() -> None:
    log: list[str] = []
    async with AsyncExitStack() as stack:
        for name in ("a", "b"):
            await Part(stack, Door(log, name)).get()
    assert log == ["open a", "open b", "close b", "close a"]


async def test_who_gives_up_waiting_leaves_it_usable() -> None:
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        part = Part(stack, Door([]))
        waiting = group.create_task(part.get())
        await asyncio.sleep(0)
        waiting.cancel()
        assert await part.get() == "door"
