"""Syncs of knowledge bases that are due, again and again, in the background; one at a time."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, closing
from datetime import datetime, timedelta

import msgspec
import structlog

from buttress.app.again import TROUBLE
from buttress.app.standings import as_metrics, standings
from buttress.app.syncing import SyncParts, sync
from buttress.kernel.clock import Clock
from buttress.knowledge.embedding.embedder import SharedEmbedder
from buttress.knowledge.errors import IngestRunning
from buttress.knowledge.syncing.schedule import SOON_S, LastSync, next_sync
from buttress.knowledge.syncing.syncs import SyncLog
from buttress.knowledge.syncing.types import IngestReport
from buttress.knowledge.types import KnowledgeBase
from buttress.settings.loading import Loaded, load_settings
from buttress.storage.database import Database, OpenDatabase
from buttress.tracing.metrics import NOTHING, Present

LOOK_EVERY_S = 2.0
COUNT_EVERY_S = 30.0
_SKEW = timedelta(minutes=5)
"""So far apart the clocks of two machines may be."""

_log = structlog.get_logger("buttress.app.schedule")


class ScheduleParts(msgspec.Struct, frozen=True, kw_only=True):
    """What syncs by themselves need. `knowledge` gives what is declared now."""

    loaded: Loaded
    knowledge: Callable[[], Mapping[str, KnowledgeBase]]
    database: OpenDatabase
    clock: Clock


class Schedule:
    """Syncs what is due. Any number of processes may do so at once: a knowledge base is synced by one."""

    def __init__(self, parts: ScheduleParts) -> None:
        self._parts = parts
        self._count_at = 0.0
        self._not_before: dict[str, float] = {}
        self.present: Present = NOTHING
        """How the knowledge bases stand, as metrics."""

    async def run(self) -> None:
        """Look and sync, for ever; what cannot be done now is done later."""
        while True:
            try:
                await self.look()
            except TROUBLE as error:
                _log.warning("sync.not_now", reason=str(error))
            await asyncio.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        """Sync what is due now, one after another, and count.

        Raises:
            StorageUnavailable, StorageBusy: see `storage.database`.
        """
        database = await self._parts.database()
        for name in tuple(self._parts.knowledge()):
            # Others may have taken hours: it may have been declared otherwise meanwhile, or taken out.
            base = self._parts.knowledge().get(name)
            if base is None or base.sync_every_s is None or self._is_put_off(name):
                continue
            last = (await SyncLog(database).all()).get(base.name)
            if is_due(base.sync_every_s, last, self._parts.clock.now()):
                await self._sync(base, database)
        if self._parts.clock.monotonic() >= self._count_at:
            self._count_at = self._parts.clock.monotonic() + COUNT_EVERY_S
            self.present = as_metrics(await standings(database, self._parts.knowledge()))

    def _is_put_off(self, name: str) -> bool:
        return self._parts.clock.monotonic() < self._not_before.get(name, 0.0)

    async def _sync(self, base: KnowledgeBase, database: Database) -> None:
        self._count_at = 0.0
        try:
            (report,) = await self._synced(base, database)
        except IngestRunning:
            self._put_off(base.name)  # somebody does it just now
        except TROUBLE as error:
            self._put_off(base.name)
            _log.warning("sync.failed", knowledge=base.name, reason=str(error))
        else:
            done = {one: getattr(report, one) for one in ("added", "changed", "moved", "removed")}
            _log.info("sync.done", knowledge=base.name, left_out=len(report.skipped), **done)

    def _put_off(self, name: str) -> None:
        self._not_before[name] = self._parts.clock.monotonic() + SOON_S

    async def _synced(self, base: KnowledgeBase, database: Database) -> list[IngestReport]:
        """Sync one knowledge base by the settings as they are now: they may name another model meanwhile."""
        before = self._parts.loaded
        loaded = await asyncio.to_thread(load_settings, before.project, flags=before.flags)
        with closing(SharedEmbedder(loaded.tree.knowledge.embedder)) as embedder:
            parts = SyncParts(loaded=loaded, database=database, embedder=embedder, clock=self._parts.clock)
            return await sync({base.name: base}, [base.name], parts)


def is_due(every_s: float, last: LastSync | None, now: datetime) -> bool:
    """Say whether a sync is to begin: also where the last one is said to have begun in time to come.

    A clock that went ahead and was set right would put the next one off for as long as it was wrong.
    """
    at = next_sync(every_s, last)
    return at is None or at <= now or (last is not None and last.began_at > now + _SKEW)


@asynccontextmanager
async def scheduled(parts: ScheduleParts) -> AsyncIterator[Schedule]:
    """Sync what is due beside the block; a sync that is under way at its end is gone on with later."""
    schedule = Schedule(parts)
    try:
        async with asyncio.TaskGroup() as beside:
            running = beside.create_task(schedule.run())
            yield schedule
            running.cancel()
    except ExceptionGroup as errors:  # of the block: it is to see its own
        raise errors.exceptions[0] from None
