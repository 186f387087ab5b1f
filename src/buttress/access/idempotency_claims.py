"""The Idempotency-Keys that this process answers, and those that it waits for others to answer."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from types import TracebackType
from typing import Self, TypeVar

import msgspec
import psycopg
import structlog

from buttress.access.errors import (
    IdempotencyInProgress,
    IdempotencyLost,
    IdempotencyMismatch,
    IdempotencyNotKept,
)
from buttress.access.idempotency import Kept, Named
from buttress.access.idempotency_store import Answered, Ending, Found, IdempotencyStore, Mine, UnderWay
from buttress.access.settings import IdempotencySettings
from buttress.kernel.errors import ButtressError
from buttress.storage.database import Database
from buttress.storage.errors import StorageUnavailable
from buttress.storage.translation import one_line

BEATS = 5
"""How often a process says that it lives within the time after which it is taken for dead."""

FIRST_LOOK_S, LONGEST_PAUSE_S = 0.02, 0.5
"""Between two looks whether somebody else has answered: each pause is twice the one before."""

MAX_WAITING_BYTES = 67_108_864
"""Answers that could not be stored and wait for the database; of more is only known that they were given."""

T = TypeVar("T")

_log = structlog.get_logger("buttress.access.idempotency")


class Claims:
    """What this process does about Idempotency-Keys. An async context manager: its tasks end with it.

    `database` opens the database when it is first needed, `new_claim` gives an id that nobody else has. While
    claims are under way they are beaten for; endings that could not be stored are tried again with each beat.
    """

    def __init__(
        self,
        database: Callable[[], Awaitable[Database]],
        settings: IdempotencySettings,
        new_claim: Callable[[], str],
    ) -> None:
        self._database = database
        self._settings = settings
        self._new_claim = new_claim
        self._tasks = asyncio.TaskGroup()
        self._under_way: set[str] = set()
        self._waiting: dict[str, Ending] = {}
        self._looks: dict[str, asyncio.Task[None]] = {}
        self._running: set[asyncio.Task[object]] = set()
        self._keeper: asyncio.Task[None] | None = None
        self._was_opened = False

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        storing = self._running - {self._keeper, *self._looks.values()}
        if storing and self._waiting:
            await asyncio.wait(storing, timeout=self._settings.store_timeout_s)
        for task in self._running:
            task.cancel()
        # An error of the block is the caller's own: the group would wrap it.
        await self._tasks.__aexit__(None, None, None)

    @property
    def max_answer_bytes(self) -> int:
        """The longest answer that is kept."""
        return self._settings.max_answer_bytes

    async def begin(self, request: Named) -> Mine | Kept:
        """Return the answer to `request`; or `Mine`, and whoever gets that answers, and tells `end` of it.

        Waits up to `wait_s` for somebody who answers it already.

        Raises:
            IdempotencyMismatch: its key was sent before with another request.
            IdempotencyInProgress: it is still being answered.
            IdempotencyLost: who answered it died.
            IdempotencyNotKept: its answer was too long to be kept, or gave way to newer ones.
            StorageUnavailable: the database did not say so in time.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._settings.wait_s
        while True:
            found = await self._claim(request)
            if isinstance(found, Mine):
                return found
            if found.fingerprint != request.fingerprint:
                raise IdempotencyMismatch("this Idempotency-Key was sent before with another request")
            if isinstance(found, Answered):
                return _answer_of(found)
            await self._wait(request, found, deadline - loop.time())

    async def end(self, ending: Ending) -> None:
        """Store how a claim of ours ended: in time, or later by ourselves. Never fails."""
        self._under_way.discard(ending.claim)
        self._later(ending)  # first of all: whoever cancels us changes nothing
        task = self._start(self._store(ending))
        await asyncio.wait({task}, timeout=self._settings.store_timeout_s)

    async def forget(self) -> int:
        """Delete the answers that were kept for long enough, or are too many; return how many there were.

        Raises:
            StorageUnavailable: the database is away.
        """
        store = await self._stored()
        return await store.forget() + await store.trim()

    async def _claim(self, request: Named) -> Found:
        within_s = self._settings.store_timeout_s if self._was_opened else self._settings.open_timeout_s
        # A task of its own: to cancel a statement takes as long as the database wants.
        task = self._start(self._try_claim(request, self._new_claim()))
        try:
            done, _ = await asyncio.wait({task}, timeout=within_s)
        except asyncio.CancelledError:
            task.add_done_callback(self._give_up)
            raise
        if not done:
            task.add_done_callback(self._give_up)
            raise _refusal(f"it did not answer within {within_s:g} s")
        if isinstance(found := task.result(), str):
            raise _refusal(found)
        return found

    async def _try_claim(self, request: Named, claim: str) -> Found | str:
        """Return what became of it, or why nothing did."""
        try:
            found = await (await self._stored()).claim(request, claim)
        except (ButtressError, psycopg.Error, OSError) as error:
            return one_line(error)
        finally:
            self._was_opened = True
        if isinstance(found, Mine):
            self._under_way.add(found.claim)
            self._keeper = self._keeper or self._start(self._keep_alive())
        return found

    def _give_up(self, task: asyncio.Task[Found | str]) -> None:
        """Free what was claimed for somebody who does not wait for it any more."""
        if not task.cancelled() and isinstance(found := task.result(), Mine):
            self._under_way.discard(found.claim)
            self._later(Ending(claim=found.claim, is_free=True))

    async def _wait(self, request: Named, found: UnderWay, seconds: float) -> None:
        """Return when it is worth to claim `request` again."""
        if found.is_lost:
            raise IdempotencyLost("who answered the first request with this Idempotency-Key died meanwhile")
        if seconds > 0:
            look = self._looks.get(request.place) or self._look_at(request.place)
            done, _ = await asyncio.wait({look}, timeout=seconds)
            if done:
                return
        told = f"the answer to this Idempotency-Key was not whole after {self._settings.wait_s:g} s"
        raise IdempotencyInProgress(told, data={"retry_after_s": 1})

    def _look_at(self, place: str) -> asyncio.Task[None]:
        """Return a task that ends when nobody answers `place` any more: one for all who wait for it."""
        look = self._looks[place] = self._start(self._look_on(place))
        look.add_done_callback(lambda _: self._looks.pop(place))
        return look

    async def _look_on(self, place: str) -> None:
        pause_s, left_s = FIRST_LOOK_S, self._settings.wait_s
        while left_s > 0:
            await asyncio.sleep(pause_s)
            try:
                if await (await self._stored()).is_over(place):
                    return
            except (ButtressError, psycopg.Error, OSError):
                return  # whoever waits claims again, and is told
            left_s -= pause_s
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    async def _keep_alive(self) -> None:
        while True:
            await asyncio.sleep(self._settings.owner_timeout_s / BEATS)
            try:
                await self._beat()
            except (ButtressError, psycopg.Error, OSError) as error:
                _log.warning("idempotency.not_stored", waiting=len(self._waiting), reason=one_line(error))

    async def _beat(self) -> None:
        store = await self._stored()
        if self._under_way:
            await store.beat(self._under_way)
        for ending in [*self._waiting.values()]:
            await store.end(ending)
            self._waiting.pop(ending.claim, None)

    async def _store(self, ending: Ending) -> None:
        """Store it now; where that fails it waits for the next beat."""
        try:
            await (await self._stored()).end(ending)
        except (ButtressError, psycopg.Error, OSError) as error:
            _log.warning("idempotency.not_stored", waiting=len(self._waiting), reason=one_line(error))
        else:
            self._waiting.pop(ending.claim, None)

    def _later(self, ending: Ending) -> None:
        """Have `ending` stored with a beat, unless it is sooner; of too much only that it was."""
        if sum(one.size for one in self._waiting.values()) + ending.size > MAX_WAITING_BYTES:
            ending = msgspec.structs.replace(ending, kept=None)
        self._waiting[ending.claim] = ending

    def _start(self, work: Coroutine[object, object, T]) -> asyncio.Task[T]:
        task = self._tasks.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def _stored(self) -> IdempotencyStore:
        return IdempotencyStore(await self._database(), self._settings)


def _answer_of(found: Answered) -> Kept:
    if found.kept is None:
        raise IdempotencyNotKept("the answer to this Idempotency-Key was given, and is not kept")
    return found.kept


def _refusal(reason: str) -> StorageUnavailable:
    hint = "Ask again in a moment; or without the key, if it may be paid for twice."
    data: dict[str, object] = {"retry_after_s": 1}
    return StorageUnavailable(f"an Idempotency-Key needs the database: {reason}", hint=hint, data=data)
