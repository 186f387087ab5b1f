"""The turns of conversations for calls, which wait for them a bounded time, and to store them not at all."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

import msgspec
import psycopg
import structlog

from buttress.kernel.errors import ButtressError
from buttress.prompts.errors import MemoryLate, MemoryRefused
from buttress.prompts.settings import MemorySettings
from buttress.prompts.store import ConversationStore
from buttress.prompts.types import Exchange, Turns, Whose
from buttress.storage.database import Database
from buttress.storage.translation import one_line

MAX_READS = 64
"""Reads under way at a time, those that nobody waits for any more included; one more is late at once."""

RETRY_S = 0.5
"""How long to wait until a turn that could not be stored is tried again."""

_log = structlog.get_logger("buttress.prompts.memory")


class _Waiting(msgspec.Struct, frozen=True):
    """An exchange that is to be stored; `stored` is set when it is, or when it never will be."""

    whose: Whose
    exchange: Exchange
    stored: asyncio.Event


class ChatMemory:
    """The conversations of a process. An async context manager: at its end it stores what still waits.

    `database` opens the database when it is first needed. `lost` counts exchanges that were not stored: more
    waited than may, the database refused them, or the process ended first.
    """

    def __init__(self, database: Callable[[], Awaitable[Database]], settings: MemorySettings) -> None:
        self._database = database
        self._settings = settings
        self._queue: deque[_Waiting] = deque()
        self._wake = asyncio.Event()
        self._tasks = asyncio.TaskGroup()
        self._reads: set[asyncio.Task[Turns | ButtressError]] = set()
        self._writer: asyncio.Task[None] | None = None
        self._was_opened = False
        self.lost = 0

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._flush()
        for task in (*self._reads, *([self._writer] if self._writer else [])):
            task.cancel()
        # An error of the block is the caller's own: the group would wrap it.
        await self._tasks.__aexit__(None, None, None)

    async def turns(self, whose: Whose) -> Turns:
        """Return the newest turns of a conversation, with all that this process appended to it before.

        Raises:
            MemoryLate: they are not there within the time that a call has.
            ButtressError: the database is away, or refuses.
        """
        within_s = self._settings.timeout_s if self._was_opened else self._settings.open_timeout_s
        if len(self._reads) >= MAX_READS:
            raise MemoryLate(f"{MAX_READS} conversations are being read already")
        # A task of its own: to cancel a statement takes as long as the database wants.
        task = self._tasks.create_task(self._read(whose))
        self._reads.add(task)
        task.add_done_callback(self._reads.discard)
        done, _ = await asyncio.wait({task}, timeout=within_s)
        if not done:
            raise MemoryLate(f"the turns of the conversation were not there within {within_s:g} s")
        found = task.result()
        if isinstance(found, ButtressError):
            raise found
        return found

    def append(self, whose: Whose, exchange: Exchange) -> None:
        """Have `exchange` stored soon; counted as lost where too many wait. Never waits, never fails."""
        if len(self._queue) >= self._settings.queue_length:
            self._lose(1, "too many wait")
            return
        self._queue.append(_Waiting(whose, exchange, asyncio.Event()))
        self._wake.set()
        if self._writer is None:
            self._writer = self._tasks.create_task(self._write_all())

    async def _read(self, whose: Whose) -> Turns | ButtressError:
        try:
            for waiting in [one for one in self._queue if one.whose == whose]:
                await waiting.stored.wait()
            store = ConversationStore(await self._database())
            bounds = self._settings
            return await store.latest(
                whose, messages=bounds.newest_messages, characters=bounds.newest_characters
            )
        except ButtressError as error:
            return error
        except (psycopg.Error, OSError) as error:
            return MemoryRefused(f"the conversation cannot be read: {one_line(error)}")
        finally:
            self._was_opened = True

    async def _write_all(self) -> None:
        while True:
            while self._queue:
                if await self._write(self._queue[0]):
                    self._queue.popleft().stored.set()
                else:
                    await asyncio.sleep(RETRY_S)
            self._wake.clear()
            await self._wake.wait()

    async def _write(self, waiting: _Waiting) -> bool:
        """Store one exchange; False when it is to be tried again."""
        try:
            await ConversationStore(await self._database()).append(waiting.whose, waiting.exchange)
        except ButtressError as error:
            if error.retryable:
                return False
            self._lose(1, error.message)
        except (psycopg.Error, OSError) as error:
            self._lose(1, one_line(error))
        return True

    async def _flush(self) -> None:
        """Wait a bounded time until all is stored."""
        try:
            async with asyncio.timeout(self._settings.flush_s):
                while self._queue:
                    await self._queue[-1].stored.wait()
        except TimeoutError:
            self._lose(len(self._queue), "the process ends")

    def _lose(self, exchanges: int, reason: str) -> None:
        self.lost += exchanges
        _log.error("memory.lost", reason=reason, exchanges=exchanges, lost=self.lost)
