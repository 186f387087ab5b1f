"""`models.patience`."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

import pytest

from buttress.models.patience import Patience


@pytest.fixture
async def patience() -> AsyncIterator[Patience]:
    """One, ended with the test."""
    made = Patience()
    yield made
    made.end()


async def told(value: str, *waits_s: float) -> str:
    for wait_s in waits_s:
        await asyncio.sleep(wait_s)
    return value


async def test_what_is_ready_is_never_too_late(patience: Patience) -> None:
    assert await patience.wait(told("yes"), -1) == "yes"


@pytest.mark.parametrize(
    "waits_s", [pytest.param((0.0,), id="once"), pytest.param((0.0, 0.001, 0.0), id="several times")]
)
async def test_what_has_to_be_waited_for_is(patience: Patience, waits_s: tuple[float, ...]) -> None:
    assert await patience.wait(told("yes", *waits_s), 10) == "yes"


@pytest.mark.parametrize(
    "bounds_s",
    [
        pytest.param((), id="the first"),
        pytest.param((10.0, 10.0), id="after longer ones"),
        pytest.param((0.001,), id="after a shorter one"),
    ],
)
async def test_what_takes_too_long_is_cancelled(patience: Patience, bounds_s: tuple[float, ...]) -> None:
    ended: list[str] = []

    async def slow() -> None:
        try:
            await asyncio.sleep(30)
        finally:
            ended.append("cancelled")

    for bound_s in bounds_s:
        await patience.wait(told("soon"), bound_s)
    with pytest.raises(TimeoutError):
        await patience.wait(slow(), 0.02)
    assert ended == ["cancelled"]
    assert await patience.wait(told("and on", 0.0), 10) == "and on"


async def test_a_bound_counts_from_the_beginning_of_its_own_wait(patience: Patience) -> None:
    for _ in range(5):
        assert await patience.wait(told("yes", 0.02), 0.08) == "yes"


async def test_time_between_two_waits_counts_for_none(patience: Patience) -> None:
    await patience.wait(told("yes", 0.0), 0.01)
    await asyncio.sleep(0.03)
    assert await patience.wait(told("yes", 0.0, 0.0), 10) == "yes"


async def test_an_error_comes_through_before_and_after_a_wait(patience: Patience) -> None:
    async def broken(wait_s: float | None) -> None:
        if wait_s is not None:
            await asyncio.sleep(wait_s)
        raise KeyError("a bug")

    for wait_s in (None, 0.0, 0.001):
        with pytest.raises(KeyError):
            await patience.wait(broken(wait_s), 10)


async def test_who_is_late_and_fails_otherwise_is_not_cancelled_any_more(patience: Patience) -> None:
    async def stubborn() -> None:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            raise KeyError("a bug") from None

    with pytest.raises(KeyError):
        await patience.wait(stubborn(), 0.001)
    task = asyncio.current_task()
    assert task is not None
    assert not task.cancelling()
    await asyncio.sleep(0)


async def test_who_awaits_can_be_cancelled_and_what_it_awaits_hears_it(patience: Patience) -> None:
    heard = asyncio.Event()

    async def slow() -> None:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            heard.set()
            raise

    async def waits() -> None:
        await patience.wait(slow(), 60)

    async with asyncio.TaskGroup() as group:
        task = group.create_task(waits())
        await asyncio.sleep(0)
        task.cancel()
    assert heard.is_set()
    assert task.cancelled()


async def test_who_is_cancelled_while_late_is_cancelled(patience: Patience) -> None:
    async def slow(task: asyncio.Task[object]) -> None:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            task.cancel()
            raise

    async def waits() -> None:
        task = asyncio.current_task()
        assert task is not None
        await patience.wait(slow(task), 0)

    async with asyncio.TaskGroup() as group:
        task = group.create_task(waits())
    assert task.cancelled()


async def test_the_end_of_a_stream_is_its_end(patience: Patience) -> None:
    async def stream() -> AsyncGenerator[int, None]:
        yield 1
        await asyncio.sleep(0)

    numbers = stream()
    assert await patience.wait(anext(numbers), 10) == 1
    with pytest.raises(StopAsyncIteration):
        await patience.wait(anext(numbers), 10)


async def test_several_tasks_may_wait_one_after_another(patience: Patience) -> None:
    async with asyncio.TaskGroup() as group:
        first = group.create_task(patience.wait(told("one", 0.0), 10))
    async with asyncio.TaskGroup() as group:
        late = group.create_task(_is_late(patience))
    assert first.result() == "one"
    assert late.result()


async def _is_late(patience: Patience) -> bool:
    try:
        await patience.wait(asyncio.sleep(30), 0.001)
    except TimeoutError:
        return True
    return False
