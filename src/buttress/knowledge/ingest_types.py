"""The nouns of taking documents in: what is there, what is to be done, what was done."""

import msgspec

from buttress.kernel.ids import DocumentId
from buttress.knowledge.sources.folder import Skipped, SourceFile
from buttress.knowledge.types import Block, Chunk, FolderSource, ParsedDocument


class ListedFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that a source holds now. `digest` is the SHA-256 of its bytes, None when they cannot be read."""

    document_id: DocumentId
    file: SourceFile
    source: FolderSource
    digest: str | None


class Sources(msgspec.Struct, frozen=True):
    """What the sources of a knowledge base hold; what was left out is with its source's label."""

    files: tuple[ListedFile, ...]
    skipped: tuple[tuple[str, Skipped], ...]


class LedgerRow(msgspec.Struct, frozen=True, kw_only=True):
    """What the ledger knows of a document that was taken in."""

    document_id: DocumentId
    source: str
    path: str
    tenant: str
    readers: tuple[str, ...]
    content_sha256: str
    ingest_fingerprint: str


class StoredExcerpt(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of a stored document: `text` is its characters from `start`, `blocks` those that touch it.

    `pages` is None where the format has none; `characters` is the length of the whole document's text.
    """

    path: str
    title: str
    pages: int | None
    characters: int
    start: int
    text: str
    blocks: tuple[Block, ...]


class PreparedDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A document that was read, parsed and cut; nobody sees it yet. `digest` is that of its bytes."""

    listed: ListedFile
    digest: str
    state: str
    parsed: ParsedDocument
    chunks: tuple[Chunk, ...]


class SkippedDocument(msgspec.Struct, frozen=True):
    """A file that was not taken in. `stays` says that its earlier version is still found."""

    path: str
    code: str
    reason: str
    stays: bool = False


class Warned(msgspec.Struct, frozen=True):
    """Something about a document that was taken in all the same."""

    path: str
    warning: str


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far an ingest is. `files` are those that have to be read; `chunks` those known so far."""

    files: int
    files_done: int
    pages: int
    chunks: int
    chunks_done: int
    tokens: int
    elapsed_s: float

    @property
    def tokens_per_s(self) -> float:
        """Tokens embedded in a second, since the beginning."""
        return self.tokens / self.elapsed_s if self.elapsed_s > 0 else 0.0


class IngestReport(msgspec.Struct, frozen=True, kw_only=True):
    """What an ingest did. `reused` counts the chunks whose vectors were there already.

    `forgotten`: the knowledge base is not declared any more, and nothing is left of it.
    """

    knowledge: str
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    removed: int = 0
    skipped: tuple[SkippedDocument, ...] = ()
    warnings: tuple[Warned, ...] = ()
    pages: int = 0
    chunks: int = 0
    embedded: int = 0
    reused: int = 0
    tokens: int = 0
    commits: int = 0
    duration_s: float = 0.0
    forgotten: bool = False

    @property
    def documents(self) -> int:
        """How many documents can be found now."""
        return self.added + self.changed + self.unchanged + sum(one.stays for one in self.skipped)
