"""Taking documents in: what the sources hold becomes what is found, nothing more and nothing less.

    list -> plan -> read, parse, cut -> embed what is new -> commit by groups -> remove what is gone

The steps run side by side: parsers in processes, the model in threads, commits in between. Nobody sees a
document before its group is committed: the ledger's rows are written but not committed, then the index is
committed, then the ledger. Killed between the two, the ledger disagrees with the index, and the next ingest
does the group again.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from buttress.kernel.clock import Clock
from buttress.kernel.errors import ButtressError
from buttress.kernel.ids import DocumentId
from buttress.knowledge.backlog import Backlog
from buttress.knowledge.errors import (
    ChunksTooLong,
    IngestRunning,
    SourceEmptied,
    SourceMissing,
    Unreadable,
)
from buttress.knowledge.index import DocumentRows, Table, open_index
from buttress.knowledge.ingest_types import (
    IngestReport,
    ListedFile,
    PreparedDocument,
    Progress,
    SkippedDocument,
    Sources,
)
from buttress.knowledge.intake import Intake, Parse, list_sources
from buttress.knowledge.ledger import Ledger
from buttress.knowledge.plan import (
    UNREADABLE,
    Plan,
    Present,
    emptied_sources,
    ingest_fingerprint,
    make_plan,
    may_stay,
)
from buttress.knowledge.ports import Embedder, Vectors
from buttress.knowledge.settings import IngestSettings, ParseLimits
from buttress.knowledge.tally import Tally
from buttress.knowledge.types import KnowledgeBase
from buttress.storage.advisory import AdvisoryLock
from buttress.storage.database import Database
from buttress.storage.errors import LockBusy, LockLost

CHANNEL = "knowledge"
"""Where the name of a knowledge base is told with each of its commits (NOTIFY)."""

_GO_ON = (
    "Ingest again: what was committed stays and is not done twice; no document is found in part. "
    "buttress ingest {}"
)
_IS_IT_AWAY = (
    "Is a disk or a share not mounted? If the documents are gone for good: buttress ingest {} --allow-empty"
)
_SPECIAL_TOKENS = 2
_READERS = 4
_EMBEDDED_AT_ONCE = 128
_BACKLOG_CHUNKS = 1_024


class IngestParts(msgspec.Struct, frozen=True, kw_only=True):
    """What an ingest works with. `embedder` loads the model, or gives the one that is loaded.

    With `allow_empty` a source that holds nothing any more loses all of its documents. `changed` is told
    which documents are others now, or gone, as soon as that is seen.
    """

    project: Path
    index_folder: Path
    database: Database
    embedder: Callable[[], Awaitable[Embedder]]
    parse: Parse
    clock: Clock
    settings: IngestSettings = IngestSettings()
    limits: ParseLimits = ParseLimits()
    allow_empty: bool = False
    changed: Callable[[Collection[DocumentId]], Awaitable[object]] | None = None


async def ingest(
    base: KnowledgeBase, parts: IngestParts, on_progress: Callable[[Progress], None] = lambda _: None
) -> IngestReport:
    """Make what is found in `base` what its sources hold now; report the files that cannot be read.

    Raises:
        SourceMissing, Unreadable: a source as a whole is not there; nothing was removed.
        SourceEmptied: a source that held documents is empty, without `allow_empty`; nothing was changed.
        IngestRunning: another ingest of `base` did not end within `lock_timeout_s`.
        ChunksTooLong: its chunks would be cut off by the model.
        EmbedderMissing, EmbedderBroken, ExtraMissing, IndexFailed: it cannot work here.
        LockLost, StorageUnavailable: the database went away; what was committed stays, ingest again.
    """
    async with sole_writer(base.name, parts) as lock:
        return await _locked(base, parts, lock, on_progress)


@asynccontextmanager
async def sole_writer(knowledge: str, parts: IngestParts) -> AsyncIterator[AdvisoryLock]:
    """Be the only one who changes `knowledge` for the block.

    Raises:
        IngestRunning: another ingest did not end within `lock_timeout_s`.
        LockLost: the database went away in the block.
    """
    name, timeout_s = f"knowledge:{knowledge}", parts.settings.lock_timeout_s
    try:
        async with parts.database.advisory_lock(name, timeout_s=timeout_s) as lock:
            yield lock
    except LockBusy as error:
        raise IngestRunning(f"knowledge base `{knowledge}` is being ingested already") from error
    except LockLost as error:
        raise LockLost(error.message, hint=_GO_ON.format(knowledge)) from error


async def _locked(
    base: KnowledgeBase, parts: IngestParts, lock: AdvisoryLock, on_progress: Callable[[Progress], None]
) -> IngestReport:
    sources = await asyncio.to_thread(list_sources, base, parts.project, parts.limits.max_file_bytes)
    embedder = await parts.embedder()
    if base.chunks.max_tokens + _SPECIAL_TOKENS > embedder.max_tokens:
        raise ChunksTooLong(
            f"chunks of `{base.name}` have up to {base.chunks.max_tokens} tokens; "
            f"{embedder.name} reads {embedder.max_tokens - _SPECIAL_TOKENS}"
        )
    index = await open_index(parts.index_folder)
    table = await index.make(base.name, embedder.fingerprint, embedder.dimensions)
    ledger = Ledger(parts.database, base.name)
    present = Present(rows=await ledger.rows(), states=await table.states())
    fingerprint = ingest_fingerprint(base, embedder.fingerprint)
    plan = make_plan(base, fingerprint, sources, present)
    if not parts.allow_empty and (emptied := emptied_sources(base, sources, plan, present)):
        raise SourceEmptied(
            f"knowledge base `{base.name}`: nothing is left in {', '.join(emptied)}; "
            f"documents that would be removed: {len(plan.removed):,}",
            hint=_IS_IT_AWAY.format(base.name),
        )
    tally = Tally(base.name, plan, parts.clock, on_progress)
    run = _Ingest(base, parts, _Tools(embedder, table, ledger, lock, present, plan, tally))
    await run.take_in()
    await run.remove_gone(sources)
    await table.tidy()
    await index.drop(base.name, but=embedder.fingerprint)
    return tally.report()


class _Tools(msgspec.Struct, frozen=True):
    embedder: Embedder
    table: Table
    ledger: Ledger
    lock: AdvisoryLock
    present: Present
    plan: Plan
    tally: Tally


class _Embedded(msgspec.Struct, frozen=True):
    document: PreparedDocument
    vectors: tuple[Vectors, ...]


class _Ingest:
    """One run: three steps that work side by side, with a backlog between each two."""

    def __init__(self, base: KnowledgeBase, parts: IngestParts, tools: _Tools) -> None:
        self._base = base
        self._parts = parts
        self._tools = tools
        self._tally = tools.tally
        self._tokens_before = tools.embedder.tokens_embedded
        self._failed: list[DocumentId] = []
        self._prepared = Backlog[PreparedDocument](lambda one: len(one.chunks), _BACKLOG_CHUNKS)
        self._embedded = Backlog[_Embedded](lambda one: len(one.document.chunks), _BACKLOG_CHUNKS)

    async def take_in(self) -> None:
        """Take in every new and every changed document."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._prepare_all())
                group.create_task(self._embed_all())
                group.create_task(self._commit_all())
        except ExceptionGroup as errors:
            raise _first(errors) from errors

    async def remove_gone(self, sources: Sources) -> None:
        """Remove what the sources do not hold any more, and report what was left out of them."""
        for _, one in sources.skipped:
            code = Unreadable.code if one.reason.startswith(UNREADABLE) else "knowledge.left_out"
            self._tally.skipped(SkippedDocument(one.path, code, one.reason))
        gone = [*self._tools.plan.removed, *self._failed]
        if not gone:
            return
        await self._tools.lock.check()
        async with self._tools.ledger.changing() as change:
            await change.remove(gone)
            await change.tell(CHANNEL)
            await self._tools.table.remove(gone)
        self._tally.removed(len(gone))
        await self._say_changed(gone)

    async def _prepare_all(self) -> None:
        intake = Intake(
            base=self._base,
            project=self._parts.project,
            fingerprint=self._tools.plan.fingerprint,
            max_file_bytes=self._parts.limits.max_file_bytes,
            parse=self._parts.parse,
            token_starts=self._tools.embedder.token_starts,
        )
        work = iter(self._tools.plan.work)
        async with asyncio.TaskGroup() as group:
            for _ in range(_READERS):
                group.create_task(self._prepare(intake, work))
        await self._prepared.close()

    async def _prepare(self, intake: Intake, work: Iterator[ListedFile]) -> None:
        for listed in work:
            try:
                prepared = await intake.prepare(listed)
            except SourceMissing:  # between the list and now: no reason to forget what was in it
                raise
            except ButtressError as error:
                self._left_out(listed, error)
            else:
                self._tally.prepared(prepared)
                await self._prepared.put(prepared)

    def _left_out(self, listed: ListedFile, error: ButtressError) -> None:
        stays = may_stay(listed.document_id, error.code, self._tools.present, self._base)
        if not stays and self._tools.present.holds(listed.document_id):
            self._failed.append(listed.document_id)
        self._tally.skipped(SkippedDocument(listed.file.relative, error.code, error.message, stays))

    async def _embed_all(self) -> None:
        # Two at once: while one waits for its last text, the threads work on the other.
        async with asyncio.TaskGroup() as group:
            for _ in range(2):
                group.create_task(self._embed())
        await self._embedded.close()

    async def _embed(self) -> None:
        while documents := await self._prepared.take(_EMBEDDED_AT_ONCE, _EMBEDDED_AT_ONCE):
            texts = {one.embed_key: one.embedded for document in documents for one in document.chunks}
            vectors = await self._tools.table.known_vectors(texts)
            missing = [key for key in texts if key not in vectors]
            for first in range(0, len(missing), _EMBEDDED_AT_ONCE):
                keys = missing[first : first + _EMBEDDED_AT_ONCE]
                await self._embed_texts({key: texts[key] for key in keys}, vectors)
            for document in documents:
                found = tuple(vectors[one.embed_key] for one in document.chunks)
                await self._embedded.put(_Embedded(document, found))

    async def _embed_texts(self, texts: dict[str, str], vectors: dict[str, Vectors]) -> None:
        embedder = self._tools.embedder
        made = await asyncio.to_thread(embedder.embed, list(texts.values()))
        vectors.update(zip(texts, made, strict=True))
        self._tally.embedded(len(texts), embedder.tokens_embedded - self._tokens_before)

    async def _commit_all(self) -> None:
        settings = self._parts.settings
        most = (settings.commit_chunks, settings.commit_documents)
        while group := await self._embedded.take(*most, patient=True):
            await self._commit(group)

    async def _commit(self, group: list[_Embedded]) -> None:
        documents = [one.document for one in group]
        await self._tools.lock.check()
        async with self._tools.ledger.changing() as change:
            fingerprint, now = self._tools.plan.fingerprint, self._parts.clock.now()
            await change.put(documents, self._base.tenant, fingerprint, now)
            await change.tell(CHANNEL)
            await self._tools.table.replace([_rows(one, self._base.tenant) for one in group])
        self._tally.committed(documents)
        await self._say_changed([one.listed.document_id for one in documents])
        await self._tools.table.tidy(more_to_come=True)

    async def _say_changed(self, documents: Collection[DocumentId]) -> None:
        if self._parts.changed:
            await self._parts.changed(documents)


def _rows(embedded: _Embedded, tenant: str) -> DocumentRows:
    document = embedded.document
    return DocumentRows(
        document_id=document.listed.document_id,
        document=document.listed.file.relative,
        title=document.parsed.title,
        tenant=tenant,
        readers=document.listed.source.readers,
        state=document.state,
        chunks=document.chunks,
        vectors=embedded.vectors,
    )


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the first error of nested groups: the others are of the same cause, or came too late."""
    first = errors.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
