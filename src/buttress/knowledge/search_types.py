"""The nouns of searching: what is asked, what is found, and how that went."""

from collections.abc import Mapping, Sequence

import msgspec

from buttress.kernel.ids import ChunkId
from buttress.kernel.passages import Passage
from buttress.kernel.scope import Scope
from buttress.kernel.words import AskedWord


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """A question to one knowledge base. There is no search without a scope.

    `limit` is the most passages to return, 1 to 100; None leaves it to the knowledge base.
    """

    knowledge: str
    text: str
    scope: Scope
    limit: int | None = None


class Hit(msgspec.Struct, frozen=True):
    """A row that a first stage found. `score` is the stage's own; `cosine` None when nobody could say.

    `row_id` is where it is in the version of the table it was found in, and means nothing in another one.
    """

    row_id: int
    chunk_id: ChunkId
    score: float
    cosine: float | None


class FirstStages(msgspec.Struct, frozen=True):
    """What each first stage found, best first; None for one that was skipped."""

    dense: Sequence[Hit] | None
    bm25: Sequence[Hit] | None


class Evidence(msgspec.Struct, frozen=True):
    """All that the ranking of one question is decided on, found in one version of the index.

    `reranked` holds the re-ranker's score (0 to 1) of hits of both lists, None where nobody re-ranks;
    `passages` what every hit of both lists is of.
    """

    first: FirstStages
    reranked: Mapping[ChunkId, float] | None
    passages: Mapping[ChunkId, Passage]


class Candidate(msgspec.Struct, frozen=True):
    """A passage that may be returned: its coverage is still 0, its score that of the ranking.

    `searched` is what BM25 and the embedder saw: the context and the text. `before` is what stands between
    the passage and the one before it in its document.
    """

    passage: Passage
    searched: str
    before: str = ""


class Placed(msgspec.Struct, frozen=True):
    """Where a row stands: its document, and the headings above it. `row_id` is as that of a `Hit`."""

    row_id: int
    chunk_id: ChunkId
    document: str
    section: tuple[str, ...]


class StageReport(msgspec.Struct, frozen=True, kw_only=True):
    """How one stage of a search went: `count` is what it passed on; a skipped one says why in its `note`."""

    name: str
    duration_ms: float
    count: int = 0
    note: str = ""
    skipped: bool = False


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How a passage came to its place: its rank in each stage, 1 the best; None where the stage had it not.

    `bm25_score`, `fused_score` and `rerank_score` are the stages' own, each comparable with itself only.
    """

    dense_rank: int | None
    bm25_rank: int | None
    bm25_score: float | None
    fused_rank: int
    fused_score: float
    rerank_rank: int | None = None
    rerank_score: float | None = None


class Found(msgspec.Struct, frozen=True):
    """The passages of a search, best first, and the report of each stage in the order they ran.

    `asked` are the words of the question that say something; empty when they could not be looked up.
    `standings` say how each passage came to its place, in the order of the passages.
    """

    passages: tuple[Passage, ...]
    stages: tuple[StageReport, ...]
    asked: tuple[AskedWord, ...] = ()
    standings: tuple[Standing, ...] = ()


class Embedded(msgspec.Struct, frozen=True):
    """The vectors of some texts, in their order, and how many tokens of them were embedded."""

    vectors: list[list[float]]
    tokens: int


class Reranking(msgspec.Struct, frozen=True, kw_only=True):
    """Documents to be scored by how well they answer `query`.

    Of each at most `max_tokens` count; None: as many as the model takes.
    """

    query: str
    documents: list[str]
    max_tokens: int | None = None


class Reranked(msgspec.Struct, frozen=True, kw_only=True):
    """A score for each document, in their order: 0 (has nothing to do with it) to 1.

    `tokens` were read, of the query and the documents; `truncated` are the places of those documents of
    which only the beginning was.
    """

    scores: list[float]
    tokens: int
    truncated: list[int]


class BaseStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One knowledge base as the engine sees it: `chunks` None when it was not ingested yet."""

    name: str
    chunks: int | None


class EngineStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What an engine works with, and how busy it is. `memory_bytes` is its process's resident memory."""

    embedder: str
    fingerprint: str
    dimensions: int
    knowledge: tuple[BaseStatus, ...]
    running: int
    waiting: int
    memory_bytes: int
