"""Clients of a soak: so many calls begin each second, whatever becomes of those before."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import aiohttp
import msgspec

from soaking.books import group_of
from soaking.mix import Call

MOST_AT_ONCE = 256
KEPT_EXAMPLES = 20
PATIENCE_S = 60.0
TRACE_HEADER = "x-buttress-trace-id"


class Seen(msgspec.Struct, kw_only=True):
    """What clients saw: calls by kind, ids, what nobody expected; and by name the traces that are due.

    Those of calls that nobody answered at all are `unsure`: they may never have arrived.
    """

    calls: Counter[str] = msgspec.field(default_factory=Counter)
    due: Counter[str] = msgspec.field(default_factory=Counter)
    unsure: Counter[str] = msgspec.field(default_factory=Counter)
    statuses: Counter[str] = msgspec.field(default_factory=Counter)
    trace_ids: set[str] = msgspec.field(default_factory=set)
    unexpected: Counter[str] = msgspec.field(default_factory=Counter)
    examples: list[str] = msgspec.field(default_factory=list)
    left_out: int = 0


class Clients:
    """Ask at `url` what `draw` says. `seen` has all that they saw."""

    def __init__(self, url: str, draw: Callable[[], Call]) -> None:
        self._url = url
        self._draw = draw
        self._running = 0
        self.seen = Seen()

    @asynccontextmanager
    async def asking(self, per_s: float) -> AsyncIterator[None]:
        """Begin so many calls a second for the block; what is under way at its end is heard to its own."""
        over = asyncio.Event()
        timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
        # A connection that the server closes for its age, in the moment it is asked on, is no fault.
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=2)
        async with (
            aiohttp.ClientSession(timeout=timeout, connector=connector) as session,
            asyncio.TaskGroup() as group,
        ):
            group.create_task(self._begin_all(session, group, per_s, over))
            try:
                yield
            finally:
                over.set()

    async def _begin_all(
        self, session: aiohttp.ClientSession, group: asyncio.TaskGroup, per_s: float, over: asyncio.Event
    ) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while not over.is_set():
            due = max(due + 1 / per_s, loop.time() - 1.0)  # after a pause of the machine no flood
            if self._running < MOST_AT_ONCE:
                group.create_task(self._ask(session, self._draw()))
            else:
                self.seen.left_out += 1
            await asyncio.sleep(max(0.0, due - loop.time()))

    async def _ask(self, session: aiohttp.ClientSession, call: Call) -> None:
        self._running += 1
        self.seen.calls[call.kind] += 1
        counts = self.seen.unsure
        try:
            async with session.post(f"{self._url}{call.path}", data=call.body, headers=_HEADERS) as response:
                counts = self.seen.due
                if trace_id := response.headers.get(TRACE_HEADER):
                    self.seen.trace_ids.add(trace_id)
                await self._hear(response, call)
        except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
            self._wonder(call, type(error).__name__, str(error))
        finally:
            self._running -= 1
            if call.name:
                counts[group_of(call.name)] += 1

    async def _hear(self, response: aiohttp.ClientResponse, call: Call) -> None:
        self.seen.statuses[f"{call.kind}: {response.status}"] += 1
        if call.leave_after is not None and response.status == 200:
            await response.content.readexactly(call.leave_after)
            response.close()
            return
        body = await response.read()
        if response.status not in call.statuses:
            self._wonder(call, str(response.status), body[:300].decode(errors="replace"))

    def _wonder(self, call: Call, what: str, more: str) -> None:
        self.seen.unexpected[f"{call.kind}: {what}"] += 1
        if len(self.seen.examples) < KEPT_EXAMPLES:
            self.seen.examples.append(f"{call.kind}, {call.name}: {what} {more}")


_HEADERS = {"content-type": "application/json"}
