"""Whether index, ledger and sources hold the same: what is found must be there, what is kept must be found.

A *ghost* is found, or kept to be shown, although the sources do not hold it (any more). An *orphan* is kept
although nothing leads to it. Both are told one by one, and can be removed.
"""

from typing import Literal

import msgspec

from buttress.kernel.ids import DocumentId
from buttress.knowledge.embedding.generations import Generation, active_generation
from buttress.knowledge.errors import SourceMissing, Unreadable
from buttress.knowledge.index.tables import Index, open_index, table_name
from buttress.knowledge.syncing.intake import list_sources, opened_sources
from buttress.knowledge.syncing.ledger import Ledger
from buttress.knowledge.syncing.plan import Present, emptied_sources, ingest_fingerprint, make_plan
from buttress.knowledge.syncing.prospect import (
    IngestParts,
    sole_writer,
    source_parts,
    states_of,
    wanted_generation,
)
from buttress.knowledge.syncing.taking_in import CHANNEL
from buttress.knowledge.syncing.types import LedgerRow
from buttress.knowledge.types import KnowledgeBase
from buttress.storage.advisory import AdvisoryLock

Kind = Literal["ghost", "orphan"]
Where = Literal["index", "sources", "ledger", "table", "knowledge", "answers"]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is wrong. `what` is a document's path, its id where none is known, or a table's name."""

    kind: Kind
    where: Where
    knowledge: str
    what: str
    reason: str


class Audit(msgspec.Struct, frozen=True, kw_only=True):
    """What was found of one knowledge base; `unknown` says what could not be looked at."""

    knowledge: str
    findings: tuple[Finding, ...]
    unknown: tuple[str, ...] = ()


class _Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What there is of a knowledge base: documents of the ledger and of both generations, nobody's tables."""

    rows: dict[DocumentId, LedgerRow]
    searched: frozenset[DocumentId]
    built: frozenset[DocumentId]
    gone: frozenset[DocumentId]
    tables: tuple[str, ...]
    kept: tuple[Generation, ...]
    unknown: tuple[str, ...]

    @property
    def indexed(self) -> frozenset[DocumentId]:
        """All documents of the index."""
        return self.searched | self.built


async def audit(base: KnowledgeBase, parts: IngestParts, *, repair: bool = False) -> Audit:
    """Return what is wrong with what is kept of `base`; with `repair` it is removed.

    Raises:
        IngestRunning: it is being synced.
        IndexFailed, LockLost, StorageUnavailable: it cannot be looked at.
    """
    async with sole_writer(base.name, parts) as lock:
        index = await open_index(parts.index_folder)
        seen = await _look(base, parts, index)
        if repair:
            await _repair(base, parts, lock, index, seen)
        return Audit(knowledge=base.name, findings=tuple(_findings(base.name, seen)), unknown=seen.unknown)


async def _look(base: KnowledgeBase, parts: IngestParts, index: Index) -> _Seen:
    ledger = Ledger(parts.database, base.name)
    rows = await ledger.rows()
    active = await ledger.generation() or active_generation(parts.index_folder, base.name)
    wanted = await wanted_generation(parts, active)
    searched = await states_of(index, base.name, active or wanted)
    built = await states_of(index, base.name, wanted)
    present = Present(rows=rows, states=built, former=frozenset(searched))
    gone, unknown = await _gone(base, parts, wanted, present)
    kept = (active or wanted, wanted)
    names = {table_name(base.name, one.fingerprint) for one in kept}
    return _Seen(
        rows=rows,
        searched=frozenset(searched),
        built=frozenset(built),
        gone=frozenset(gone),
        tables=tuple(one for one in await index.tables(base.name) if one not in names),
        kept=kept,
        unknown=unknown,
    )


async def _gone(
    base: KnowledgeBase, parts: IngestParts, wanted: Generation, present: Present
) -> tuple[tuple[DocumentId, ...], tuple[str, ...]]:
    """Return the documents that no source holds any more, and why that is not known of some."""
    async with opened_sources(base, source_parts(base, parts)) as opened:
        try:
            sources = await list_sources(base, opened, present.rows, parts.limits.max_file_bytes)
        except (SourceMissing, Unreadable) as error:
            return (), (error.message,)
    plan = make_plan(base, ingest_fingerprint(base, wanted.fingerprint), sources, present)
    if emptied := emptied_sources(base, sources, plan, present):
        return (), (f"{', '.join(emptied)}: nothing is left there; is it only away?",)
    away = tuple(error.message for _, error in sources.away)
    return tuple(one for one in plan.removed if one in present.rows), away


def _findings(knowledge: str, seen: _Seen) -> list[Finding]:
    """Return what is wrong, ghosts first."""

    def finding(kind: Kind, where: Where, what: str, reason: str) -> Finding:
        return Finding(kind=kind, where=where, knowledge=knowledge, what=what, reason=reason)

    def named(documents: frozenset[DocumentId]) -> list[str]:
        return sorted(seen.rows[one].path if one in seen.rows else str(one) for one in documents)

    return [
        *(
            finding("ghost", "index", one, "is found, and the ledger does not know it")
            for one in named(seen.indexed - seen.rows.keys())
        ),
        *(finding("ghost", "sources", one, "is found, and no source holds it") for one in named(seen.gone)),
        *(
            finding("orphan", "ledger", one, "was taken in, and cannot be found")
            for one in named(frozenset(seen.rows) - seen.indexed - seen.gone)
        ),
        *(finding("orphan", "table", one, "is neither searched nor being built") for one in seen.tables),
    ]


async def _repair(
    base: KnowledgeBase, parts: IngestParts, lock: AdvisoryLock, index: Index, seen: _Seen
) -> None:
    """Remove what is wrong; what is only missing is taken in again by the next sync."""
    forgotten = [*seen.gone, *(one for one in seen.rows if one not in seen.indexed)]
    ghosts = [*seen.gone, *(seen.indexed - seen.rows.keys())]
    await lock.check()
    async with Ledger(parts.database, base.name).changing() as change:
        await change.remove(forgotten)
        await change.tell(CHANNEL)
        for one in seen.kept:
            table = await index.find(base.name, one.fingerprint, one.dimensions)
            if table and ghosts:
                await table.remove(ghosts)
    await index.drop(base.name, but={one.fingerprint for one in seen.kept})
    if parts.changed and (forgotten or ghosts):
        await parts.changed({*forgotten, *ghosts})
