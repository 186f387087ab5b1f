"""Equal calls under way share one answer: the first leads, the others follow what it says.

Followers get each piece as it comes, those who come late all from the beginning. When the leader leaves (its
client hung up) the first of its followers leads on; when its answer fails, each goes its own way: to wait
behind one failure after the other would make an outage longer. It is shared within a process, not beyond.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager
from typing import Generic, Literal, TypeVar

from buttress.caching.types import Key

P = TypeVar("P")
R = TypeVar("R")

End = Literal["whole", "left", "failed", "late"]
"""How it ended for who follows: all was said; who led has left, or failed; nothing was said for too long."""


class _Flight(Generic[P, R]):
    """One answer under way: what was said so far, and how it ended."""

    def __init__(self) -> None:
        self.pieces: list[P] = []
        self.end: End | None = None
        self.result: R | None = None
        self.news = asyncio.Event()

    def tell(self) -> None:
        """Wake all who follow."""
        self.news.set()
        self.news = asyncio.Event()


class Leader(Generic[P, R]):
    """Who asks for all. It must end in one of `finish`, `fail` and `leave`; what comes after does nothing."""

    def __init__(self, flights: "Flights[P, R]", key: Key, flight: _Flight[P, R]) -> None:
        self._flights = flights
        self._key = key
        self._flight = flight

    def publish(self, piece: P) -> None:
        """Let all who follow have a piece of the answer."""
        if self._flight.end is None:
            self._flight.pieces.append(piece)
            self._flight.tell()

    def finish(self, result: R) -> None:
        """Say that the answer is whole."""
        self._flight.result = result
        self._over("whole")

    def fail(self) -> None:
        """Say that there is no answer that others could take."""
        self._over("failed")

    def leave(self) -> None:
        """Let another one lead."""
        self._over("left")

    def _over(self, end: End) -> None:
        if self._flight.end is None:
            self._flight.end = end
            self._flights.remove(self._key)
            self._flight.tell()


class Follower(Generic[P, R]):
    """Who listens to what another call is told. `end` and `result` are there behind the last piece."""

    def __init__(self, flight: _Flight[P, R]) -> None:
        self._flight = flight
        self.end: End | None = None

    @property
    def result(self) -> R | None:
        """What the leader said of the whole answer."""
        return self._flight.result

    async def pieces(self, patience_s: float) -> AsyncGenerator[P, None]:
        """Yield what was said and is being said, until it ends, or nothing comes for `patience_s`."""
        at = 0
        while True:
            while at < len(self._flight.pieces):
                at += 1
                yield self._flight.pieces[at - 1]
            if self._flight.end:
                self.end = self._flight.end
                return
            try:
                async with asyncio.timeout(patience_s):
                    await self._flight.news.wait()
            except TimeoutError:
                self.end = "late"
                return


@contextmanager
def letting_go(seat: Callable[[], Leader[P, R] | None]) -> Iterator[None]:
    """Let those go on who follow the leader that `seat` has, when the block is left before its end."""
    try:
        yield
    except (asyncio.CancelledError, GeneratorExit):
        if leader := seat():
            leader.leave()
        raise
    except BaseException:
        if leader := seat():
            leader.fail()
        raise


class Flights(Generic[P, R]):
    """The answers under way in a process, by their keys; at most `most` of them."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._flights: dict[Key, _Flight[P, R]] = {}

    def join(self, key: Key) -> Leader[P, R] | Follower[P, R] | None:
        """Follow who asks for `key` already; else lead. None: too many are under way, ask by yourself."""
        if flight := self._flights.get(key):
            return Follower(flight)
        if len(self._flights) >= self._most:
            return None
        flight = self._flights[key] = _Flight()
        return Leader(self, key, flight)

    def remove(self, key: Key) -> None:
        """Let the next one who asks for `key` lead."""
        self._flights.pop(key, None)

    def __len__(self) -> int:
        return len(self._flights)
