"""Waiting for something to become true, without guessing how long it takes."""

import asyncio
import time
from collections.abc import Callable
from inspect import isawaitable

LOOK_EVERY_S = 0.005


async def until(fact: Callable[[], object], within_s: float = 10, what: str = "what was waited for") -> None:
    """Ask again and again, up to `within_s` seconds, while other tasks go on; `fact` may be awaited.

    Raises:
        TimeoutError: it did not become true; says `what`.
    """
    try:
        async with asyncio.timeout(within_s):
            while not await _answer(fact):  # noqa: ASYNC110 - what is waited for has no event
                await asyncio.sleep(LOOK_EVERY_S)
    except TimeoutError:
        raise TimeoutError(f"not within {within_s:g} s: {what}") from None


async def _answer(fact: Callable[[], object]) -> object:
    found = fact()
    return await found if isawaitable(found) else found


def wait_until(fact: Callable[[], object], within_s: float = 10, what: str = "what was waited for") -> None:
    """Ask again and again, up to `within_s` seconds, without a loop of events.

    Raises:
        TimeoutError: it did not become true; says `what`.
    """
    deadline = time.perf_counter() + within_s
    while not fact():
        if time.perf_counter() > deadline:
            raise TimeoutError(f"not within {within_s:g} s: {what}")
        time.sleep(LOOK_EVERY_S)
