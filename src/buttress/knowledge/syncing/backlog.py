"""Documents between two steps of an ingest: the faster step waits, the slower one is never short of work."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Backlog(Generic[T]):
    """A queue bounded by weight: `weigh` tells an item's. Nobody waits to put one into an empty backlog."""

    def __init__(self, weigh: Callable[[T], int], most: int) -> None:
        self._weigh = weigh
        self._most = most
        self._items: deque[T] = deque()
        self._weight = 0
        self._closed = False
        self._changed = asyncio.Condition()

    async def put(self, item: T) -> None:
        """Add `item`, waiting while the backlog is full."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._weight < self._most)
            self._items.append(item)
            self._weight += self._weigh(item)
            self._changed.notify_all()

    async def close(self) -> None:
        """Say that nothing will be added any more."""
        async with self._changed:
            self._closed = True
            self._changed.notify_all()

    async def take(self, weight: int, count: int, *, patient: bool = False) -> list[T]:
        """Return items until they weigh `weight` or are `count`; an empty list at the end.

        Waits for one item; when `patient`, until there is as much as asked for, or no more to come.
        """
        async with self._changed:
            await self._changed.wait_for(lambda: self._closed or self._has(weight, count, patient=patient))
            taken: list[T] = []
            taken_weight = 0
            while self._items and taken_weight < weight and len(taken) < count:
                taken.append(self._items.popleft())
                taken_weight += self._weigh(taken[-1])
            self._weight -= taken_weight
            self._changed.notify_all()
            return taken

    def _has(self, weight: int, count: int, *, patient: bool) -> bool:
        if not patient:
            return bool(self._items)
        # A full backlog is as much as there will ever be until something is taken.
        return self._weight >= min(weight, self._most) or len(self._items) >= count
