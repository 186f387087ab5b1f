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
from buttress.prompts.store import ConversationStore, Sought
from buttress.prompts.types import Exchange, Summarise, Turns, Whose
from buttress.storage.database import Database
from buttress.storage.translation import one_line

MAX_READS = 64
"""Reads under way at a time, those that nobody waits for any more included; one more is late at once."""

MAX_SUMMARIES = 8
"""Summaries that are written at a time; a conversation whose turn it is then has it after its next turns."""

MAX_BATCHES = 3
"""How often a summary is taken further behind one call, where much was said before there were any."""

RETRY_S = 0.5
"""How long to wait until a turn that could not be stored is tried again."""

_log = structlog.get_logger("buttress.prompts.memory")


class _Waiting(msgspec.Struct, frozen=True):
    """An exchange that is to be stored; `stored` is set when it is, or when it never will be."""

    whose: Whose
    exchange: Exchange
    stored: asyncio.Event
    summarise: Summarise | None


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
        self._summaries: set[asyncio.Task[None]] = set()
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
        for task in (*self._reads, *self._summaries, *([self._writer] if self._writer else [])):
            task.cancel()
        # An error of the block is the caller's own: the group would wrap it.
        await self._tasks.__aexit__(None, None, None)

    async def turns(self, whose: Whose, question: str = "") -> Turns:
        """Return the newest turns of a conversation, with all that this process appended to it before.

        Of older ones there are the summary, and those that have to do with `question`.

        Raises:
            MemoryLate: they are not there within the time that a call has.
            ButtressError: the database is away, or refuses.
        """
        within_s = self._settings.timeout_s if self._was_opened else self._settings.open_timeout_s
        if len(self._reads) >= MAX_READS:
            raise MemoryLate(f"{MAX_READS} conversations are being read already")
        # A task of its own: to cancel a statement takes as long as the database wants.
        task = self._tasks.create_task(self._read(whose, question))
        self._reads.add(task)
        task.add_done_callback(self._reads.discard)
        done, _ = await asyncio.wait({task}, timeout=within_s)
        if not done:
            raise MemoryLate(f"the turns of the conversation were not there within {within_s:g} s")
        found = task.result()
        if isinstance(found, ButtressError):
            raise found
        return found

    def append(self, whose: Whose, exchange: Exchange, summarise: Summarise | None = None) -> None:
        """Have `exchange` stored soon; counted as lost where too many wait. Never waits, never fails.

        With `summarise` older turns are then summarised, where it is time for that.
        """
        if len(self._queue) >= self._settings.queue_length:
            self._lose(1, "too many wait")
            return
        self._queue.append(_Waiting(whose, exchange, asyncio.Event(), summarise))
        self._wake.set()
        if self._writer is None:
            self._writer = self._tasks.create_task(self._write_all())

    async def _read(self, whose: Whose, question: str) -> Turns | ButtressError:
        try:
            for waiting in [one for one in self._queue if one.whose == whose]:
                await waiting.stored.wait()
            store = ConversationStore(await self._database())
            bounds = self._settings
            return await store.latest(
                whose,
                Sought(question, bounds.recollect),
                messages=bounds.newest_messages,
                characters=bounds.newest_characters,
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
                    stored = self._queue.popleft()
                    stored.stored.set()
                    self._begin_summary(stored)
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

    def _begin_summary(self, stored: _Waiting) -> None:
        """Look whether older turns are to be summarised, and do it, behind everybody's back."""
        is_wanted = stored.summarise and self._settings.summarise_messages
        if not is_wanted or stored.summarise is None or len(self._summaries) >= MAX_SUMMARIES:
            return
        task = self._tasks.create_task(self._summarise(stored.whose, stored.summarise))
        self._summaries.add(task)
        task.add_done_callback(self._summaries.discard)

    async def _summarise(self, whose: Whose, summarise: Summarise) -> None:
        """Summarise what is due; what fails is tried again after a time that a setting says."""
        bounds = self._settings
        try:
            store = ConversationStore(await self._database())
            for _ in range(MAX_BATCHES):
                due = await store.claim(
                    whose,
                    messages=bounds.summarise_messages,
                    verbatim=bounds.verbatim_messages,
                    retry_s=bounds.summary_retry_s,
                )
                if due is None:
                    return
                await store.summarised(due, await summarise(due.summary, due.messages))
        except ButtressError as error:
            _log.warning("memory.not_summarised", code=error.code, reason=error.message)
        except (psycopg.Error, OSError) as error:
            _log.warning("memory.not_summarised", reason=one_line(error))

    async def _flush(self) -> None:
        """Wait a bounded time until all is stored."""
        try:
            async with asyncio.timeout(self._settings.flush_s):
                while self._queue:
                    await self._queue[-1].stored.wait()
                if self._summaries:
                    await asyncio.wait(self._summaries)
        except TimeoutError:
            if self._queue:
                self._lose(len(self._queue), "the process ends")

    def _lose(self, exchanges: int, reason: str) -> None:
        self.lost += exchanges
        _log.error("memory.lost", reason=reason, exchanges=exchanges, lost=self.lost)
