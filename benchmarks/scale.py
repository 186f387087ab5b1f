"""100,000 chunks of 200 tenants: what each stage of a search takes, and whether a filter costs recall.

The rows are made up (vectors of random directions, words by Zipf's law, tokens of random bits) and written by
the real table; the questions are embedded by the real model, and searched by the real searcher.
"""

import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from itertools import islice
from pathlib import Path
from statistics import quantiles

import msgspec
import numpy as np

from buttress.kernel.clock import SystemClock
from buttress.kernel.ids import ChunkId, DocumentId
from buttress.kernel.scope import Scope
from buttress.knowledge.embedding.embedder import OnnxEmbedder, open_embedder
from buttress.knowledge.index.rows import DocumentRows
from buttress.knowledge.index.table import Table
from buttress.knowledge.index.tables import Index, open_index
from buttress.knowledge.index.visibility import visible_clause
from buttress.knowledge.ports import StageReranker
from buttress.knowledge.reranking.reduced import MOST_BYTES
from buttress.knowledge.reranking.stored import StoredReranker
from buttress.knowledge.search import Searcher
from buttress.knowledge.search_types import Hit, Query
from buttress.knowledge.settings import EmbedderSettings, EngineSettings
from buttress.knowledge.types import Chunk, FolderSource, KnowledgeBase, Rerank, SearchSettings

CHUNKS_OF_A_DOCUMENT = 10
DOCUMENTS_AT_ONCE = 1_000
WORDS = 80
VOCABULARY = 20_000
FEW_DOCUMENTS = 2
DEPTH = 100
ALL, TENANT, FEW = "tenant 0", "tenant 7", "few"


class Shape(msgspec.Struct, frozen=True):
    """How large: chunks, the tenants that share them alike, questions of each kind.

    Before these are measured, one is asked for `loading_s`: code, files and vectors are loaded meanwhile.
    """

    chunks: int = 100_000
    tenants: int = 200
    questions: int = 200
    loading_s: float = 10


