"""Work that somebody waits for: it is cancelled when its client hangs up, or the server's time is up."""

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

from buttress.kernel.errors import ButtressError
from buttress.server.bodies import Receive
from buttress.server.errors import MISTAKES, Stopping, as_error

T = TypeVar("T")


async def attended(work: Coroutine[object, object, T], receive: Receive, draining: asyncio.Event) -> T:
    """Return what `work` returns. The request's body must have been read to its end before.

    Raises:
        ConnectionResetError: the client went away; the work was cancelled.
        Stopping: `draining` was set; the work was cancelled.
        ButtressError: what the work raised; `Failed` for what is a mistake of ours.
    """
    async with asyncio.TaskGroup() as group:
        working = group.create_task(_outcome(work))
        leaving = group.create_task(_until_gone(receive))
        stopping = group.create_task(_until_set(draining))
        await asyncio.wait([working, leaving, stopping], return_when=asyncio.FIRST_COMPLETED)
        for task in (working, leaving, stopping):
            task.cancel()
    if working.cancelled():
        if leaving.cancelled():
            raise Stopping("the server stopped before the answer was whole")
        raise ConnectionResetError("the client went away")
    outcome = working.result()
    if isinstance(outcome, ButtressError):
        raise outcome
    return outcome


async def _outcome(work: Coroutine[object, object, T]) -> T | ButtressError:
    """Return the error instead of raising it: a task group would wrap it."""
    try:
        return await work
    except MISTAKES as error:
        return as_error(error)
    except ButtressError as error:
        return error


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _until_set(draining: asyncio.Event) -> None:
    await draining.wait()
