"""From a source to a prepared document: list, read, parse, cut, check. Nothing is stored here."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec

from buttress.kernel.errors import ButtressError
from buttress.knowledge.checking import check_document
from buttress.knowledge.chunking import chunk
from buttress.knowledge.errors import EmptyDocument
from buttress.knowledge.ingest_types import ListedFile, PreparedDocument, Sources
from buttress.knowledge.plan import state_of
from buttress.knowledge.ports import TokenStarts
from buttress.knowledge.sources.folder import Content, Skipped, SourceFile, list_folder, read_file
from buttress.knowledge.types import Chunk, FolderSource, KnowledgeBase, ParsedDocument, document_id

Parse = Callable[[bytes, str], Awaitable[ParsedDocument]]
"""`ParserPool.parse`, or anything that promises the same."""


def list_sources(base: KnowledgeBase, project: Path, max_bytes: int) -> Sources:
    """Return what is in all sources, with the digest of each file. Blocking.

    Raises:
        SourceMissing, Unreadable: a source as a whole is not there. It counts as missing, not as empty.
    """
    files: list[ListedFile] = []
    skipped: list[tuple[str, Skipped]] = []
    for source in base.sources:
        listing = list_folder(source, project)
        skipped += [(source.label, one) for one in listing.skipped]
        files += [
            ListedFile(
                document_id=document_id(base.name, source.label, file.relative),
                file=file,
                source=source,
                digest=_digest(file, source, project, max_bytes),
            )
            for file in listing.files
        ]
    return Sources(tuple(files), tuple(skipped))


def _digest(file: SourceFile, source: FolderSource, project: Path, max_bytes: int) -> str | None:
    try:
        return read_file(file, source, project, max_bytes).digest
    except ButtressError:
        return None  # it is read again when its turn comes, and reported then


class Intake(msgspec.Struct, frozen=True, kw_only=True):
    """Prepares the documents of one knowledge base."""

    base: KnowledgeBase
    project: Path
    fingerprint: str
    max_file_bytes: int
    parse: Parse
    token_starts: TokenStarts

    async def prepare(self, listed: ListedFile) -> PreparedDocument:
        """Return the document in a listed file, as it is now.

        Raises:
            ButtressError: why this file cannot be taken in; it concerns no other file.
        """
        content = await asyncio.to_thread(self._read, listed)
        parsed = await self.parse(content.data, listed.file.relative)
        chunks = await asyncio.to_thread(self._cut, parsed, listed)
        state = state_of(content.digest, self.fingerprint, self.base.tenant, listed.source.readers)
        return PreparedDocument(
            listed=listed, digest=content.digest, state=state, parsed=parsed, chunks=chunks
        )

    def _read(self, listed: ListedFile) -> Content:
        return read_file(listed.file, listed.source, self.project, self.max_file_bytes)

    def _cut(self, parsed: ParsedDocument, listed: ListedFile) -> tuple[Chunk, ...]:
        chunks = chunk(parsed, listed.document_id, self.base.chunks, self.token_starts)
        check_document(parsed, chunks)
        if not chunks:
            raise EmptyDocument(f"{listed.file.relative} holds no text")
        return tuple(chunks)
