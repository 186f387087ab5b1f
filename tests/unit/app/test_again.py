"""Work that is done again and again, whatever ends it."""

import asyncio

import pytest

from buttress.app.again import again_and_again
from buttress.storage.errors import StorageUnavailable


async def fail(error: Exception) -> None:
    """End with `error`."""
    raise error


async def fail_together(error: Exception) -> None:
    """End with `error` in one of two tasks, the other of which would go on."""
    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.Event().wait())
        group.create_task(fail(error))


async def test_what_ended_it_is_said_once_until_it_is_something_else() -> None:
    away, refused = StorageUnavailable("away"), ConnectionRefusedError()
    script, said = iter([away, away, refused, None, refused, away]), list[str]()
    is_over = asyncio.Event()

    async def work() -> None:
        error = next(script, None)
        if error is None and len(said) == 4:
            is_over.set()
        elif error:
            await (fail if error is refused else fail_together)(error)

    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        task = group.create_task(again_and_again(work, 0, said.append))
        await is_over.wait()
        task.cancel()
    assert said == ["away", "ConnectionRefusedError", "ConnectionRefusedError", "away"]


async def test_a_mistake_of_ours_ends_it() -> None:
    with pytest.raises(ZeroDivisionError):
        await again_and_again(lambda: fail(ZeroDivisionError()), 0, list[str]().append)
