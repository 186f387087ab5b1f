"""The engine in this process: searches, ranks and embeds, with bounded work and bounded time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from importlib import import_module
from pathlib import Path

import msgspec
import psutil

from buttress.kernel.clock import Clock
from buttress.knowledge.embedding.generations import Generation, active_generation, open_generation
from buttress.knowledge.embedding.recent_vectors import RecentVectors
from buttress.knowledge.engine.queue import EngineQueue
from buttress.knowledge.errors import (
    EmbedderChanged,
    EngineTimeout,
    IndexFailed,
    NotIngested,
    SearchFailed,
    TooMuchAsked,
    UnknownKnowledge,
)
from buttress.knowledge.index.products import cosines
from buttress.knowledge.index.tables import Index, open_index
from buttress.knowledge.ports import Embedder, Reranker, StageReranker, Vectors
from buttress.knowledge.reranking.opening import open_reranker
from buttress.knowledge.reranking.stored import StoredReranker
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
from buttress.knowledge.settings import EmbedderSettings, EngineSettings, RerankerSettings
from buttress.knowledge.stages.rerank import ModelReranker
from buttress.knowledge.types import KnowledgeBase, Rerank

LOAD_TIMEOUT_S = 60.0
"""For model and index together, once: a disk may be cold, a machine busy."""

KEPT_BYTES = 16_777_216
"""Of vectors of sentences; with the packaged model those of a thousand passages."""


class EngineParts(msgspec.Struct, frozen=True, kw_only=True):
    """What a local engine is made of. `embedder` loads the model, or gives the one that is loaded.

    `declared` gives a knowledge base as it is declared at the moment of a search, None when it is no more:
    who may see what, and what was taken out of the project, counts before a sync has rewritten or removed it.
    `open_model` loads the model of a generation that the settings do not name; it blocks. `secret` gives what
    a reference to a key leads to.
    """

    index_folder: Path
    knowledge: Mapping[str, KnowledgeBase]
    embedder: Callable[[], Awaitable[Embedder]]
    clock: Clock
    settings: EngineSettings = EngineSettings()
    reranker: RerankerSettings = RerankerSettings()
    declared: Callable[[KnowledgeBase], KnowledgeBase | None] = lambda base: base
    open_model: Callable[[str, Generation], Embedder] = partial(open_generation, settings=EmbedderSettings())
    secret: Callable[[str], str] = str


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
        self._opening_other = asyncio.Lock()
        self._others: dict[str, _Loaded] = {}
        self._reranker: Reranker | None = None
        self._sentences = RecentVectors(KEPT_BYTES)

    async def warm(self) -> None:
        """Load the model and the index now, so that the first call need not wait a second for them.

        Raises:
            EmbedderMissing, EmbedderBroken, ExtraMissing: they cannot be had.
        """
        await self._loaded()

    async def search(self, query: Query) -> Found:
        """See `Engine.search`."""
        base = self._declared(query.knowledge)
        is_first, began = self._ready is None, self._parts.clock.monotonic()
        ready = await self._loaded()
        duration_ms = round((self._parts.clock.monotonic() - began) * 1000, 3)
        async with self._turn(self._queue):
            found = await self._found(base, query, ready)
        if not is_first:
            return found
        loaded = StageReport(name="load", duration_ms=duration_ms)
        return msgspec.structs.replace(found, stages=(loaded, *found.stages))

    async def rank_sentences(self, question: str, sentences: Sequence[str]) -> list[float]:
        """See `Engine.rank_sentences`."""
        self._check_count(len(sentences))
        loaded = await self._loaded()
        async with self._turn(self._queue):
            vectors = await asyncio.to_thread(self._sentences.embed, loaded.embedder, question, sentences)
        near: list[float] = cosines(vectors[1:], vectors[0]).tolist()
        return [max(-1.0, min(1.0, one)) for one in near]

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
            knowledge=tuple(
                [await self._base_status(name, loaded) for name in sorted(self._parts.knowledge)]
            ),
            running=self._queue.running + self._reranks.running,
            waiting=self._queue.waiting + self._reranks.waiting,
            memory_bytes=psutil.Process().memory_info().rss,
        )

    def _declared(self, name: str) -> KnowledgeBase:
        known = self._parts.knowledge
        base = self._parts.declared(known[name]) if name in known else None
        if base is None:
            names = ", ".join(sorted(one.name for one in map(self._parts.declared, known.values()) if one))
            raise UnknownKnowledge(f"there is no knowledge base `{name}`; there are: {names or 'none'}")
        return base

    async def _found(self, base: KnowledgeBase, query: Query, ready: _Loaded) -> Found:
        """Search with the model of the generation; again where another one has taken its place meanwhile."""
        while True:
            generation = active_generation(self._parts.index_folder, base.name)
            try:
                found = await (await self._searcher_of(base.name, generation, ready)).search(base, query)
            except (IndexFailed, SearchFailed, NotIngested, EmbedderChanged):
                if generation == active_generation(self._parts.index_folder, base.name):
                    raise
                continue
            is_whole = not any(one.skipped for one in found.stages)
            if is_whole or generation == active_generation(self._parts.index_folder, base.name):
                return found

    async def _searcher_of(self, knowledge: str, generation: Generation | None, ready: _Loaded) -> Searcher:
        """Return what searches `knowledge`: with the model of the settings, or that of its generation.

        Raises:
            EmbedderChanged: the model of the generation is not there any more.
        """
        async with self._opening_other:
            if generation is None or generation.fingerprint == ready.embedder.fingerprint:
                self._others.pop(knowledge, None)  # its threads end with it
                return ready.searcher
            other = self._others.get(knowledge)
            if other is None or other.embedder.fingerprint != generation.fingerprint:
                embedder = await asyncio.to_thread(self._parts.open_model, knowledge, generation)
                other = self._others[knowledge] = self._searching(ready.index, embedder)
            return other.searcher

    def _searching(self, index: Index, embedder: Embedder) -> _Loaded:
        rerankers: dict[Rerank, StageReranker] = {
            "late": StoredReranker(embedder),
            "model": ModelReranker(self._opened_reranker),
        }
        searcher = Searcher(index, embedder, self._parts.clock, self._settings, rerankers)
        return _Loaded(index, embedder, searcher)

    def _check_count(self, texts: int) -> None:
        if texts > self._settings.max_texts:
            raise TooMuchAsked(f"{texts} texts were given, {self._settings.max_texts} are taken at once")

    async def _embedded(self, texts: Sequence[str]) -> Vectors:
        loaded = await self._loaded()
        async with self._turn(self._queue):
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
        """Return what the engine works with. A failure is tried again by the next call.

        That takes most of a second, or many times as long where disk or machine are slow: it is no part of a
        call's time, and has a limit of its own.

        Raises:
            EngineTimeout: that was passed.
            EmbedderMissing, EmbedderBroken, ExtraMissing: see `warm`.
        """
        async with self._loading:
            if self._ready is None:
                try:
                    async with asyncio.timeout(LOAD_TIMEOUT_S):
                        self._ready = await self._load()
                except TimeoutError:
                    raise EngineTimeout(
                        f"model and index were not loaded within {LOAD_TIMEOUT_S:g} s"
                    ) from None
            return self._ready

    async def _load(self) -> _Loaded:
        # Alone: imported by both at once, it has been found half made.
        await asyncio.to_thread(_import_numpy)
        # Side by side: the model is loaded outside of Python's lock.
        opening = open_index(self._parts.index_folder)
        index, embedder = await asyncio.gather(opening, self._parts.embedder())
        return self._searching(index, embedder)

    async def _base_status(self, name: str, loaded: _Loaded) -> BaseStatus:
        model = active_generation(self._parts.index_folder, name) or loaded.embedder
        table = await loaded.index.find(name, model.fingerprint, model.dimensions)
        return BaseStatus(name=name, chunks=await table.count() if table else None)

    async def _opened_reranker(self) -> Reranker:
        """Return the re-ranker, opened by the first call that needs it. It needs no index."""
        embedder = await self._parts.embedder()
        async with self._opening:
            if self._reranker is None:
                settings = self._parts.reranker
                key = self._parts.secret(settings.key)
                self._reranker = await asyncio.to_thread(open_reranker, settings, embedder, key)
            return self._reranker


def _import_numpy() -> None:
    with suppress(ImportError):  # whoever needs it says what is missing
        import_module("numpy")


def _tokens(embedder: Embedder, texts: Sequence[str]) -> int:
    return sum(min(len(embedder.token_starts(text)), embedder.max_tokens) for text in texts)
