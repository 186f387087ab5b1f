"""Waiting for something to become true, without guessing how long it takes."""

import asyncio
import time
from collections.abc import Callable
from inspect import isawaitable

LOOK_EVERY_S = 0.005
LOOK_AT_LEAST_EVERY_S = 0.05
PART_OF_THE_WAIT = 1 / 20
"""Who has waited for long looks less often: a look may cost more than what is waited for."""


async def until(fact: Callable[[], object], within_s: float = 10, what: str = "what was waited for") -> None:
    """Ask again and again, up to `within_s` seconds, while other tasks go on; `fact` may be awaited.

    Raises:
        TimeoutError: it did not become true; says `what`.
    """
    begun = time.perf_counter()
    try:
        async with asyncio.timeout(within_s):
            while not await _answer(fact):  # noqa: ASYNC110 - what is waited for has no event
                await asyncio.sleep(_pause_s(begun))
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
    begun = time.perf_counter()
    while not fact():
        if time.perf_counter() > begun + within_s:
            raise TimeoutError(f"not within {within_s:g} s: {what}")
        time.sleep(_pause_s(begun))


def _pause_s(begun: float) -> float:
    waited_s = time.perf_counter() - begun
    return min(LOOK_AT_LEAST_EVERY_S, max(LOOK_EVERY_S, waited_s * PART_OF_THE_WAIT))
