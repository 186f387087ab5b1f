"""How a site is asked: a few requests at a time, a while between two, and no more once it does not answer."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from buttress.outbound.addresses import parse_address
from buttress.outbound.faults import BrokenOff, TookTooLong, Unreachable
from buttress.outbound.fetching import Fetcher, Get, Got

GIVEN_UP_AFTER = 8
"""So many requests in a row without an answer: the next thousand would take a minute each."""

_BUSY = frozenset({429, 503})


class Pace:
    """Gives turns. Not for more than one event loop."""

    def __init__(self, at_once: int, delay_s: float) -> None:
        self._room = asyncio.Semaphore(at_once)
        self._delay_s = delay_s
        self._next_at: dict[str, float] = {}

    @asynccontextmanager
    async def turn(self, site: str) -> AsyncIterator[None]:
        """Wait for a turn to ask `site`, and have it for the block."""
        async with self._room:
            now = asyncio.get_running_loop().time()
            begins_at = max(now, self._next_at.get(site, now))
            self._next_at[site] = begins_at + self._delay_s
            if begins_at > now:
                await asyncio.sleep(begins_at - now)
            yield


class PoliteFetcher:
    """Fetches at a pace, and asks a site no more that did not answer, or was busy, many times in a row."""

    def __init__(self, fetcher: Fetcher, pace: Pace) -> None:
        self._fetcher = fetcher
        self._pace = pace
        self._unanswered: Counter[str] = Counter()

    async def get(self, wanted: Get) -> Got:
        """Return what is answered, when it is its turn; raises `outbound.fetching.FETCH_FAULTS`."""
        site = parse_address(wanted.url).origin.host
        self._refuse_silent(site)
        async with self._pace.turn(site):
            self._refuse_silent(site)
            try:
                got = await self._fetcher.get(wanted)
            except (BrokenOff, TookTooLong, Unreachable):
                self._unanswered[site] += 1
                raise
            self._unanswered[site] = self._unanswered[site] + 1 if got.status in _BUSY else 0
            return got

    def _refuse_silent(self, site: str) -> None:
        if self._unanswered[site] >= GIVEN_UP_AFTER:
            raise Unreachable(f"it did not answer {GIVEN_UP_AFTER} times in a row")
