"""Threads of their own for re-ranking: a thousand documents must not stand before anybody's question.

A call has as many batches in work as there are threads, and no more: so calls take turns, and one that is
left ends with the batches it has begun.
"""

import asyncio
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from buttress.knowledge.reranking.windows import batches

T = TypeVar("T")


class Threads:
    """So many threads, one for each core where `threads` is 0. Close it to end them."""

    def __init__(self, threads: int) -> None:
        self._width = threads or os.cpu_count() or 1
        self._pool = ThreadPoolExecutor(self._width, "rerank")

    def begin(self, work: Callable[[], T]) -> Future[T]:
        """Have `work` run in one of the threads; for who may block."""
        return self._pool.submit(work)

    async def run(self, work: Callable[[], T]) -> T:
        """Return what `work` returns, run in one of the threads."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    async def each(self, work: Callable[[str], T], texts: Sequence[str]) -> list[T]:
        """Return what `work` returns for each of `texts`, in their order; raises what it raises first."""
        done: dict[int, T] = {}

        def work_on(batch: Sequence[int]) -> None:
            done.update({place: work(texts[place]) for place in batch})

        waiting = batches([len(one) for one in texts])
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._width):
                    group.create_task(self._drain(waiting, work_on))
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None
        return [done[place] for place in range(len(texts))]

    def close(self) -> None:
        """End the threads; what they work on is finished first."""
        self._pool.shutdown(cancel_futures=True)

    async def _drain(self, waiting: Iterator[list[int]], work: Callable[[Sequence[int]], None]) -> None:
        for batch in waiting:
            await asyncio.get_running_loop().run_in_executor(self._pool, work, batch)
