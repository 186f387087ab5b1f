"""Something that needs an event loop, kept open beside tests that come and go: in a thread of its own."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, contextmanager
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


@contextmanager
def in_thread(manager: AbstractAsyncContextManager[T]) -> Iterator[T]:
    """Keep `manager` open for the block; what it gives may be looked at, but its coroutines not awaited.

    The event loops of a machine have one clock: moments can be compared.
    """
    opened: Future[tuple[T, Callable[[], object]]] = Future()

    async def keep() -> None:
        loop, over = asyncio.get_running_loop(), asyncio.Event()
        async with manager as value:
            opened.set_result((value, lambda: loop.call_soon_threadsafe(over.set)))
            await over.wait()

    thread = Thread(target=lambda: asyncio.run(keep()), daemon=True)
    thread.start()
    value, end = opened.result(10)
    try:
        yield value
    finally:
        end()
        thread.join(10)
