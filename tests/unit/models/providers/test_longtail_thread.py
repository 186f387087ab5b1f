"""A thread of its own: the loop of others' code, and ours beside it."""

import asyncio
import threading

import pytest

from buttress.models.providers.longtail_thread import LoopThread
from buttress.testing.contracts.provider import until


class Turned(Exception):
    """What the tests make of an error."""


def turned(error: BaseException) -> BaseException:
    return Turned(repr(error))


async def test_work_is_done_in_a_thread_of_its_own() -> None:
    async def where() -> str:
        return threading.current_thread().name

    assert await LoopThread().run(where(), turned) == "buttress-longtail"


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(ValueError("bad"), id="an error"),
        pytest.param(StopAsyncIteration(), id="the end of an iterator"),
    ],
)
async def test_whatever_it_raises_is_turned(error: Exception) -> None:
    async def fail() -> None:
        raise error

    with pytest.raises(Turned) as raised:
        await LoopThread().run(fail(), turned)
    assert str(raised.value) == repr(error)
    assert raised.value.__cause__ is error


async def test_what_blocks_there_blocks_nobody_here() -> None:
    release, beats = threading.Event(), 0

    async def block() -> None:
        release.wait(10)

    async with asyncio.TaskGroup() as group:
        group.create_task(LoopThread().run(block(), turned))
        for _ in range(20):
            await asyncio.sleep(0)
            beats += 1
        release.set()
    assert beats == 20


async def test_whoever_is_cancelled_cancels_the_work() -> None:
    own, began, ended = LoopThread(), threading.Event(), threading.Event()

    async def last() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with asyncio.TaskGroup() as group:
        task = group.create_task(own.run(last(), turned))
        await until(began.is_set)
        task.cancel()
    await until(ended.is_set)


async def test_its_thread_ends_with_it_after_its_last_words() -> None:
    said: list[str] = []
    own = LoopThread()
    thread = await own.run(_thread(), turned)

    async def farewell() -> None:
        said.append("farewell")

    async def fails() -> None:
        raise ValueError("nobody hears this")

    async def late() -> None:
        await asyncio.sleep(0.01)
        said.append("late")

    own.at_end(farewell)
    own.at_end(fails)
    own.leave(late())
    del own
    await until(lambda: not thread.is_alive())
    assert said == ["late", "farewell"]


async def _thread() -> threading.Thread:
    return threading.current_thread()


def test_a_thread_outlives_the_loop_that_asked() -> None:
    own = LoopThread()
    first, second = (asyncio.run(own.run(_thread(), turned)) for _ in range(2))
    assert first is second
