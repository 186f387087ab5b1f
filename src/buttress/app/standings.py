"""How each knowledge base of a project stands: what it holds, its last sync, its next one."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import msgspec

from buttress.knowledge.embedding.generations import active_generation
from buttress.knowledge.index.tables import open_index
from buttress.knowledge.syncing.ledger import Ledger, documents_in
from buttress.knowledge.syncing.schedule import LastSync, next_sync
from buttress.knowledge.syncing.syncs import SyncLog
from buttress.knowledge.types import KnowledgeBase
from buttress.storage.database import Database
from buttress.tracing.metrics import Family, Present

DOCUMENTS = Family("knowledge_documents", "Documents that can be found.", ("knowledge",))
SYNCED = Family(
    "knowledge_synced_timestamp_seconds", "When the last sync ended well, in Unix time.", ("knowledge",)
)
FAILURES = Family("knowledge_sync_failures", "Syncs that failed since one ended well.", ("knowledge",))
LEFT_OUT = Family(
    "knowledge_left_out", "Documents and sources that the last good sync left out.", ("knowledge",)
)


class KnowledgeStanding(msgspec.Struct, frozen=True, kw_only=True):
    """How a knowledge base stands. `chunks` is None where nobody has looked, or nothing was taken in.

    `every_s` None: it is synced by hand alone. `next_at` None beside it: at once, when `serve` runs. `model`
    is the folder of the embedding model that it is searched with; empty for the packaged one.
    """

    knowledge: str
    documents: int
    chunks: int | None = None
    model: str | None = None
    every_s: float | None = None
    next_at: datetime | None = None
    last: LastSync | None = None


async def standings(database: Database, knowledge: Mapping[str, KnowledgeBase]) -> list[KnowledgeStanding]:
    """Return how each of the declared knowledge bases stands, by name, without their chunks.

    Raises:
        StorageUnavailable, StorageBusy: see `storage.database`.
    """
    documents, syncs = await documents_in(database), await SyncLog(database).all()
    return [
        _standing(base, documents.get(name, 0), syncs.get(name)) for name, base in sorted(knowledge.items())
    ]


async def counted(
    found: list[KnowledgeStanding], database: Database, index_folder: Path
) -> list[KnowledgeStanding]:
    """Return `found` with their chunks and models: LanceDB is loaded for it, which takes a second."""
    index = await open_index(index_folder)
    counts: list[KnowledgeStanding] = []
    for one in found:
        name = one.knowledge
        searched = await Ledger(database, name).generation() or active_generation(index_folder, name)
        table = searched and await index.find(name, searched.fingerprint, searched.dimensions)
        chunks = await table.count() if table else None
        model = searched.folder if searched else None
        counts.append(msgspec.structs.replace(one, chunks=chunks, model=model))
    return counts


def as_metrics(found: list[KnowledgeStanding]) -> Present:
    """Return what monitors look at of `found`."""
    synced = {one: one.last.succeeded_at for one in found if one.last and one.last.succeeded_at}
    return {
        DOCUMENTS: {(one.knowledge,): one.documents for one in found},
        SYNCED: {(one.knowledge,): at.timestamp() for one, at in synced.items()},
        FAILURES: {(one.knowledge,): _failures(one.last) for one in found if one.last},
        LEFT_OUT: {(one.knowledge,): one.last.left_out for one in found if one.last},
    }


def _failures(last: LastSync) -> int:
    """Return the failures that are known: one that runs is none yet."""
    return last.failures if last.ended_at else max(0, last.failures - 1)


def _standing(base: KnowledgeBase, documents: int, last: LastSync | None) -> KnowledgeStanding:
    return KnowledgeStanding(
        knowledge=base.name,
        documents=documents,
        every_s=base.sync_every_s,
        next_at=next_sync(base.sync_every_s, last) if base.sync_every_s else None,
        last=last,
    )
