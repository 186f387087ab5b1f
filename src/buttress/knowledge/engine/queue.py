"""A bounded queue in front of work: so many at the same time, so many waiting, and no more."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from buttress.knowledge.errors import EngineBusy


class EngineQueue:
    """Lets `max_running` blocks run at once and `max_waiting` wait, in the order they came."""

    def __init__(self, max_running: int, max_waiting: int) -> None:
        self._seats = asyncio.Semaphore(max_running)
        self._max_waiting = max_waiting
        self.running = 0
        self.waiting = 0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a turn, and hold it for the block.

        Raises:
            EngineBusy: as many as may wait already. Nothing was begun.
        """
        if self._seats.locked() and self.waiting >= self._max_waiting:
            raise EngineBusy(f"{self.running} calls run and {self.waiting} wait already")
        self.waiting += 1
        try:
            await self._seats.acquire()
        finally:
            self.waiting -= 1
        self.running += 1
        try:
            yield
        finally:
            self.running -= 1
            self._seats.release()
