"""The nouns of taking documents in: what is there, what is to be done, what was done."""

import msgspec

from buttress.kernel.errors import ButtressError
from buttress.kernel.ids import DocumentId
from buttress.knowledge.sources.types import Entry, Skipped
from buttress.knowledge.types import Block, Chunk, DeclaredSource, ParsedDocument


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A document that a source holds now.

    `digest` is the SHA-256 of its bytes: as the ledger has it where the revision is the same, as it was read
    where that had to be known for a plan; None when nobody has looked, or it cannot be read.
    """

    document_id: DocumentId
    entry: Entry
    source: DeclaredSource
    digest: str | None = None

    @property
    def path(self) -> str:
        """Its path within its source."""
        return self.entry.path


class Sources(msgspec.Struct, frozen=True):
    """What the sources of a knowledge base hold; what was left out is with its source's label.

    `away` are the sources that are out of reach, by their labels: nothing is known of what they hold.
    """

    documents: tuple[Listed, ...]
    skipped: tuple[tuple[str, Skipped], ...] = ()
    away: tuple[tuple[str, ButtressError], ...] = ()

    def is_away(self, label: str) -> bool:
        """Say whether the source of that label is out of reach."""
        return any(one == label for one, _ in self.away)


class LedgerRow(msgspec.Struct, frozen=True, kw_only=True):
    """What the ledger knows of a document that was taken in; `revision` is empty where nobody could say."""

    document_id: DocumentId
    source: str
    path: str
    tenant: str
    readers: tuple[str, ...]
    content_sha256: str
    ingest_fingerprint: str
    revision: str = ""


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


class StoredDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A stored document as a whole: `body` is its text, `blocks` spans of it in order."""

    document_id: DocumentId
    path: str
    title: str
    readers: tuple[str, ...]
    body: str
    blocks: tuple[Block, ...]


class PreparedDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A document that was read, parsed and cut; nobody sees it yet.

    `digest` and `revision` are of the bytes that were read.
    """

    listed: Listed
    digest: str
    revision: str = ""
    state: str
    parsed: ParsedDocument
    chunks: tuple[Chunk, ...]


class SkippedDocument(msgspec.Struct, frozen=True):
    """A file that was not taken in, and what to do. `stays`: its earlier version is still found."""

    path: str
    code: str
    reason: str
    stays: bool = False
    hint: str = ""


class Warned(msgspec.Struct, frozen=True):
    """Something about a document that was taken in all the same."""

    path: str
    warning: str


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far an ingest is. `files` are those that have to be read; `chunks` those known so far.

    A file is done when it can be found, or was left out; a chunk when it has its vector.
    """

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
    """What a sync did. `reused` counts the chunks whose vectors were there already.

    `documents` can be found at its end. `moved` are those whose bytes were under another path before; they
    are neither added nor removed. `rebuilt`: another embedding model is searched with from now on; while it
    `waits_for` documents that could not be taken in, the former one is. `forgotten`: the knowledge base is
    not declared any more, and nothing is left of it.
    """

    knowledge: str
    documents: int = 0
    added: int = 0
    changed: int = 0
    moved: int = 0
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
    rebuilt: bool = False
    waits_for: int = 0
    forgotten: bool = False


class Move(msgspec.Struct, frozen=True):
    """A document whose bytes are under another path now; `source` and `target` are the paths."""

    source: str
    target: str


class SyncPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What a sync will do, for people: paths, in the order of the sources.

    `again` are documents with the same bytes that are taken in anew: other readers, settings or another
    model. `rebuild`: another embedding model is searched with at the end. `forgotten`: the knowledge base is
    not declared any more.
    """

    knowledge: str
    new: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    again: tuple[str, ...] = ()
    moved: tuple[Move, ...] = ()
    removed: tuple[str, ...] = ()
    unchanged: int = 0
    unreadable: tuple[SkippedDocument, ...] = ()
    rebuild: bool = False
    forgotten: bool = False
