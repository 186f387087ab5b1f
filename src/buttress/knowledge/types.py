"""The nouns of documents: what a parser makes of a file, what is cut from it, what is declared about both."""

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from buttress.kernel.ids import ChunkId, DocumentId, content_hash

Format = Literal["markdown", "text", "html", "pdf", "docx", "pptx", "epub", "csv", "eml"]
Fusion = Literal["blend", "dbsf", "rrf"]
Rerank = Literal["none", "late", "model"]
BlockKind = Literal["heading", "paragraph", "list_item", "table", "code"]
Calibration = tuple[Annotated[float, Meta(ge=-1_000, le=1_000)], Annotated[float, Meta(gt=0, le=1_000)]]
"""Offset and slope: the logistic function of offset + slope x score is the probability."""
Span = tuple[int, int]
"""Characters `start` to `end` (exclusive) of a document's normalised text."""


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """A span of a document's text that is one thing.

    `section` is the path of headings it stands under, outermost first, its own for a heading; `level` is the
    rank of a heading, 1 the highest, None for anything else. `page` is the 1-based page it begins on.
    """

    kind: BlockKind
    start: int
    end: int
    section: tuple[str, ...] = ()
    page: int | None = None
    level: int | None = None


class ParsedDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What a parser made of a file.

    `text` is the normalised text that is stored and cited. `blocks` are spans of it in order; they do not
    overlap and hold every character that is not white space. `page_spans[n]` is the span of page n + 1:
    together they partition the text; there are none where the format has no pages. `path` is relative to the
    source. `warnings` are lines for people about what could not be read.
    """

    path: str
    title: str
    format: Format
    text: str
    blocks: tuple[Block, ...]
    page_spans: tuple[Span, ...] = ()
    warnings: tuple[str, ...] = ()


class Chunk(msgspec.Struct, frozen=True, kw_only=True):
    """What is indexed: `text` is exactly characters `start` to `end` of its document's normalised text.

    `context` (title, headings, a table's header row) is embedded and searched with the text, and never cited.
    `page` and `page_end` are the 1-based pages of the first and the last character. `before` is the white
    space that stands between it and the chunk before it, or the document's beginning.
    """

    chunk_id: ChunkId
    document_id: DocumentId
    ordinal: int
    start: int
    end: int
    text: str
    section: tuple[str, ...]
    page: int | None
    page_end: int | None
    context: str
    before: str = ""

    @property
    def embedded(self) -> str:
        """What is embedded: the context on a line of its own, then the text."""
        return f"{self.context}\n{self.text}" if self.context else self.text

    @property
    def embed_key(self) -> str:
        """The hash of what is embedded: a chunk that only moved keeps it, and so its vector."""
        return content_hash(self.embedded)


class _Source(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag=True, tag_field="kind"
):
    """What every source declares beside its place. The tag tells them apart where they are kept as JSON.

    `readers` are the principals who may see the documents; it has no default, so that nobody publishes by
    forgetting. `name` tells two sources apart in ids; it is the place when it is left out.
    """

    readers: Annotated[tuple[Annotated[str, Meta(min_length=1)], ...], Meta(min_length=1)]
    name: str = ""


class FolderSource(_Source, frozen=True):
    """A folder of documents, relative to the project. What `include` finds and `exclude` does not is read."""

    folder: Annotated[str, Meta(min_length=1)]
    include: tuple[str, ...] = ("**/*",)
    exclude: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """The name, or the folder when there is none."""
        return self.name or self.folder


class FileSource(_Source, frozen=True):
    """One document, relative to the project."""

    file: Annotated[str, Meta(min_length=1)]

    @property
    def label(self) -> str:
        """The name, or the file when there is none."""
        return self.name or self.file


class GitSource(_Source, frozen=True):
    """A git repository, on this machine (relative to the project) or elsewhere, as it is at `revision`.

    `revision` is a branch, a tag or a whole commit id; `folder` the part of it that is read. `token` refers
    to what a private repository is asked with over HTTPS. Without `allow_private` no address of this
    machine's own networks is asked.
    """

    git: Annotated[str, Meta(min_length=1)]
    revision: str = "HEAD"
    folder: str = ""
    include: tuple[str, ...] = ("**/*",)
    exclude: tuple[str, ...] = ()
    token: str = ""
    allow_private: bool = False

    @property
    def label(self) -> str:
        """The name, or the repository when there is none."""
        return self.name or self.git


class UrlSource(_Source, frozen=True):
    """Pages of the web, one or several. Without `allow_private` none of this machine's own networks."""

    url: Annotated[str, Meta(min_length=1)] | Annotated[tuple[str, ...], Meta(min_length=1)]
    allow_private: bool = False

    @property
    def urls(self) -> tuple[str, ...]:
        """All of them."""
        return (self.url,) if isinstance(self.url, str) else self.url

    @property
    def label(self) -> str:
        """The name, or the site of the first page: what does not change when a page is added."""
        return self.name or "/".join(self.urls[0].split("/", 3)[:3])


class SitemapSource(_Source, frozen=True):
    """The pages of a site that its sitemap names and `include` (globs for their paths) finds."""

    sitemap: Annotated[str, Meta(min_length=1)]
    include: tuple[str, ...] = ("**",)
    exclude: tuple[str, ...] = ()
    allow_private: bool = False

    @property
    def label(self) -> str:
        """The name, or the sitemap when there is none."""
        return self.name or self.sitemap


class BucketSource(_Source, frozen=True):
    """What lies in a bucket that speaks as S3 does: `s3://NAME/FOLDER`.

    `endpoint` is the service, Amazon's of the `region` when it is left out. The keys are references; without
    any the bucket is asked as anybody may.
    """

    bucket: Annotated[str, Meta(min_length=1)]
    endpoint: str = ""
    region: str = "us-east-1"
    access_key: str = ""
    secret_key: str = ""
    session_token: str = ""
    include: tuple[str, ...] = ("**/*",)
    exclude: tuple[str, ...] = ()
    allow_private: bool = False

    @property
    def label(self) -> str:
        """The name, or the bucket when there is none."""
        return self.name or self.bucket


DeclaredSource = FolderSource | FileSource | GitSource | UrlSource | SitemapSource | BucketSource
"""Where documents may come from; a declaration is known by the one key that names its place."""


class ChunkSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How documents are cut."""

    max_tokens: Annotated[int, Meta(ge=32, le=8_192, description="Tokens of a chunk with its context.")] = 200
    min_tokens: Annotated[
        int, Meta(ge=0, le=1_024, description="A section with fewer tokens joins the next one beside it.")
    ] = 16


DENSE_SHARES: Mapping[Fusion, float] = {"blend": 0.7, "dbsf": 0.5, "rrf": 0.5}
"""The weight of the dense list that had the best mean nDCG@10 over five collections, by the fusion."""


class SearchSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a knowledge base is searched."""

    depth: Annotated[int, Meta(ge=1, le=1_000, description="Chunks taken from each first stage.")] = 100
    fusion: Annotated[
        Fusion,
        Meta(description="How lists are joined: by cosine and BM25, by standardised scores, or by ranks."),
    ] = "blend"
    dense_share: Annotated[
        Annotated[float, Meta(ge=0, le=1)] | None,
        Meta(
            description="Weight of the dense list; that of BM25 is the rest to 1. Empty: what is best on "
            "average for the fusion, 0.7 (`blend`) or 0.5.",
        ),
    ] = None
    rrf_k: Annotated[
        int,
        Meta(ge=1, le=1_000, description="With ranks (`rrf`): the larger, the less the first ranks tell."),
    ] = 10
    rerank: Annotated[
        Rerank,
        Meta(
            description="Who looks at the best again: nobody, the token vectors that are stored (`late`), or "
            "the model of the settings."
        ),
    ] = "none"
    rerank_depth: Annotated[int, Meta(ge=1, le=1_000, description="Chunks that are re-ranked.")] = 50
    rerank_share: Annotated[
        float,
        Meta(gt=0, le=1, description="Weight of the re-ranker's score; that of the fused one is the rest."),
    ] = 0.5
    per_document: Annotated[
        int, Meta(ge=0, le=100, description="Most passages of one document; 0: as many as there are.")
    ] = 0
    diversity: Annotated[
        float,
        Meta(
            ge=0,
            lt=1,
            description="How much a passage loses for being near to a better one (MMR); 0: nothing.",
        ),
    ] = 0.0
    merge: Annotated[
        bool, Meta(description="Whether passages that touch in their document are returned as one.")
    ] = False
    min_score: Annotated[
        float, Meta(ge=0, lt=1, description="Passages whose calibrated score is lower are not returned.")
    ] = 0.0
    calibration: Annotated[
        Calibration | None,
        Meta(description="Offset and slope from the ranking's score to the calibrated; None: the recipe's."),
    ] = None
    limit: Annotated[int, Meta(ge=1, le=100, description="Passages returned.")] = 6

    @property
    def dense_weight(self) -> float:
        """The weight of the dense list, 0 to 1."""
        return DENSE_SHARES[self.fusion] if self.dense_share is None else self.dense_share


class KnowledgeBase(msgspec.Struct, frozen=True, kw_only=True):
    """A named set of sources, as declared in `knowledge/NAME.yaml`.

    `sync_every_s` is how often `buttress serve` syncs it by itself; None: never.
    """

    name: str
    sources: tuple[DeclaredSource, ...]
    tenant: str = "default"
    chunks: ChunkSettings = ChunkSettings()
    search: SearchSettings = SearchSettings()
    sync_every_s: float | None = None


def document_id(knowledge_base: str, source: str, path: str) -> DocumentId:
    """Return the id of the document at `path`, relative to the source of that name."""
    return DocumentId(content_hash(knowledge_base, source, path)[:32])
