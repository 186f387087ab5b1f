"""`models.patience`."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from buttress.models.patience import Within


async def told(value: str, *waits_s: float) -> str:
    for wait_s in waits_s:
        await asyncio.sleep(wait_s)
    return value


async def test_what_is_ready_is_never_too_late() -> None:
    assert await Within(told("yes"), -1) == "yes"


@pytest.mark.parametrize(
    "waits_s", [pytest.param((0.0,), id="once"), pytest.param((0.0, 0.001, 0.0), id="several times")]
)
async def test_what_has_to_be_waited_for_is(waits_s: tuple[float, ...]) -> None:
    assert await Within(told("yes", *waits_s), 10) == "yes"


async def test_what_takes_too_long_is_cancelled() -> None:
    ended: list[str] = []

    async def slow() -> None:
        try:
            await asyncio.sleep(30)
        finally:
            ended.append("cancelled")

    with pytest.raises(TimeoutError):
        await Within(slow(), 0.001)
    assert ended == ["cancelled"]


async def test_an_error_comes_through_before_and_after_a_wait() -> None:
    async def broken(wait_s: float | None) -> None:
        if wait_s is not None:
            await asyncio.sleep(wait_s)
        raise KeyError("a bug")

    for wait_s in (None, 0.0, 0.001):
        with pytest.raises(KeyError):
            await Within(broken(wait_s), 10)


async def test_who_awaits_can_be_cancelled_and_what_it_awaits_hears_it() -> None:
    heard = asyncio.Event()

    async def slow() -> None:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            heard.set()
            raise

    async def waits() -> None:
        await Within(slow(), 60)

    async with asyncio.TaskGroup() as group:
        task = group.create_task(waits())
        await asyncio.sleep(0)
        task.cancel()
    assert heard.is_set()
    assert task.cancelled()


async def test_the_end_of_a_stream_is_its_end() -> None:
    async def stream() -> AsyncGenerator[int, None]:
        yield 1
        await asyncio.sleep(0)

    numbers = stream()
    assert await Within(anext(numbers), 10) == 1
    with pytest.raises(StopAsyncIteration):
        await Within(anext(numbers), 10)
