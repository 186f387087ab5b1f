"""How many calls a deployment gets at once: more while it copes, fewer when it does not (AIMD).

The rule is that of congestion control (additive increase, multiplicative decrease; Chiu and Jain, 1989):
those who share an upstream find their share of it without knowing of each other.
"""

import asyncio
from collections import deque

import msgspec

from buttress.models.errors import ModelBusy
from buttress.models.settings import ConcurrencySettings


class Limit(msgspec.Struct, frozen=True):
    """How many calls may run at once; `lowered_at` is when it was last lowered, in seconds."""

    size: float
    lowered_at: float = float("-inf")


def raised(limit: Limit, running: int, settings: ConcurrencySettings) -> Limit:
    """Return the limit after a call that went well: one more for each whole round of calls.

    A limit that is not half used stays: it says nothing about what the deployment can bear.
    """
    if running * 2 < limit.size:
        return limit
    return msgspec.structs.replace(limit, size=min(settings.most, limit.size + 1 / limit.size))


def lowered(limit: Limit, now: float, settings: ConcurrencySettings) -> Limit:
    """Return the limit after the deployment said that it is overloaded.

    Once for each `lower_every_s`: the calls that ran at that moment will all say the same.
    """
    if now - limit.lowered_at < settings.lower_every_s:
        return limit
    return Limit(size=max(1.0, limit.size * settings.lower_to), lowered_at=now)


class Gate:
    """Lets so many calls to a deployment run at once; others wait in line, or hear that it is too long.

    One event loop only. `limit` is `raised` and `lowered` by whoever sees how calls end.
    """

    def __init__(self, name: str, limit: Limit, queue_length: int) -> None:
        self._name = name
        self._queue_length = queue_length
        self._waiting: deque[asyncio.Future[None]] = deque()
        self.limit = limit
        self.running = 0

    @property
    def waiting(self) -> int:
        """How many wait in line."""
        return len(self._waiting)

    def enters_now(self) -> bool:
        """Take a place if there is one, and nobody waits for it; say so. Who entered must `leave`."""
        if self._waiting or self.running >= int(self.limit.size):
            return False
        self.running += 1
        return True

    async def enter(self) -> None:
        """Wait for a place, in the order of asking. Who entered must `leave`.

        Raises:
            ModelBusy: the line is as long as it may be.
        """
        if self.enters_now():
            return
        if len(self._waiting) >= self._queue_length:
            raise ModelBusy(
                f"{self.running:,} calls to {self._name} are under way, and {self.waiting:,} wait already"
            )
        await self._wait()

    def leave(self) -> None:
        """Give the place to the next in line."""
        self.running -= 1
        self.admit_next()

    def admit_next(self) -> None:
        """Let in whoever has a place now; to be called when the limit was raised."""
        while self._waiting and self.running < int(self.limit.size):
            waiting = self._waiting.popleft()
            if not waiting.done():
                self.running += 1
                waiting.set_result(None)

    async def _wait(self) -> None:
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        try:
            await waiting
        except asyncio.CancelledError:
            if waiting.done() and not waiting.cancelled():
                self.leave()  # it was our turn, and we are gone
            elif waiting in self._waiting:
                self._waiting.remove(waiting)
            raise
