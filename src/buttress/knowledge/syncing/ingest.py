"""Syncing: what the sources hold becomes what is found, nothing more and nothing less.

    list -> plan -> take in what is new or changed -> remove what is gone -> switch to what was built

Another embedding model builds a generation of its own beside the one that is searched; it is taken in one
transaction, when it holds every document that the old one did. Killed anywhere, the next sync finds ledger
and index apart and goes on.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress

import msgspec

from buttress.kernel.errors import ButtressError
from buttress.kernel.ids import DocumentId
from buttress.knowledge.embedding.generations import Generation, tell_generation
from buttress.knowledge.index.table import Table
from buttress.knowledge.index.tables import Index, open_index
from buttress.knowledge.parsing.ocr import require_ocr
from buttress.knowledge.ports import Source
from buttress.knowledge.sources.opening import forget_other_sources
from buttress.knowledge.syncing.intake import Intake, opened_sources
from buttress.knowledge.syncing.ledger import Ledger
from buttress.knowledge.syncing.plan import (
    left_out,
)
from buttress.knowledge.syncing.prospect import (
    IngestParts,
    Prospect,
    look,
    sole_writer,
    source_parts,
    states_of,
)
from buttress.knowledge.syncing.syncs import SyncLog
from buttress.knowledge.syncing.taking_in import CHANNEL, TakingIn, Tools
from buttress.knowledge.syncing.tally import Tally
from buttress.knowledge.syncing.types import IngestReport, Progress, SyncPlan
from buttress.knowledge.types import KnowledgeBase
from buttress.storage.advisory import AdvisoryLock


class Watchers(msgspec.Struct, frozen=True):
    """Who is told how far a sync is, beforehand what it is going to do, and at its end what it did."""

    progress: Callable[[Progress], None] = lambda _: None
    plan: Callable[[SyncPlan], None] = lambda _: None
    report: Callable[[IngestReport], None] = lambda _: None


async def ingest(
    base: KnowledgeBase,
    parts: IngestParts,
    watchers: Watchers = Watchers(),  # noqa: B008 - it is frozen
) -> IngestReport:
    """Make what is found in `base` what its sources hold now; report what cannot be read.

    Raises:
        SourceMissing, Unreadable: no source is there; nothing was removed.
        SourceEmptied: a source that held documents is empty, without `allow_empty`; nothing was changed.
        IngestRunning: another sync of `base` did not end within `lock_timeout_s`.
        ChunksTooLong: its chunks would be cut off by the model.
        EmbedderMissing, EmbedderBroken, ExtraMissing, OcrMissing, IndexFailed: it cannot work here.
        LockLost, StorageUnavailable: the database went away; what was committed stays, sync again.
    """
    log = SyncLog(parts.database)
    async with sole_writer(base.name, parts) as lock:
        await log.began(base.name, parts.clock.now())
        try:
            report = await _synced(base, parts, lock, watchers)
        except ButtressError as error:
            with suppress(ButtressError):  # the first error says more than one of noting it
                await log.failed(base.name, parts.clock.now(), error)
            raise
        await log.ended(base.name, parts.clock.now(), len(report.skipped))
        return report


async def plan_sync(base: KnowledgeBase, parts: IngestParts) -> SyncPlan:
    """Return what a sync of `base` would do now; nothing is changed. Raises what `ingest` does.

    Nobody syncs meanwhile: what sources keep beside is for one at a time.
    """
    async with sole_writer(base.name, parts), opened_sources(base, source_parts(base, parts)) as opened:
        prospect = await look(base, parts, opened, await open_index(parts.index_folder))
    return prospect.shown


async def _synced(
    base: KnowledgeBase, parts: IngestParts, lock: AdvisoryLock, watchers: Watchers
) -> IngestReport:
    await asyncio.to_thread(forget_other_sources, base.sources, parts.kept / base.name)
    async with opened_sources(base, source_parts(base, parts)) as opened:
        index = await open_index(parts.index_folder)
        prospect = await look(base, parts, opened, index)
        watchers.plan(prospect.shown)
        return await _Sync(prospect, parts, lock, index).run(opened, watchers)


class _Sync:
    """One run over what was found; the lock is held."""

    def __init__(self, prospect: Prospect, parts: IngestParts, lock: AdvisoryLock, index: Index) -> None:
        self._prospect = prospect
        self._parts = parts
        self._lock = lock
        self._index = index
        self._name = prospect.base.name
        self._ledger = Ledger(parts.database, self._name)

    async def run(self, opened: Mapping[str, Source], watchers: Watchers) -> IngestReport:
        """Do what is to be done, and report it."""
        prospect, wanted = self._prospect, self._prospect.wanted
        tally = Tally(self._name, prospect.plan, self._parts.clock, watchers.progress)
        tally.passed_over(left_out(prospect.sources))
        table = await self._index.make(self._name, wanted.fingerprint, wanted.dimensions)
        await self._begin()
        failed = await self._take_in(opened, table, tally)
        await self._refresh()
        await self._remove([*prospect.plan.removed, *failed], table, tally)
        await table.tidy()
        missing = await self._switch() if prospect.is_rebuild else 0
        rebuilt = prospect.is_rebuild and not missing
        return tally.report(await self._ledger.count(), rebuilt=rebuilt, waits_for=missing)

    async def _begin(self) -> None:
        """Say what is searched meanwhile, and remove what is gone from that before another is built."""
        prospect, active = self._prospect, self._prospect.active
        if active is None or not prospect.is_rebuild:
            if active != prospect.wanted:
                await self._take(prospect.wanted)
            await self._tell(prospect.wanted)
            return
        await self._tell(active)
        table = await self._index.find(self._name, active.fingerprint, active.dimensions)
        if table and prospect.plan.removed:
            await self._lock.check()
            await table.remove(prospect.plan.removed)

    async def _take_in(self, opened: Mapping[str, Source], table: Table, tally: Tally) -> list[DocumentId]:
        """Take in what is new or changed; return the documents that must not be there any more."""
        prospect, parts = self._prospect, self._parts
        if not prospect.plan.work:
            return []
        await asyncio.to_thread(require_ocr, parts.ocr)
        embedder = await parts.embedder()
        intake = Intake(
            base=prospect.base,
            opened=opened,
            fingerprint=prospect.plan.fingerprint,
            max_file_bytes=parts.limits.max_file_bytes,
            parse=parts.parse,
            token_starts=embedder.token_starts,
        )
        taking = TakingIn(
            prospect.plan,
            prospect.present,
            Tools(
                embedder=embedder,
                intake=intake,
                table=table,
                ledger=self._ledger,
                lock=self._lock,
                clock=parts.clock,
                tally=tally,
                settings=parts.settings,
                changed=parts.changed,
            ),
        )
        await taking.run()
        lost = {*taking.away, *(label for label, _ in prospect.sources.away)}
        if taking.away and lost.issuperset(one.label for one in prospect.base.sources):
            raise next(iter(taking.away.values()))
        return taking.failed

    async def _refresh(self) -> None:
        """Note the new revisions of documents whose bytes are the same."""
        if self._prospect.plan.refreshed:
            await self._lock.check()
            async with self._ledger.changing() as change:
                await change.refresh(self._prospect.plan.refreshed)

    async def _remove(self, gone: list[DocumentId], table: Table, tally: Tally) -> None:
        if not gone:
            return
        await self._lock.check()
        async with self._ledger.changing() as change:
            await change.remove(gone)
            await change.tell(CHANNEL)
            await table.remove(gone)
        tally.removed(len(gone))
        if self._parts.changed:
            await self._parts.changed(gone)

    async def _switch(self) -> int:
        """Search with what was built, if it holds all that there is; return how many documents it lacks.

        What could not be read or parsed just now is found in the old one, until it can.
        """
        wanted = self._prospect.wanted
        states = await states_of(self._index, self._name, wanted)
        if missing := len((await self._ledger.rows()).keys() - states.keys()):
            return missing
        await self._take(wanted)
        await self._tell(wanted)
        return 0

    async def _take(self, generation: Generation) -> None:
        await self._lock.check()
        async with self._ledger.changing() as change:
            await change.switch(generation, self._parts.clock.now())
            await change.tell(CHANNEL)

    async def _tell(self, searched: Generation) -> None:
        """Have engines search `searched`, and remove what is neither that nor being built."""
        await asyncio.to_thread(tell_generation, self._parts.index_folder, self._name, searched)
        await self._index.drop(self._name, but={searched.fingerprint, self._prospect.wanted.fingerprint})
