"""Asking a second model while the first one is silent: whoever speaks first, answers."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Protocol, TypeVar


class Closable(Protocol):
    """Something that was begun, and must be closed when nobody wants it."""

    async def aclose(self) -> None:
        """End it."""
        ...


Begun = TypeVar("Begun", bound=Closable)


async def first_of(begin: Callable[[], Coroutine[None, None, Begun | None]], after_s: float) -> Begun | None:
    """Return what `begin` gives; when that takes longer than `after_s`, what the first of two calls gives.

    None when both give none. Whoever loses is cancelled, or closed if it had just begun, before this returns:
    no task is left, on no way out.

    Raises:
        BaseException: whatever `begin` raises, of the first that does; the other is cancelled.
    """
    won: Begun | None = None  # only when nothing can go wrong any more
    calls: list[asyncio.Task[Begun | None]] = []
    try:
        async with asyncio.TaskGroup() as group:
            calls.append(group.create_task(begin()))
            await asyncio.wait(calls, timeout=after_s)
            if not calls[0].done():
                calls.append(group.create_task(begin()))
            winner = await _winner(calls)
            for call in calls:
                call.cancel()
        won = winner
    except BaseExceptionGroup as group_of_one:
        raise group_of_one.exceptions[0] from None
    finally:
        for call in calls:
            await _close(call, won)
    return won


async def _winner(calls: list[asyncio.Task[Begun | None]]) -> Begun | None:
    """Return what the first of `calls` gives that gives something; the earlier one, of two at once."""
    waiting = set(calls)
    while waiting:
        done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for call in calls:
            if call in done and (begun := call.result()) is not None:
                return begun
    return None


async def _close(call: asyncio.Task[Begun | None], won: Begun | None) -> None:
    """Close what `call` began, unless that is what `won`."""
    if call.cancelled() or call.exception() is not None:
        return
    begun = call.result()
    if begun is not None and begun is not won:
        await begun.aclose()