class Timed(msgspec.Struct, frozen=True, kw_only=True):
    """What the questions of one kind took, in ms; p50 and p95 of each stage, of both first ones, of all.

    `processor` is the time of all cores: other work on the machine counts less in it.
    """

    what: str
    stages: dict[str, tuple[float, float]]
    first: tuple[float, float]
    whole: tuple[float, float]
    processor: tuple[float, float]


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured. `recall`: the least share of the nearest hundred found, in memory and on disk."""

    build_s: float
    load_s: float
    timed: list[Timed]
    recall: tuple[float, float]


async def measure_scale(folder: Path, shape: Shape) -> Figures:
    """Build the tables in `folder`, and measure."""
    embedder = open_embedder(EmbedderSettings())
    place = _Place(await open_index(folder), embedder, _Made(shape))
    timed: list[Timed] = []
    recalls: list[tuple[float, float]] = []
    async with _built(place, "shared", shape.tenants) as (shared, build_s):
        for tenant, what in ((TENANT, f"one tenant of {shape.tenants}"), (FEW, "few rows")):
            timed.append(await _asked(place, what, _base("shared"), tenant))
            recalls.append(
                await _recall(shared, place.made, tenant, place.made.rows_of(tenant, shape.tenants))
            )
        timed.append(await _asked(place, "the same, re-ranked", _base("shared", late=True), TENANT))
        load_s = await _loading(shared)
    async with _built(place, "alone", 1) as (alone, _):
        timed.append(await _asked(place, "all rows", _base("alone"), ALL))
        recalls.append(await _recall(alone, place.made, ALL, range(shape.chunks)))
    embedder.close()
    in_memory, on_disk = zip(*recalls, strict=True)
    return Figures(build_s=build_s, load_s=load_s, timed=timed, recall=(min(in_memory), min(on_disk)))


class _Made:
    """The rows and questions, the same ones each time."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.chance = np.random.default_rng(7)
        directions = self.chance.normal(size=(shape.chunks, 384)).astype(np.float32)
        self.vectors = directions / np.linalg.norm(directions, axis=1, keepdims=True)
        self.words = np.array([f"w{number}" for number in range(VOCABULARY)])
        share = 1 / np.arange(1, VOCABULARY + 1)
        self.share = share / share.sum()

    def text(self, words: int) -> str:
        """Return a text of so many words."""
        return " ".join(self.chance.choice(self.words, words, p=self.share))

    def questions(self) -> list[str]:
        """Return the questions: rarer words than a text's, as people ask."""
        chance = np.random.default_rng(8)
        picked = chance.integers(50, VOCABULARY, (self.shape.questions, 8))
        return [" ".join(self.words[one]) for one in picked]

    def documents(self, tenants: int) -> Iterator[DocumentRows]:
        """Yield every document, the tokens of its chunks where there are several tenants."""
        for number in range(self.shape.chunks // CHUNKS_OF_A_DOCUMENT):
            yield self._document(number, _tenant_of(number, tenants), tokens=tenants > 1)

    def rows_of(self, tenant: str, tenants: int) -> list[int]:
        """Return which chunks are those of `tenant`."""
        chunks = range(self.shape.chunks)
        return [one for one in chunks if _tenant_of(one // CHUNKS_OF_A_DOCUMENT, tenants) == tenant]

    def _document(self, number: int, tenant: str, *, tokens: bool) -> DocumentRows:
        first = number * CHUNKS_OF_A_DOCUMENT
        chunks = tuple(self._chunk(number, ordinal) for ordinal in range(CHUNKS_OF_A_DOCUMENT))
        return DocumentRows(
            document_id=DocumentId(f"{number:032x}"),
            document=f"{number}.md",
            title=f"{number}",
            tenant=tenant,
            readers=("*",),
            state="1",
            chunks=chunks,
            vectors=tuple(self.vectors[first : first + CHUNKS_OF_A_DOCUMENT]),
            tokens=tuple(self.chance.bytes(MOST_BYTES) for _ in chunks) if tokens else (),
        )

    def _chunk(self, number: int, ordinal: int) -> Chunk:
        text = self.text(WORDS)
        return Chunk(
            chunk_id=_chunk_id(number * CHUNKS_OF_A_DOCUMENT + ordinal),
            document_id=DocumentId(f"{number:032x}"),
            ordinal=ordinal,
            start=0,
            end=len(text),
            text=text,
            section=(),
            page=None,
            page_end=None,
            context="",
        )


class _Place(msgspec.Struct, frozen=True):
    index: Index
    embedder: OnnxEmbedder
    made: _Made


def _tenant_of(document: int, tenants: int) -> str:
    """Return whose a document is: two are of a tenant that has no others, if there are several."""
    return FEW if tenants > 1 and document < FEW_DOCUMENTS else f"tenant {document % tenants}"


@asynccontextmanager
async def _built(place: _Place, name: str, tenants: int) -> AsyncIterator[tuple[Table, float]]:
    """Build a table for the block, and say in how many seconds."""
    started = time.perf_counter()
    of = (name, place.embedder.fingerprint, place.embedder.dimensions)
    table = await place.index.make(*of)
    documents = place.made.documents(tenants)
    while group := list(islice(documents, DOCUMENTS_AT_ONCE)):
        await table.replace(group)
    await table.tidy()
    yield await place.index.table(*of), time.perf_counter() - started
    await place.index.drop(name)


def _base(name: str, *, late: bool = False) -> KnowledgeBase:
    source = FolderSource(folder="documents", readers=("*",))
    search = SearchSettings(depth=DEPTH, rerank="late" if late else "none")
    return KnowledgeBase(name=name, sources=(source,), search=search)


async def _asked(place: _Place, what: str, base: KnowledgeBase, tenant: str) -> Timed:
    rerankers: dict[Rerank, StageReranker] = {"late": StoredReranker(place.embedder)}
    searcher = Searcher(place.index, place.embedder, SystemClock(), EngineSettings(), rerankers)
    queries = [Query(knowledge=base.name, text=one, scope=Scope(tenant)) for one in place.made.questions()]
    loading = time.perf_counter()
    while time.perf_counter() - loading < place.made.shape.loading_s:
        await searcher.search(base, queries[0])
    return _summed(what, [await _searched(searcher, base, one) for one in queries])


async def _searched(searcher: Searcher, base: KnowledgeBase, query: Query) -> dict[str, float]:
    """Return what a search took, by its stages, as a whole, and of the processor; in ms."""
    started, worked = time.perf_counter(), time.process_time()
    found = await searcher.search(base, query)
    stages = {one.name: one.duration_ms for one in found.stages if not one.skipped}
    whole, processor = time.perf_counter() - started, time.process_time() - worked
    return stages | {"whole": whole * 1000, "processor": processor * 1000}


def _summed(what: str, taken: Sequence[dict[str, float]]) -> Timed:
    spread = {name: _spread([one.get(name, 0.0) for one in taken]) for name in taken[0]}
    return Timed(
        what=what,
        first=_spread([max(one["dense"], one["bm25"]) for one in taken]),
        whole=spread.pop("whole"),
        processor=spread.pop("processor"),
        stages=spread,
    )


def _spread(times: Sequence[float]) -> tuple[float, float]:
    cuts = quantiles(times, n=20)
    return cuts[9], cuts[18]


async def _loading(table: Table) -> float:
    """Return how long it takes to read all vectors into memory."""
    started = time.perf_counter()
    await table.matrix()
    return time.perf_counter() - started


async def _recall(table: Table, made: _Made, tenant: str, rows: Sequence[int]) -> tuple[float, float]:
    """Return the least share of a tenant's nearest rows that is found, in memory and on the disk."""
    scope, matrix = Scope(tenant), await table.matrix()
    in_memory: list[float] = []
    on_disk: list[float] = []
    for vector in made.chance.normal(size=(20, made.vectors.shape[1])).astype(np.float32):
        query = vector / np.linalg.norm(vector)
        nearest = np.argsort(-(made.vectors[rows] @ query))[:DEPTH]
        exact = {_chunk_id(rows[one]) for one in nearest}
        in_memory.append(_share(exact, matrix.nearest(query, scope, DEPTH)))
        on_disk.append(_share(exact, await table.vector_search(query, visible_clause(scope), DEPTH)))
    return min(in_memory), min(on_disk)


def _share(exact: set[ChunkId], found: Sequence[Hit]) -> float:
    return len(exact & {one.chunk_id for one in found}) / len(exact)


def _chunk_id(row: int) -> ChunkId:
    return ChunkId(f"{row:032x}")
