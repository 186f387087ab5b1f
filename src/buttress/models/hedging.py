"""Asking a second model while the first one is silent: whoever speaks first, answers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Generic, Protocol, TypeVar

import structlog


class Closable(Protocol):
    """Something that was begun, and must be closed when nobody wants it."""

    async def aclose(self) -> None:
        """End it."""
        ...


Begun = TypeVar("Begun", bound=Closable)

_log = structlog.get_logger("buttress.models.hedging")


@asynccontextmanager
async def first_of(
    begin: Callable[[], Awaitable[Begun | None]], after_s: float
) -> AsyncIterator[Begun | None]:
    """Give what `begin` gives; when that takes longer than `after_s`, what the first of two calls gives.

    None when both give none. Whoever loses is cancelled, or closed if it had just begun, at once, and beside
    the block: the winner does not wait for that. When the block has ended so has the loser, and the winner is
    closed: no task is left, on no way out. What goes wrong with a loser is logged.

    Raises:
        BaseException: whatever `begin` raises, of the first that does; the other is cancelled.
    """
    race = _Race(begin)
    try:
        async with asyncio.TaskGroup() as group:
            calls = [group.create_task(race.run())]
            await asyncio.wait([race.won], timeout=after_s)
            if not race.won.done():
                calls.append(group.create_task(race.run()))
            won = await race.won
            for call in calls:
                call.cancel()
            await asyncio.sleep(0)  # where nothing is to be waited for, the loser has ended by now
            yield won
    except BaseExceptionGroup as of_one:
        raise of_one.exceptions[0] from None
    finally:
        await race.close()


class _Race(Generic[Begun]):
    """Calls of `begin` beside each other; `won` is what the first gives that gives something."""

    def __init__(self, begin: Callable[[], Awaitable[Begun | None]]) -> None:
        self._begin = begin
        self._running = 0
        self.won: asyncio.Future[Begun | None] = asyncio.get_running_loop().create_future()

    async def run(self) -> None:
        """Call `begin`; close what it gives when another one has won."""
        self._running += 1
        try:
            begun = await self._begin()
        except Exception as error:  # noqa: BLE001 - handed on to who waits
            self._fail(error)
        else:
            if begun is not None and not self._wins(begun):
                await begun.aclose()
        finally:
            self._running -= 1
            if not self._running:
                self._wins(None)

    def _wins(self, begun: Begun | None) -> bool:
        if self.won.done():
            return False
        self.won.set_result(begun)
        return True

    def _fail(self, error: Exception) -> None:
        if self.won.done():
            _log.error("models.hedge_lost", exc_info=error)
        else:
            self.won.set_exception(error)

    async def close(self) -> None:
        """Close the winner; nothing happens to one that came to its end."""
        if self.won.cancelled() or not self.won.done() or self.won.exception() is not None:
            return
        if (begun := self.won.result()) is not None:
            await begun.aclose()
