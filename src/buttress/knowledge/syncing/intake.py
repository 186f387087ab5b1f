"""From a source to a prepared document: list, read, parse, cut, check. Nothing is stored here."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

import msgspec

from buttress.kernel.errors import ButtressError
from buttress.kernel.ids import DocumentId
from buttress.knowledge.checking import check_document
from buttress.knowledge.chunking import chunk
from buttress.knowledge.errors import EmptyDocument, SourceMissing, TooLarge, Unreadable
from buttress.knowledge.ports import Source, TokenStarts
from buttress.knowledge.sources.opening import SourceParts, open_source
from buttress.knowledge.sources.types import Content, Skipped
from buttress.knowledge.syncing.plan import recognised, state_of, to_look_at
from buttress.knowledge.syncing.types import LedgerRow, Listed, PreparedDocument, Sources
from buttress.knowledge.types import Chunk, KnowledgeBase, ParsedDocument, document_id

Parse = Callable[[bytes, str], Awaitable[ParsedDocument]]
"""`ParserPool.parse`, or anything that promises the same."""

READERS = 4
"""Documents that are read at the same time."""


@asynccontextmanager
async def opened_sources(base: KnowledgeBase, parts: SourceParts) -> AsyncIterator[dict[str, Source]]:
    """Open every source of `base` for the block, by its label."""
    async with AsyncExitStack() as stack:
        yield {one.label: await stack.enter_async_context(open_source(one, parts)) for one in base.sources}


async def list_sources(
    base: KnowledgeBase,
    opened: Mapping[str, Source],
    rows: Mapping[DocumentId, LedgerRow],
    max_bytes: int,
) -> Sources:
    """Return what is in all sources; read are those documents whose digest decides what is to be done.

    A source that is out of reach is named, and the others count.

    Raises:
        SourceMissing, Unreadable: every source is. That counts as missing, not as empty.
    """
    documents: list[Listed] = []
    skipped: list[tuple[str, Skipped]] = []
    away: list[tuple[str, ButtressError]] = []
    for source in base.sources:
        known = {row.path: row.revision for row in rows.values() if row.source == source.label}
        try:
            listing = await opened[source.label].list({path: one for path, one in known.items() if one})
        except (SourceMissing, Unreadable) as error:
            away.append((source.label, error))
            continue
        skipped += [(source.label, one) for one in listing.skipped]
        documents += [
            Listed(document_id=document_id(base.name, source.label, entry.path), entry=entry, source=source)
            for entry in listing.entries
        ]
    if len(away) == len(base.sources):
        raise away[0][1]
    return await _looked_at(Sources(tuple(documents), tuple(skipped), tuple(away)), opened, rows, max_bytes)


async def _looked_at(
    listed: Sources, opened: Mapping[str, Source], rows: Mapping[DocumentId, LedgerRow], max_bytes: int
) -> Sources:
    """Return `listed` with the digests that a plan needs."""
    known = recognised(listed, rows)
    found: dict[DocumentId, Listed] = {}
    work = iter(to_look_at(known, rows))

    async def look(work: Iterator[Listed]) -> None:
        for one in work:
            found[one.document_id] = await _read(one, opened[one.source.label], max_bytes)

    async with asyncio.TaskGroup() as group:
        for _ in range(READERS):
            group.create_task(look(work))
    documents = tuple(found.get(one.document_id, one) for one in known.documents)
    return msgspec.structs.replace(known, documents=documents)


async def _read(one: Listed, source: Source, max_bytes: int) -> Listed:
    try:
        content = await source.read(one.entry, max_bytes)
    except ButtressError:
        return one  # it is read again when its turn comes, and reported then
    entry = msgspec.structs.replace(one.entry, revision=content.revision)
    return msgspec.structs.replace(one, entry=entry, digest=content.digest)


class Intake(msgspec.Struct, frozen=True, kw_only=True):
    """Prepares the documents of one knowledge base."""

    base: KnowledgeBase
    opened: Mapping[str, Source]
    fingerprint: str
    max_file_bytes: int
    parse: Parse
    token_starts: TokenStarts

    async def prepare(self, listed: Listed) -> PreparedDocument:
        """Return a listed document, as it is now.

        Raises:
            SourceMissing: its source as a whole is gone.
            ButtressError: why this document cannot be taken in; it concerns no other one.
        """
        content = await self._content(listed)
        parsed = await self.parse(content.data, listed.path)
        chunks = await asyncio.to_thread(self._cut, parsed, listed)
        return PreparedDocument(
            listed=listed,
            digest=content.digest,
            revision=content.revision,
            state=state_of(content.digest, self.fingerprint, self.base.tenant, listed.source.readers),
            parsed=parsed,
            chunks=chunks,
        )

    async def _content(self, listed: Listed) -> Content:
        """Return what is in a document.

        Raises:
            TooLarge: it is, as its source says or does not say.
            Unreadable: its source said that it is not. That says nothing of it: an earlier version stays.
        """
        size, most = listed.entry.size_bytes, self.max_file_bytes
        try:
            return await self.opened[listed.source.label].read(listed.entry, most)
        except TooLarge as error:
            if size is None or size > most:
                raise
            raise Unreadable(f"{error.message}; its source said that it has {size:,} bytes") from None

    def _cut(self, parsed: ParsedDocument, listed: Listed) -> tuple[Chunk, ...]:
        chunks = chunk(parsed, listed.document_id, self.base.chunks, self.token_starts)
        check_document(parsed, chunks)
        if not chunks:
            raise EmptyDocument(f"{listed.path} holds no text")
        return tuple(chunks)
