"""A bounded queue in front of work."""

import asyncio

import pytest

from buttress.knowledge.engine.queue import EngineQueue
from buttress.knowledge.errors import EngineBusy
from tests.waiting import until


async def test_so_many_run_and_the_rest_wait_in_order() -> None:
    queue = EngineQueue(2, 10)
    order: list[int] = []
    most = 0

    async def work(number: int) -> None:
        nonlocal most
        async with queue.turn():
            order.append(number)
            most = max(most, queue.running)
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        for number in range(8):
            group.create_task(work(number))
    assert order == list(range(8))
    assert most == 2
    assert (queue.running, queue.waiting) == (0, 0)


async def test_one_too_many_is_refused_with_the_numbers() -> None:
    queue = EngineQueue(1, 0)
    async with queue.turn():
        with pytest.raises(EngineBusy, match="1 calls run and 0 wait"):
            async with queue.turn():
                pass
    async with queue.turn():
        assert queue.running == 1


async def test_who_is_cancelled_leaves_no_trace() -> None:
    """Neither while waiting, nor while running."""
    queue = EngineQueue(1, 5)

    async def hold() -> None:
        async with queue.turn():
            await asyncio.Event().wait()

    async def one_waits() -> bool:
        return queue.waiting == 1

    async with asyncio.TaskGroup() as group:
        holding, waiting = group.create_task(hold()), group.create_task(hold())
        await until(one_waits)
        waiting.cancel()
        holding.cancel()
    assert (queue.running, queue.waiting) == (0, 0)
    async with queue.turn():
        assert queue.running == 1
