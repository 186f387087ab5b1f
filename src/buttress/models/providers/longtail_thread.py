"""An event loop in a thread of its own, for code of others that may block the loop it runs in."""

import asyncio
import weakref
from collections.abc import Awaitable, Callable, Coroutine
from threading import Thread
from typing import TypeVar

T = TypeVar("T")

LastWords = Callable[[], Awaitable[object]]

_WIND_UP_S = 2.0
"""How long what is under way when a thread ends may still take."""


class LoopThread:
    """Runs coroutines in its thread, which ends when nobody holds it any more."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._at_end: list[LastWords] = []
        arguments = (self._loop, self._at_end)
        Thread(target=_live, args=arguments, name="buttress-longtail", daemon=True).start()
        weakref.finalize(self, self._loop.call_soon_threadsafe, self._loop.stop)

    async def run(
        self, work: Coroutine[object, object, T], turned: Callable[[BaseException], BaseException]
    ) -> T:
        """Return what `work` returns, done in the thread; it is cancelled when whoever waits is.

        Raises:
            BaseException: what `turned` makes of an error of `work`, whichever that is.
        """
        running = asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))
        try:
            await asyncio.wait([running])
        finally:
            running.cancel()  # does nothing to what is done
        if (error := running.exception()) is not None:
            raise turned(error) from error
        return running.result()

    def leave(self, work: Coroutine[object, object, None]) -> None:
        """Have `work` done behind what was begun before it; nobody waits, or hears of its errors."""
        asyncio.run_coroutine_threadsafe(work, self._loop).add_done_callback(lambda done: done.cancelled())

    def at_end(self, last: LastWords) -> None:
        """Have `last` called, in the thread, when it ends; it must not hold this."""
        self._at_end.append(last)


def _live(loop: asyncio.AbstractEventLoop, at_end: list[LastWords]) -> None:
    """Run `loop` until it is stopped, then end in good order."""
    loop.run_forever()
    loop.run_until_complete(_wind_up(at_end))
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()


async def _wind_up(at_end: list[LastWords]) -> None:
    under_way = asyncio.all_tasks() - {asyncio.current_task()}
    if under_way:
        _, late = await asyncio.wait(under_way, timeout=_WIND_UP_S)
        for one in late:
            one.cancel()
    await asyncio.gather(*(last() for last in at_end), return_exceptions=True)
