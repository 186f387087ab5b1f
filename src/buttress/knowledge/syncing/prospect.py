"""Before a sync: what it works with, what there is, and what is to be done."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from buttress.kernel.clock import Clock
from buttress.kernel.ids import DocumentId
from buttress.knowledge.embedding.generations import Generation, active_generation, generation_of
from buttress.knowledge.errors import ChunksTooLong, IngestRunning, SourceEmptied
from buttress.knowledge.index.tables import Index
from buttress.knowledge.ports import Embedder, Source
from buttress.knowledge.settings import (
    EmbedderSettings,
    IngestSettings,
    OcrSettings,
    ParseLimits,
    SourceSettings,
)
from buttress.knowledge.sources.opening import SourceParts
from buttress.knowledge.syncing.encoding import encoded_by
from buttress.knowledge.syncing.intake import Parse, list_sources
from buttress.knowledge.syncing.ledger import Ledger
from buttress.knowledge.syncing.plan import (
    Plan,
    Present,
    emptied_sources,
    ingest_fingerprint,
    make_plan,
    shown,
)
from buttress.knowledge.syncing.types import Sources, SyncPlan
from buttress.knowledge.types import KnowledgeBase
from buttress.storage.advisory import AdvisoryLock
from buttress.storage.database import Database
from buttress.storage.errors import LockBusy, LockLost

_GO_ON = (
    "Sync again: what was committed stays and is not done twice; no document is found in part: "
    "buttress sync {}"
)
_IS_IT_AWAY = (
    "Is a disk or a share not mounted? If the documents are gone for good: buttress sync {} --allow-empty"
)
_SPECIAL_TOKENS = 2


class IngestParts(msgspec.Struct, frozen=True, kw_only=True):
    """What a sync works with. `embedder` loads the model of `model`, or gives the one that is loaded.

    `fingerprint` tells that model's without loading it; None: it has to be loaded. `kept` is the folder in
    which sources keep what makes their next listing cheaper. With `allow_empty` a source that holds nothing
    any more loses all of its documents. `changed` is told which documents are others now, or gone, as soon as
    that is seen.
    """

    project: Path
    index_folder: Path
    kept: Path
    database: Database
    embedder: Callable[[], Awaitable[Embedder]]
    fingerprint: Callable[[], Awaitable[str]] | None = None
    model: EmbedderSettings = EmbedderSettings()
    parse: Parse
    clock: Clock
    settings: IngestSettings = IngestSettings()
    limits: ParseLimits = ParseLimits()
    ocr: OcrSettings = OcrSettings()
    sources: SourceSettings = SourceSettings()
    resolve_secret: Callable[[str], str] = str
    allow_empty: bool = False
    changed: Callable[[Collection[DocumentId]], Awaitable[object]] | None = None


class Prospect(msgspec.Struct, frozen=True, kw_only=True):
    """What is there, and what is to be done. `active` is what is searched, `wanted` what is to be."""

    base: KnowledgeBase
    sources: Sources
    present: Present
    plan: Plan
    active: Generation | None
    wanted: Generation

    @property
    def is_rebuild(self) -> bool:
        """Whether another model than the one that is searched with is to be."""
        return self.active is not None and self.active.fingerprint != self.wanted.fingerprint

    @property
    def shown(self) -> SyncPlan:
        """The plan for people."""
        return shown(self.base, self.plan, self.sources, self.present, rebuild=self.is_rebuild)


@asynccontextmanager
async def sole_writer(knowledge: str, parts: IngestParts) -> AsyncIterator[AdvisoryLock]:
    """Be the only one who changes `knowledge` for the block.

    Raises:
        IngestRunning: another sync did not end within `lock_timeout_s`.
        LockLost: the database went away in the block.
    """
    name, timeout_s = f"knowledge:{knowledge}", parts.settings.lock_timeout_s
    try:
        async with parts.database.advisory_lock(name, timeout_s=timeout_s) as lock:
            yield lock
    except LockBusy as error:
        raise IngestRunning(f"knowledge base `{knowledge}` is being synced already") from error
    except LockLost as error:
        raise LockLost(error.message, hint=_GO_ON.format(knowledge)) from error


async def look(
    base: KnowledgeBase, parts: IngestParts, opened: Mapping[str, Source], index: Index
) -> Prospect:
    """Return what is there, and what is to be done, with the sources open; the lock is held.

    Raises:
        SourceMissing, Unreadable: no source is there.
        SourceEmptied: one that held documents is empty, without `allow_empty`.
        ChunksTooLong: chunks would be cut off by the model.
    """
    ledger = Ledger(parts.database, base.name)
    rows = await ledger.rows()
    sources = await list_sources(base, opened, rows, parts.limits.max_file_bytes)
    active = await ledger.generation() or active_generation(parts.index_folder, base.name)
    wanted = await wanted_generation(parts, active)
    if base.chunks.max_tokens + _SPECIAL_TOKENS > wanted.max_tokens:
        raise ChunksTooLong(
            f"chunks of `{base.name}` have up to {base.chunks.max_tokens} tokens; "
            f"the embedding model reads {wanted.max_tokens - _SPECIAL_TOKENS}"
        )
    states = await states_of(index, base.name, wanted)
    former = await states_of(index, base.name, active) if active and active != wanted else {}
    if active and active.fingerprint != wanted.fingerprint and not former:
        active = None  # nothing of it is left to go on with: the index, or the database, is of another day
    present = Present(rows=rows, states=states, former=frozenset(former))
    fingerprint = ingest_fingerprint(base, encoded_by(base, wanted.fingerprint), parts.ocr)
    plan = make_plan(base, fingerprint, sources, present)
    if not parts.allow_empty and (emptied := emptied_sources(base, sources, plan, present)):
        raise SourceEmptied(
            f"knowledge base `{base.name}`: nothing is left in {', '.join(emptied)}; "
            f"documents that would be removed: {len(plan.removed):,}",
            hint=_IS_IT_AWAY.format(base.name),
        )
    return Prospect(base=base, sources=sources, present=present, plan=plan, active=active, wanted=wanted)


async def wanted_generation(parts: IngestParts, active: Generation | None) -> Generation:
    """Return the generation that the settings ask for; the model is loaded only where `active` is another.

    Raises:
        EmbedderMissing, EmbedderBroken, ExtraMissing: there is no such model.
    """
    if active and parts.fingerprint and await parts.fingerprint() == active.fingerprint:
        return msgspec.structs.replace(active, folder=parts.model.folder, max_tokens=parts.model.max_tokens)
    return generation_of(await parts.embedder(), parts.model)


async def states_of(index: Index, knowledge: str, generation: Generation) -> dict[DocumentId, str]:
    """Return the state of every document that the index holds of a generation."""
    table = await index.find(knowledge, generation.fingerprint, generation.dimensions)
    return await table.states() if table else {}


def source_parts(base: KnowledgeBase, parts: IngestParts) -> SourceParts:
    """Return what the sources of `base` work with."""
    return SourceParts(
        project=parts.project,
        kept=parts.kept / base.name,
        clock=parts.clock,
        max_file_bytes=parts.limits.max_file_bytes,
        resolve_secret=parts.resolve_secret,
        settings=parts.sources,
    )
