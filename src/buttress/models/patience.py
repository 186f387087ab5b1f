"""Waiting for one thing after another, each with a bound of its own, by one timer.

`asyncio.timeout` sets a timer for each wait, and that is most of what the next event of a stream costs. Here
a timer that rings before the bound of the wait that runs then is only set anew: bounds mostly move on.
"""

import asyncio
from collections.abc import Awaitable
from math import inf
from typing import TypeVar

T = TypeVar("T")

_ROUNDING_S = 0.001
"""Timers of loops count in milliseconds, and may ring so much too early."""


class Patience:
    """Bounds the waits of one thing under way, one at a time, each in whichever task. `end` it."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._rings_at = inf
        self._due = inf
        self._task: asyncio.Task[object] | None = None
        self._is_over = False

    async def wait(self, awaited: Awaitable[T], seconds: float) -> T:
        """Return what `awaited` gives within `seconds`; below 0 is as 0. What is ready at once is never late.

        Raises:
            TimeoutError: it took longer; `awaited` was cancelled.
        """
        self._task = task = asyncio.current_task(self._loop)
        assert task is not None  # noqa: S101 - for the type checker: it runs in one
        cancelled_before = task.cancelling()
        self._expect(self._loop.time() + max(0.0, seconds))
        try:
            return await awaited
        except asyncio.CancelledError:
            if self._is_over and task.cancelling() - 1 <= cancelled_before:
                raise TimeoutError from None
            raise
        finally:
            self._task = None
            if self._is_over:
                self._is_over = False
                task.uncancel()

    def end(self) -> None:
        """Let go of the timer."""
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _expect(self, due: float) -> None:
        self._due = due
        if self._timer is None or due < self._rings_at:
            self._set_timer()

    def _set_timer(self) -> None:
        self.end()
        self._rings_at = self._due
        self._timer = self._loop.call_at(self._due, self._ring)

    def _ring(self) -> None:
        self._timer = None
        if self._task is None:  # nobody waits now: whoever waits next sets it anew
            return
        if self._loop.time() + _ROUNDING_S < self._due:
            self._set_timer()
            return
        self._is_over = True
        self._task.cancel()
