"""Tuning a knowledge base: queries with what answers them, the first lists of each, the best recipe.

A model that is asked for queries is a function of a prompt, handed in: so it goes the way of every call.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

import msgspec

from buttress.kernel.chance import Chance
from buttress.kernel.clock import Clock
from buttress.kernel.passages import Passage
from buttress.kernel.scope import Scope
from buttress.knowledge.index.table import Table
from buttress.knowledge.index.tables import Index
from buttress.knowledge.index.visibility import visible_clause
from buttress.knowledge.measuring.asking import (
    MOST_QUERIES,
    drawn,
    is_worth_asking,
    prompt_for,
    query_in,
)
from buttress.knowledge.measuring.errors import NothingToAsk
from buttress.knowledge.measuring.finding import Place, find_lists
from buttress.knowledge.measuring.headings import heading_queries
from buttress.knowledge.measuring.labels import placed
from buttress.knowledge.measuring.recipes import recipes
from buttress.knowledge.measuring.tuning import choose_recipe, with_calibration
from buttress.knowledge.measuring.types import Choice, LabelledQuery, Labels
from buttress.knowledge.measuring.unheaded import Sample, sampled, unheaded_index
from buttress.knowledge.ports import Embedder, StageReranker
from buttress.knowledge.search import Searcher
from buttress.knowledge.search_types import Hit, Placed
from buttress.knowledge.settings import EngineSettings
from buttress.knowledge.types import KnowledgeBase, Rerank

Ask = Callable[[str], Awaitable[str]]
"""Gives a model's answer to a prompt."""

_PATIENCE_S = 600.0  # a passage may have to be read anew, and nobody waits for an answer


class Told(Protocol):
    """Somebody who is told how far a tuning is."""

    def __call__(self, what: str, done: int, total: int) -> None:
        """Take notice that `done` of `total` are done of what is done now."""
        ...


class TuningParts(msgspec.Struct, frozen=True, kw_only=True):
    """What a tuning works with. `ask` writes queries where nobody labelled any; None: headings are asked."""

    index: Index
    embedder: Embedder
    rerankers: Mapping[Rerank, StageReranker]
    clock: Clock
    chance: Chance
    ask: Ask | None = None


class ToTune(msgspec.Struct, frozen=True, kw_only=True):
    """What is tuned: `base`, as `scope` sees it, by `labels` if there are any; `rerank` is tried, too."""

    base: KnowledgeBase
    scope: Scope
    labels: Labels | None
    rerank: Rerank


class Tuning(msgspec.Struct, frozen=True, kw_only=True):
    """What a tuning came to, and which queries it was done with."""

    knowledge: str
    labels: Labels
    choice: Choice


async def tune(asked: ToTune, parts: TuningParts, told: Told = lambda *_: None) -> Tuning:
    """Choose how a knowledge base is searched. Nothing is written.

    Raises:
        NothingToAsk: nobody labelled queries, and none could be made.
        NotIngested, EmbedderChanged: there is nothing to search in.
        SearchFailed: a stage was left out; a measurement without it would be none.
    """
    embedder = parts.embedder
    table = await parts.index.table(asked.base.name, embedder.fingerprint, embedder.dimensions)
    places = await table.places(visible_clause(asked.scope, asked.base))
    if asked.labels:
        labels = placed(asked.labels, {one.document for one in places})
        return await _chosen(asked, parts.index, labels, parts, told)
    if parts.ask:
        labels = await _written(table, places, parts, told)
        return await _chosen(asked, parts.index, labels, parts, told)
    return await _by_headings(asked, table, places, parts, told)


async def _by_headings(
    asked: ToTune, table: Table, places: list[Placed], parts: TuningParts, told: Told
) -> Tuning:
    some = sampled(places, parts.chance)
    labels = heading_queries(some, parts.chance)
    if not labels.queries:
        raise NothingToAsk(f"no section of `{asked.base.name}` has a heading that tells it from the others")
    sample = Sample(table, asked.scope, some)
    name = asked.base.name
    async with unheaded_index(
        name, sample, parts.embedder, lambda *done: told("chunks embedded", *done)
    ) as index:
        return await _chosen(asked, index, labels, parts, told)


async def _chosen(asked: ToTune, index: Index, labels: Labels, parts: TuningParts, told: Told) -> Tuning:
    settings = EngineSettings(call_timeout_s=_PATIENCE_S, stage_timeout_s=60)
    searcher = Searcher(index, parts.embedder, parts.clock, settings, parts.rerankers)
    place = Place(searcher, asked.base, asked.scope, asked.rerank)
    lists = await find_lists(place, labels, lambda *done: told("queries searched", *done))
    choice = choose_recipe(
        lists,
        recipes(asked.rerank, asked.base.search.rerank_depth),
        asked.base.search,
        parts.chance,
        lambda *done: told("queries ranked", *done),
    )
    if labels.origin != "headings":  # scores without headings are not those of calls
        choice = with_calibration(choice, lists)
    return Tuning(knowledge=asked.base.name, labels=labels, choice=choice)


async def _written(table: Table, places: list[Placed], parts: TuningParts, told: Told) -> Labels:
    """Return queries that a model wrote of passages, drawn by chance."""
    assert parts.ask  # noqa: S101 - whoever calls has looked
    hits = [Hit(one.row_id, one.chunk_id, 0.0, None) for one in drawn(places, parts.chance)]
    passages = [one.passage for one in await table.candidates(hits)]
    asked = [one for one in passages if is_worth_asking(one)][:MOST_QUERIES]
    queries: dict[str, LabelledQuery] = {}
    for number, passage in enumerate(asked, start=1):
        if found := await _query(parts.ask, passage):
            queries[found.query] = found
        told("queries written", number, len(asked))
    if not queries:
        raise NothingToAsk(f"the model wrote no question of {len(asked)} passages that it was shown")
    return Labels(tuple(queries.values()), "model")


async def _query(ask: Ask, passage: Passage) -> LabelledQuery | None:
    return query_in(await ask(prompt_for(passage)), passage)
