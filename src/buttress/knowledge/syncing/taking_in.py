"""Taking documents in: read, parse, cut -> embed what is new -> commit by groups.

The steps run side by side: parsers in processes, the model in threads, commits in between. Nobody sees a
document before its group is committed: the ledger's rows are written but not committed, then the index is
committed, then the ledger. Killed between the two, the ledger disagrees with the index, and the next sync
does the group again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator

import msgspec

from buttress.kernel.clock import Clock
from buttress.kernel.errors import ButtressError
from buttress.kernel.ids import DocumentId
from buttress.knowledge.errors import SourceMissing, VectorInvalid
from buttress.knowledge.index.rows import DocumentRows, Stored
from buttress.knowledge.index.table import Table
from buttress.knowledge.ports import Embedder
from buttress.knowledge.settings import IngestSettings
from buttress.knowledge.syncing.backlog import Backlog
from buttress.knowledge.syncing.encoding import Encoder
from buttress.knowledge.syncing.intake import READERS, Intake
from buttress.knowledge.syncing.ledger import Ledger
from buttress.knowledge.syncing.plan import Plan, Present, may_stay
from buttress.knowledge.syncing.tally import Tally
from buttress.knowledge.syncing.types import Listed, PreparedDocument, SkippedDocument
from buttress.storage.advisory import AdvisoryLock

CHANNEL = "knowledge"
"""Where the name of a knowledge base is told with each of its commits (NOTIFY)."""

_EMBEDDED_AT_ONCE = 128
_BACKLOG_CHUNKS = 1_024


class Tools(msgspec.Struct, frozen=True, kw_only=True):
    """What documents are taken in with.

    `changed` is told which documents are others now, as soon as that is committed.
    """

    embedder: Embedder
    intake: Intake
    table: Table
    ledger: Ledger
    lock: AdvisoryLock
    clock: Clock
    tally: Tally
    settings: IngestSettings
    changed: Callable[[Collection[DocumentId]], Awaitable[object]] | None = None


class _Embedded(msgspec.Struct, frozen=True):
    document: PreparedDocument
    stored: tuple[Stored, ...]


class TakingIn:
    """Takes the documents of one plan in: three steps that work side by side, a backlog between each two."""

    def __init__(self, plan: Plan, present: Present, tools: Tools) -> None:
        self._plan = plan
        self._present = present
        self._tools = tools
        self._tally = tools.tally
        self._tokens_before = tools.embedder.tokens_embedded
        self._encoder = Encoder(tools.intake.base, tools.embedder, tools.table)
        self._prepared = Backlog[PreparedDocument](lambda one: len(one.chunks), _BACKLOG_CHUNKS)
        self._embedded = Backlog[_Embedded](lambda one: len(one.document.chunks), _BACKLOG_CHUNKS)
        self.failed: list[DocumentId] = []
        """Documents that were there, and must not be any more: what became of them cannot be taken in."""
        self.away: dict[str, SourceMissing] = {}
        """The sources that vanished meanwhile, by their labels: what was taken in of them stays."""

    async def run(self) -> None:
        """Take in every new and every changed document.

        Raises:
            ButtressError: it cannot go on; what was committed stays.
        """
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._prepare_all())
                group.create_task(self._embed_all())
                group.create_task(self._commit_all())
        except ExceptionGroup as errors:
            raise _first(errors) from errors

    async def _prepare_all(self) -> None:
        work = iter(self._plan.work)
        async with asyncio.TaskGroup() as group:
            for _ in range(READERS):
                group.create_task(self._prepare(work))
        await self._prepared.close()

    async def _prepare(self, work: Iterator[Listed]) -> None:
        for listed in work:
            if listed.source.label in self.away:
                continue
            try:
                prepared = await self._tools.intake.prepare(listed)
            except SourceMissing as error:  # between the list and now: no reason to forget what was in it
                self._lost(listed.source.label, error)
            except ButtressError as error:
                self._left_out(listed, error)
            else:
                self._tally.prepared(prepared)
                await self._prepared.put(prepared)

    def _lost(self, label: str, error: SourceMissing) -> None:
        if label not in self.away:
            self.away[label] = error
            self._tally.skipped(
                SkippedDocument(label, error.code, error.message, stays=True, hint=error.hint)
            )

    def _left_out(self, listed: Listed, error: ButtressError) -> None:
        stays = may_stay(listed.document_id, error.code, self._present, self._tools.intake.base)
        if not stays and self._present.holds(listed.document_id):
            self.failed.append(listed.document_id)
        self._tally.skipped(SkippedDocument(listed.path, error.code, error.message, stays, error.hint))

    async def _embed_all(self) -> None:
        # Two at once: while one waits for its last text, the threads work on the other.
        async with asyncio.TaskGroup() as group:
            for _ in range(2):
                group.create_task(self._embed())
        await self._embedded.close()

    async def _embed(self) -> None:
        while documents := await self._prepared.take(_EMBEDDED_AT_ONCE, _EMBEDDED_AT_ONCE):
            texts = {one.embed_key: one.embedded for document in documents for one in document.chunks}
            stored = await self._encoder.known(texts)
            missing = [key for key in texts if key not in stored]
            self._tally.reused(sum(len(one.chunks) for one in documents) - len(missing))
            for first in range(0, len(missing), _EMBEDDED_AT_ONCE):
                keys = missing[first : first + _EMBEDDED_AT_ONCE]
                await self._embed_texts({key: texts[key] for key in keys}, stored)
            for document in documents:
                await self._take_up(document, stored)

    async def _embed_texts(self, texts: dict[str, str], stored: dict[str, Stored]) -> None:
        stored.update(await self._encoder.made(texts))
        self._tally.embedded(len(texts), self._tools.embedder.tokens_embedded - self._tokens_before)

    async def _take_up(self, document: PreparedDocument, stored: dict[str, Stored]) -> None:
        try:
            found = self._encoder.checked(document.listed.path, document.chunks, stored)
        except VectorInvalid as error:
            self._left_out(document.listed, error)
        else:
            await self._embedded.put(_Embedded(document, found))

    async def _commit_all(self) -> None:
        settings = self._tools.settings
        most = (settings.commit_chunks, settings.commit_documents)
        while group := await self._embedded.take(*most, patient=True):
            await self._commit(group)

    async def _commit(self, group: list[_Embedded]) -> None:
        tools, tenant = self._tools, self._tools.intake.base.tenant
        documents = [one.document for one in group]
        await tools.lock.check()
        async with tools.ledger.changing() as change:
            await change.put(documents, tenant, self._plan.fingerprint, tools.clock.now())
            await change.tell(CHANNEL)
            await tools.table.replace([_rows(one, tenant) for one in group])
        self._tally.committed(documents)
        if tools.changed:
            await tools.changed([one.listed.document_id for one in documents])
        await tools.table.tidy(more_to_come=True)


def _rows(embedded: _Embedded, tenant: str) -> DocumentRows:
    document = embedded.document
    return DocumentRows(
        document_id=document.listed.document_id,
        document=document.listed.path,
        title=document.parsed.title,
        tenant=tenant,
        readers=document.listed.source.readers,
        source=document.listed.source.label,
        state=document.state,
        chunks=document.chunks,
        vectors=tuple(one.vector for one in embedded.stored),
        tokens=tuple(one.tokens for one in embedded.stored),
    )


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the first error of nested groups: the others are of the same cause, or came too late."""
    first = errors.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
