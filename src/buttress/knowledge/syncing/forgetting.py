"""Forgetting knowledge bases that were taken out of the project: nothing of them stays in ledger or index."""

import asyncio
import shutil
from collections.abc import Collection

from buttress.knowledge.embedding.generations import tell_generation
from buttress.knowledge.errors import SourceEmptied
from buttress.knowledge.index.tables import Index, open_index
from buttress.knowledge.syncing.ledger import Ledger, knowledge_in
from buttress.knowledge.syncing.prospect import IngestParts, sole_writer
from buttress.knowledge.syncing.taking_in import CHANNEL
from buttress.knowledge.syncing.types import IngestReport


async def forget_undeclared(declared: Collection[str], parts: IngestParts) -> list[IngestReport]:
    """Forget every knowledge base that something is there of and that is not `declared`; one report each.

    Killed at any moment, the next one finishes: who is in the ledger or in the index is seen by it.

    Raises:
        SourceEmptied: none is declared at all, without `allow_empty`; nothing was changed.
        IngestRunning: one of them is being ingested.
        IndexFailed, LockLost, StorageUnavailable: it cannot go on; do it again.
    """
    index = await open_index(parts.index_folder)
    return [await _forget(name, index, parts) for name in await undeclared(declared, parts)]


async def undeclared(declared: Collection[str], parts: IngestParts) -> list[str]:
    """Return the knowledge bases that something is there of and that are not `declared`, by name.

    Raises:
        SourceEmptied: none is declared at all, without `allow_empty`.
    """
    index = await open_index(parts.index_folder)
    there = await index.knowledge() | await knowledge_in(parts.database)
    gone = sorted(there - set(declared))
    if gone and not declared and not parts.allow_empty:
        names = ", ".join(f"`{name}`" for name in gone)
        raise SourceEmptied(f"no knowledge base is declared, where {names} had been ingested before")
    return gone


async def _forget(knowledge: str, index: Index, parts: IngestParts) -> IngestReport:
    began = parts.clock.monotonic()
    async with sole_writer(knowledge, parts) as lock:
        await lock.check()
        async with Ledger(parts.database, knowledge).changing() as change:
            documents = await change.remove_all()
            await change.tell(CHANNEL)
            await index.drop(knowledge)
            await asyncio.to_thread(_forget_files, knowledge, parts)
    duration_s = parts.clock.monotonic() - began
    return IngestReport(knowledge=knowledge, removed=documents, duration_s=duration_s, forgotten=True)


def _forget_files(knowledge: str, parts: IngestParts) -> None:
    tell_generation(parts.index_folder, knowledge, None)
    shutil.rmtree(parts.kept / knowledge, ignore_errors=True)
