"""The answers of a process: in its memory first, then in PostgreSQL, for which no call waits long.

What is looked up there has a deadline, and is a miss behind it; what is kept is written after the answer, by
a task of its own. A database that is away, slow or full costs hits, and nothing else.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Coroutine, Sequence
from types import TracebackType
from typing import Self, TypeVar

import msgspec
import psycopg
import structlog

from buttress.caching.errors import LookupFailed, LookupLate
from buttress.caching.memory import MemoryAnswers
from buttress.caching.settings import CachingSettings
from buttress.caching.store import AnswerStore
from buttress.caching.types import Entry, Key, Meaning, Similar
from buttress.kernel.cached import KeepPolicy
from buttress.kernel.clock import Clock
from buttress.kernel.errors import ButtressError
from buttress.storage.database import Database
from buttress.storage.translation import one_line

T = TypeVar("T")

MAX_READS = 64
"""Look-ups under way at a time, those that nobody waits for any more included; one more is a miss at once."""

REST_S = 1.0
"""How long the database is left alone that failed."""

STORED_LATELY = 1_000
"""Of so many answers that were stored last it is known what they cite."""

_REFUSALS = (ButtressError, psycopg.Error, OSError, UnicodeError)
"""What a database may say, or what it is asked with may be: half a character in a tenant's name."""

_log = structlog.get_logger("buttress.caching.answers")


class _Waiting(msgspec.Struct, frozen=True):
    key: Key
    entry: Entry
    meaning: Meaning | None


class Answers:
    """The answers that a process keeps. An async context manager: at its end it writes what still waits.

    `database` opens the database when it is first needed. `lost` counts answers that were not written.
    """

    def __init__(
        self, database: Callable[[], Awaitable[Database]], settings: CachingSettings, clock: Clock
    ) -> None:
        self._database = database
        self._settings = settings
        self._clock = clock
        self._here = MemoryAnswers(settings.max_entries, settings.max_bytes)
        self._queue: deque[_Waiting] = deque()
        self._stored: deque[tuple[str, ...]] = deque(maxlen=STORED_LATELY)
        self._forgettings = 0
        self._wake = asyncio.Event()
        self._written = asyncio.Event()
        self._tasks = asyncio.TaskGroup()
        self._reads: set[asyncio.Task[None]] = set()
        self._writer: asyncio.Task[None] | None = None
        self._rests_until = 0.0
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
        await self._tasks.__aexit__(None, None, None)

    async def get(self, key: Key, policy: KeepPolicy) -> Entry | None:
        """Return what is kept under `key`; from memory at once.

        Raises:
            LookupLate, LookupFailed: it is not in memory, and PostgreSQL did not say in time.
        """
        found = self._here.get(key, self._clock.now())
        if found or policy.level == "process":
            return found
        now, forgettings = self._clock.now(), self._forgettings
        entry = await self._asked(lambda store: store.get(key, now), self._settings.read_timeout_s)
        if entry is None or forgettings != self._forgettings:  # it may be what was forgotten meanwhile
            return None
        self._here.put(key, entry)
        return entry

    async def similar(self, key: Key, meaning: Meaning, threshold: float) -> Sequence[Similar]:
        """Return the answers to questions of nearly the same meaning, best first.

        Raises:
            LookupLate, LookupFailed: PostgreSQL did not say in time, or has no pgvector.
        """
        now = self._clock.now()
        return await self._asked(
            lambda store: store.similar(key.tenant, meaning, threshold=threshold, now=now),
            self._settings.semantic_timeout_s,
        )

    def put(self, key: Key, entry: Entry, policy: KeepPolicy, meaning: Meaning | None = None) -> None:
        """Keep `entry`. Never waits, never fails: where it is too large, or too many wait, it is not kept."""
        if len(entry.body) > self._settings.max_entry_bytes:
            return
        self._here.put(key, entry)
        if policy.level == "process":
            return
        if len(self._queue) >= self._settings.queue_length:
            self.lost += 1
            return
        self._queue.append(_Waiting(key, entry, meaning))
        self._written.clear()
        self._wake.set()
        if self._writer is None:
            self._writer = self._tasks.create_task(self._write_all())

    def forget_here(self, documents: Collection[str] | None = None) -> bool:
        """Drop what cites one of `documents` from memory and from what waits to be stored; all, without any.

        Return whether this process has stored such answers lately: who deleted the stored ones may have
        done so just before. It is said once.
        """
        self._forgettings += 1
        if documents is None:
            self._here.forget(lambda _, __: True)
            self._queue.clear()
            return False
        self._here.forget_cited(documents)
        changed = frozenset(documents)
        self._queue = deque(one for one in self._queue if changed.isdisjoint(one.entry.cited))
        before = len(self._stored)
        others = (cited for cited in self._stored if changed.isdisjoint(cited))
        self._stored = deque(others, maxlen=STORED_LATELY)
        return len(self._stored) < before

    async def _asked(self, ask: Callable[[AnswerStore], Coroutine[None, None, T]], within_s: float) -> T:
        if self._clock.monotonic() < self._rests_until:
            raise LookupFailed("the database has just failed, and is left alone")
        if len(self._reads) >= MAX_READS:
            raise LookupLate(f"{MAX_READS} answers are being looked for already")
        # A task of its own: to cancel a statement takes as long as the database wants.
        answer: asyncio.Future[T | LookupFailed] = asyncio.get_running_loop().create_future()
        task = self._tasks.create_task(self._ask(ask, answer))
        self._reads.add(task)
        task.add_done_callback(self._reads.discard)
        done, _ = await asyncio.wait({answer}, timeout=within_s)
        if not done:
            raise LookupLate(f"the database did not say within {within_s * 1000:g} ms")
        found = answer.result()
        if isinstance(found, LookupFailed):
            raise found
        return found

    async def _ask(
        self,
        ask: Callable[[AnswerStore], Coroutine[None, None, T]],
        answer: "asyncio.Future[T | LookupFailed]",
    ) -> None:
        try:
            found: T | LookupFailed = await ask(AnswerStore(await self._database()))
        except (*_REFUSALS, msgspec.ValidationError) as error:
            found = LookupFailed(f"the database cannot be asked: {one_line(error)}")
            if isinstance(error, ButtressError) and error.retryable:
                self._rests_until = self._clock.monotonic() + REST_S
        if not answer.done():
            answer.set_result(found)

    async def _write_all(self) -> None:
        while True:
            while self._queue:
                await self._write(self._queue.popleft())
            self._written.set()
            self._wake.clear()
            await self._wake.wait()

    async def _write(self, one: _Waiting) -> None:
        if one.entry.cited:
            self._stored.append(one.entry.cited)
        try:
            await AnswerStore(await self._database()).put(one.key, one.entry, one.meaning)
        except _REFUSALS as error:
            self.lost += 1
            _log.warning("answers.not_kept", reason=one_line(error), lost=self.lost)

    async def _flush(self) -> None:
        """Wait a bounded time until all is written; it is a cache, and what is lost is asked for anew."""
        if self._writer is None or self._written.is_set():
            return
        try:
            async with asyncio.timeout(self._settings.flush_s):
                await self._written.wait()
        except TimeoutError:
            self.lost += len(self._queue) + 1  # and the one that is being written
