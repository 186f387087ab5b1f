"""The search: embed -> dense and BM25 -> fuse -> re-rank -> dedup -> merge -> passages, inside the scope.

Each stage is in a file of its own in `stages/`; what decides the order is pure, in `ranking`.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import msgspec
from msgspec.structs import replace

from buttress.kernel.clock import Clock
from buttress.kernel.ids import ChunkId
from buttress.kernel.passages import Passage
from buttress.knowledge.errors import SearchFailed
from buttress.knowledge.index.resident import Residents
from buttress.knowledge.index.tables import Index
from buttress.knowledge.ports import Embedder, StageReranker
from buttress.knowledge.ranking.calibration import calibrated
from buttress.knowledge.ranking.merging import merged
from buttress.knowledge.ranking.order import fused, ranked
from buttress.knowledge.ranking.standing import standings_of
from buttress.knowledge.search_types import Candidate, Evidence, FirstStages, Found, Hit, Query
from buttress.knowledge.settings import EngineSettings
from buttress.knowledge.stages.choose import choose
from buttress.knowledge.stages.first import First, Place
from buttress.knowledge.stages.question import Question, read_query
from buttress.knowledge.stages.rerank import rerank
from buttress.knowledge.stages.running import Stages
from buttress.knowledge.stages.vocabulary import Vocabulary
from buttress.knowledge.stages.words import asked_words, covering, weights_of, word_weights
from buttress.knowledge.types import KnowledgeBase, Rerank, SearchSettings

NO_RERANKERS: Mapping[Rerank, StageReranker] = {}


class Searcher:
    """Searches the knowledge bases of one index with one embedder, and re-ranks with one of `rerankers`."""

    def __init__(
        self,
        index: Index,
        embedder: Embedder,
        clock: Clock,
        settings: EngineSettings,
        rerankers: Mapping[Rerank, StageReranker] = NO_RERANKERS,
    ) -> None:
        self._index = index
        self._embedder = embedder
        self._clock = clock
        self._settings = settings
        self._rerankers = rerankers
        self._searched: set[str] = set()
        self._vocabulary = Vocabulary()
        self._first = First(embedder, Residents(settings.resident_from_rows, settings.resident_rows))

    async def search(self, base: KnowledgeBase, query: Query) -> Found:
        """Return what answers `query` best of what its scope may see.

        Raises:
            QueryInvalid: it asks for nothing, or for too much.
            NotIngested, EmbedderChanged: there is nothing to search in.
            SearchFailed: neither dense nor BM25 search could be done.
        """
        question = read_query(query, base)
        stages = Stages(self._clock, self._budgets(base.name))
        place = await self._place(base, stages)
        order = await self._order(place, question, stages)
        best = await _best(place, order, question.limit, stages)
        statistics = await word_weights(place, self._vocabulary, stages)
        words = await asked_words(place, question, best, statistics, stages)
        weights = weights_of(question, words, statistics)
        passages = _good_enough([covering(one, weights) for one in best], order, stages)
        standings = standings_of(passages, order.first, order.fused, order.reranked)
        return Found(passages, stages.reports, words, standings)

    async def evidence(self, base: KnowledgeBase, query: Query) -> Evidence:
        """Return all that the ranking of `query` is decided on, for who measures.

        The re-ranker of the settings scores every hit of both lists: so any fusion's first ones have theirs.

        Raises:
            SearchFailed: a stage was skipped, and why: a measurement without it would be none.
            QueryInvalid, NotIngested, EmbedderChanged: as a search.
        """
        question = read_query(query, base)
        stages = Stages(self._clock, lambda _: self._settings.call_timeout_s)
        place = await self._place(base, stages)
        first = await self._first.find(place, question, stages)
        hits = ranked(first, None, base.search)
        reranked = await self._reranked(place, question, hits, stages)
        if stages.skipped:
            raise SearchFailed(f"a stage was left out: {stages.skipped}")
        found = await place.table.candidates(hits)
        return Evidence(first, reranked, {one.passage.chunk_id: one.passage for one in found})

    def _budgets(self, knowledge: str) -> Callable[[str], float]:
        """Return how long a stage may take; longer at first, which is when code and files are loaded.

        But no longer than half of a call: one stage that hangs must not take the others' time.
        """
        known, settings = knowledge in self._searched, self._settings
        self._searched.add(knowledge)
        if known:
            return settings.budget_s
        return lambda stage: max(settings.budget_s(stage), settings.call_timeout_s / 2)

    async def _place(self, base: KnowledgeBase, stages: Stages) -> Place:
        embedder = self._embedder
        with stages.computing("open"):
            table = await self._index.table(base.name, embedder.fingerprint, embedder.dimensions)
        return Place(base, table)

    async def _order(self, place: Place, question: Question, stages: Stages) -> "_Order":
        settings = place.base.search
        first = await self._first.find(place, question, stages)
        with stages.computing("fuse") as done:
            fusion = fused(first, settings)
            done(fusion)
        reranked = await self._reranked(place, question, fusion[: settings.rerank_depth], stages)
        ranking = ranked(first, reranked, settings) if reranked else fusion
        return _Order(settings, first, fusion, reranked, ranking)

    async def _reranked(
        self, place: Place, question: Question, hits: Sequence[Hit], stages: Stages
    ) -> Mapping[ChunkId, float] | None:
        kind = place.base.search.rerank
        if kind == "none":
            return None
        return await rerank(self._rerankers.get(kind), question.beginning, hits, place.table, stages)


class _Order(msgspec.Struct, frozen=True):
    """How the hits of one search are ranked, and what on."""

    settings: SearchSettings
    first: FirstStages
    fused: list[Hit]
    reranked: Mapping[ChunkId, float] | None
    ranking: list[Hit]


async def _best(place: Place, order: _Order, limit: int, stages: Stages) -> list[Candidate]:
    """Return the best passages of an order; when choosing is skipped, simply its first."""
    chosen = partial(choose, place.table, order.ranking, order.settings, limit)
    best = await stages.attempt("dedup", chosen)
    if best is None:
        with stages.computing("read") as done:
            best = await place.table.candidates(order.ranking[:limit])
            done(best)
    if order.settings.merge:
        with stages.computing("merge") as done:
            best = merged(best)
            done(best)
    return best


def _good_enough(passages: Sequence[Passage], order: _Order, stages: Stages) -> tuple[Passage, ...]:
    """Return `passages` with their calibrated scores, without those whose score is too low."""
    settings, is_reranked = order.settings, bool(order.reranked)
    scores = [calibrated(one.score, settings, is_reranked=is_reranked) for one in passages]
    scored = [replace(one, score=score) for one, score in zip(passages, scores, strict=True)]
    if not settings.min_score:
        return tuple(scored)
    with stages.computing("threshold") as done:
        kept = tuple(one for one in scored if one.score >= settings.min_score)
        done(kept)
    return kept
