"""The engine in this process: searches, ranks and embeds, with bounded work and bounded time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import psutil

from buttress.kernel.clock import Clock
from buttress.knowledge.engine_queue import EngineQueue
from buttress.knowledge.errors import (
    EmbedderChanged,
    EngineTimeout,
    NotIngested,
    TooMuchAsked,
    UnknownKnowledge,
)
from buttress.knowledge.index import Index, open_index
from buttress.knowledge.ports import Embedder, Reranker, Vectors
from buttress.knowledge.reranking.opening import open_reranker
from buttress.knowledge.search import Searcher
from buttress.knowledge.search_types import (
    BaseStatus,
    Embedded,
    EngineStatus,
    Found,
    Query,
    Reranked,
    Reranking,
    StageReport,
)
from buttress.knowledge.settings import EngineSettings, RerankerSettings
from buttress.knowledge.types import KnowledgeBase


class EngineParts(msgspec.Struct, frozen=True, kw_only=True):
    """What a local engine is made of. `embedder` loads the model, or gives the one that is loaded.

    `is_declared` says whether a knowledge base is still in the project: one that was taken out is not
    searched any more, before an ingest has removed it, too.
    """

    index_folder: Path
    knowledge: Mapping[str, KnowledgeBase]
    embedder: Callable[[], Awaitable[Embedder]]
    clock: Clock
    settings: EngineSettings = EngineSettings()
    reranker: RerankerSettings = RerankerSettings()
    is_declared: Callable[[str], bool] = lambda _: True


class _Loaded(msgspec.Struct, frozen=True):
    index: Index
    embedder: Embedder
    searcher: Searcher


class LocalEngine:
    """An `Engine` in the caller's process. The models and LanceDB are loaded when they are needed first.

    Close it to end the re-ranker's threads.
    """

    def __init__(self, parts: EngineParts) -> None:
        self._parts = parts
        self._settings = parts.settings
        self._queue = EngineQueue(parts.settings.max_running, parts.settings.max_waiting)
        # A line of their own: a search takes milliseconds, a thousand documents take all the time there is.
        self._reranks = EngineQueue(parts.settings.max_running, parts.settings.max_waiting)
        self._loading = asyncio.Lock()
        self._ready: _Loaded | None = None
        self._opening = asyncio.Lock()
        self._reranker: Reranker | None = None

    async def warm(self) -> None:
        """Load the model and the index now, so that the first call need not wait a second for them.

        Raises:
            EmbedderMissing, EmbedderBroken, ExtraMissing: they cannot be had.
        """
        await self._loaded()

    async def search(self, query: Query) -> Found:
        """See `Engine.search`."""
        base = self._parts.knowledge.get(query.knowledge)
        if base is None or not self._parts.is_declared(query.knowledge):
            known = ", ".join(filter(self._parts.is_declared, sorted(self._parts.knowledge))) or "none"
            raise UnknownKnowledge(f"there is no knowledge base `{query.knowledge}`; there are: {known}")
        async with self._turn(self._queue):
            is_first, began = self._ready is None, self._parts.clock.monotonic()
            searcher = (await self._loaded()).searcher
            duration_ms = round((self._parts.clock.monotonic() - began) * 1000, 3)
            found = await searcher.search(base, query)
        if not is_first:
            return found
        loaded = StageReport(name="load", duration_ms=duration_ms)
        return msgspec.structs.replace(found, stages=(loaded, *found.stages))

    async def rank_sentences(self, question: str, sentences: Sequence[str]) -> list[float]:
        """See `Engine.rank_sentences`."""
        self._check_count(len(sentences))
        vectors = await self._embedded([question, *sentences])
        cosines: list[float] = (vectors[1:] @ vectors[0]).tolist()
        return [max(-1.0, min(1.0, cosine)) for cosine in cosines]

    async def embed(self, texts: Sequence[str]) -> Embedded:
        """See `Engine.embed`."""
        self._check_count(len(texts))
        vectors: list[list[float]] = (await self._embedded(texts)).tolist()
        return Embedded(vectors, await asyncio.to_thread(_tokens, (await self._loaded()).embedder, texts))

    async def rerank(self, asked: Reranking) -> Reranked:
        """See `Engine.rerank`."""
        count, most = len(asked.documents), self._parts.reranker.max_documents
        if count > most:
            raise TooMuchAsked(f"{count:,} documents were given, {most:,} are taken at once")
        async with self._turn(self._reranks):
            return await (await self._opened_reranker()).rerank(asked)

    def close(self) -> None:
        """End the re-ranker's threads, if there is one; what they work on is finished first."""
        if self._reranker:
            self._reranker.close()

    async def status(self) -> EngineStatus:
        """See `Engine.status`."""
        loaded = await self._loaded()
        return EngineStatus(
            embedder=loaded.embedder.name,
            fingerprint=loaded.embedder.fingerprint,
            dimensions=loaded.embedder.dimensions,
            knowledge=tuple([await _base_status(name, loaded) for name in sorted(self._parts.knowledge)]),
            running=self._queue.running + self._reranks.running,
            waiting=self._queue.waiting + self._reranks.waiting,
            memory_bytes=psutil.Process().memory_info().rss,
        )

    def _check_count(self, texts: int) -> None:
        if texts > self._settings.max_texts:
            raise TooMuchAsked(f"{texts} texts were given, {self._settings.max_texts} are taken at once")

    async def _embedded(self, texts: Sequence[str]) -> Vectors:
        async with self._turn(self._queue):
            loaded = await self._loaded()
            return await asyncio.to_thread(loaded.embedder.embed, texts)

    @asynccontextmanager
    async def _turn(self, queue: EngineQueue) -> AsyncIterator[None]:
        timeout_s = self._settings.call_timeout_s
        try:
            async with asyncio.timeout(timeout_s), queue.turn():
                yield
        except TimeoutError:
            raise EngineTimeout(f"the engine did not answer within {timeout_s:g} s") from None

    async def _loaded(self) -> _Loaded:
        """Return what the engine works with. A failure is tried again by the next call."""
        async with self._loading:
            if self._ready is None:
                # Side by side: each takes most of a second, and the model is loaded outside of Python's lock.
                opening = open_index(self._parts.index_folder)
                index, embedder = await asyncio.gather(opening, self._parts.embedder())
                searcher = Searcher(index, embedder, self._parts.clock, self._settings)
                self._ready = _Loaded(index, embedder, searcher)
            return self._ready

    async def _opened_reranker(self) -> Reranker:
        """Return the re-ranker, opened by the first call that needs it. It needs no index."""
        embedder = await self._parts.embedder()
        async with self._opening:
            if self._reranker is None:
                self._reranker = await asyncio.to_thread(open_reranker, self._parts.reranker, embedder)
            return self._reranker


async def _base_status(name: str, loaded: _Loaded) -> BaseStatus:
    try:
        table = await loaded.index.table(name, loaded.embedder.fingerprint, loaded.embedder.dimensions)
    except (NotIngested, EmbedderChanged):
        return BaseStatus(name=name, chunks=None)
    return BaseStatus(name=name, chunks=await table.count())


def _tokens(embedder: Embedder, texts: Sequence[str]) -> int:
    return sum(min(len(embedder.token_starts(text)), embedder.max_tokens) for text in texts)
