"""Work that is done to its end."""

import asyncio

import pytest

from buttress.knowledge.ending import to_its_end


async def test_it_is_done() -> None:
    done = asyncio.Event()
    await to_its_end(set_soon(done))
    assert done.is_set()


async def test_who_is_cancelled_meanwhile_is_cancelled_when_it_is_done() -> None:
    done = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(to_its_end(set_soon(done)))
        await asyncio.sleep(0)
        task.cancel()
    assert task.cancelled()
    assert done.is_set()


async def test_what_it_raises_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        await to_its_end(fail())


async def set_soon(event: asyncio.Event) -> None:
    """Set `event`, a few turns of the loop later."""
    for _ in range(5):
        await asyncio.sleep(0)
    event.set()


async def fail() -> None:
    """Fail."""
    raise ZeroDivisionError
