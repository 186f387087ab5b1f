"""The nouns of searching: what is asked, what is found, and how that went."""

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


class Candidate(msgspec.Struct, frozen=True):
    """A passage that may be returned: its coverage is still 0.

    `searched` is what BM25 and the embedder saw: the context and the text.
    """

    passage: Passage
    searched: str


class StageReport(msgspec.Struct, frozen=True, kw_only=True):
    """How one stage of a search went: `count` is what it passed on; a skipped one says why in its `note`."""

    name: str
    duration_ms: float
    count: int = 0
    note: str = ""
    skipped: bool = False


class Found(msgspec.Struct, frozen=True):
    """The passages of a search, best first, and the report of each stage in the order they ran.

    `asked` are the words of the question that say something; empty when they could not be looked up.
    """

    passages: tuple[Passage, ...]
    stages: tuple[StageReport, ...]
    asked: tuple[AskedWord, ...] = ()


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
