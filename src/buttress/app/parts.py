"""A part of an application that is opened when it is first needed."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Generic, TypeVar

T = TypeVar("T")


class Part(Generic[T]):
    """Something that is opened once, at its first use, and closed with the stack it was opened on.

    An opening that failed is tried again at the next use.
    """

    def __init__(self, stack: AsyncExitStack, opening: Callable[[], AbstractAsyncContextManager[T]]) -> None:
        self._stack = stack
        self._opening = opening
        self._lock = asyncio.Lock()
        self._opened: list[T] = []

    @property
    def is_open(self) -> bool:
        """Whether it was needed so far."""
        return bool(self._opened)

    async def get(self) -> T:
        """Return it, opened; whatever its opening raises."""
        async with self._lock:
            if not self._opened:
                self._opened.append(await self._stack.enter_async_context(self._opening()))
            return self._opened[0]
