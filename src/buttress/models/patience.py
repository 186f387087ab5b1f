"""Waiting with a bound that costs nothing where there is nothing to wait for.

`asyncio.timeout` sets a timer before anything is asked, and that is most of what the next event of a stream
costs: mostly it is here already. So the first step is taken without one.
"""

import asyncio
from collections.abc import Awaitable, Generator
from typing import Generic, TypeVar

T = TypeVar("T")


class Within(Generic[T]):
    """Awaits `awaited`, `seconds` at most; below 0 is as 0. What is ready at once is never too late.

    Raises:
        TimeoutError: it took longer; `awaited` was cancelled.
    """

    def __init__(self, awaited: Awaitable[T], seconds: float) -> None:
        self._awaited = awaited
        self._seconds = seconds

    def __await__(self) -> Generator[object, None, T]:
        steps = self._awaited.__await__()
        try:
            pending = steps.send(None)
        except StopIteration as done:
            value: T = done.value
            return value
        return (yield from _rest(_Resumed(steps, pending), self._seconds).__await__())


async def _rest(resumed: "_Resumed[T]", seconds: float) -> T:
    async with asyncio.timeout(max(0.0, seconds)):
        return await resumed


class _Resumed(Generic[T]):
    """What has taken its first step, and waits for `pending`: the event loop is to hear of that only now."""

    def __init__(self, steps: Generator[object, None, T], pending: object) -> None:
        self._steps = steps
        self._pending = pending

    def __await__(self) -> Generator[object, None, T]:
        steps, pending = self._steps, self._pending
        try:
            while True:
                try:
                    yield pending
                except BaseException as error:  # noqa: BLE001 - thrown on to where it belongs
                    pending = steps.throw(error)
                else:
                    pending = steps.send(None)
        except StopIteration as done:
            value: T = done.value
            return value
