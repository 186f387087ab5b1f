"""Waiting for something to become true, without guessing how long it takes."""

import asyncio
from collections.abc import Awaitable, Callable


async def until(is_so: Callable[[], Awaitable[bool]], within_s: float = 10) -> None:
    """Ask again and again, up to `within_s` seconds.

    Raises:
        TimeoutError: it did not become true.
    """
    async with asyncio.timeout(within_s):
        while not await is_so():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.002)
