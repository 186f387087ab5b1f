"""What every `knowledge.ports.Engine` promises, over a small knowledge base that `fill_index` makes."""

import asyncio
from pathlib import Path

import pytest

from buttress.kernel.clock import SystemClock
from buttress.kernel.scope import Scope
from buttress.knowledge.engine.local import EngineParts, LocalEngine
from buttress.knowledge.errors import NotIngested, QueryInvalid, TooMuchAsked, UnknownKnowledge
from buttress.knowledge.index.tables import open_index
from buttress.knowledge.ports import Embedder, Engine
from buttress.knowledge.search_types import Embedded, Query, Reranking
from buttress.knowledge.settings import EngineSettings, RerankerSettings
from buttress.knowledge.types import FolderSource, KnowledgeBase
from buttress.testing.documents import Written, rows_of_all

SETTINGS = EngineSettings(max_texts=8, call_timeout_s=20)
"""What the engine under test is to be set to."""

_SOURCES = (FolderSource(folder="garden", readers=("*",)),)
KNOWLEDGE = {
    "garden": KnowledgeBase(name="garden", sources=_SOURCES),
    "empty": KnowledgeBase(name="empty", sources=_SOURCES),
}
"""The knowledge bases it is to know: `garden` is filled, `empty` was never ingested."""

_DOCUMENTS = (
    Written(path="roses.md", section=("Garden",), texts=("Roses want sun and are cut back in March.",)),
    Written(
        path="moss.md",
        readers=("gardeners",),
        texts=("Moss in the lawn is raked out in April; roses do not mind it.",),
    ),
    Written(
        path="secret.md", tenant="blue", texts=("Roses of the other tenant are blue, and nobody may know.",)
    ),
    Written(path="tools.md", texts=("A spade, a rake and gloves hang in the shed.",)),
)


async def fill_index(folder: Path, embedder: Embedder) -> None:
    """Make the index that the contract searches in `folder`, with the embedder of the engine under test."""
    index = await open_index(folder)
    table = await index.make("garden", embedder.fingerprint, embedder.dimensions)
    await table.replace(rows_of_all(_DOCUMENTS, embedder))


def local_engine(folder: Path, embedder: Embedder, settings: EngineSettings = SETTINGS) -> LocalEngine:
    """Return the engine in this process over the index in `folder`: the one that the others stand before."""

    async def loaded() -> Embedder:
        return embedder

    parts = EngineParts(
        index_folder=folder,
        knowledge=KNOWLEDGE,
        embedder=loaded,
        clock=SystemClock(),
        settings=settings,
        reranker=RerankerSettings(max_documents=8, max_tokens=16),
    )
    return LocalEngine(parts)


def ask(
    text: str, scope: Scope | None = None, *, knowledge: str = "garden", limit: int | None = None
) -> Query:
    """Return a query of somebody of the tenant `green`, or of `scope`."""
    return Query(knowledge=knowledge, text=text, scope=scope or Scope("green"), limit=limit)


class EngineContract:
    """Subclass it and give one fixture: `engine`, set to `SETTINGS`, over `KNOWLEDGE` and a filled index."""

    async def test_the_best_passage_comes_first_with_its_place(self, engine: Engine) -> None:
        """And every number of a passage is in its bounds."""
        found = await engine.search(ask("when are roses cut back"))
        best = found.passages[0]
        assert best.document == "roses.md"
        assert best.section == ("Garden",)
        assert best.text[best.start : best.end] == best.text
        assert 0 < best.coverage <= 1
        assert all(-1 <= one.cosine <= 1 for one in found.passages)
        scores = [one.score for one in found.passages]
        assert scores == sorted(scores, reverse=True)
        assert all(0 <= one <= 1 for one in scores)

    async def test_every_passage_tells_how_it_stood(self, engine: Engine) -> None:
        """Its rank in each stage, in the order of the passages."""
        found = await engine.search(ask("when are roses cut back"))
        assert len(found.standings) == len(found.passages)
        best = found.standings[0]
        assert (best.dense_rank, best.bm25_rank, best.fused_rank, best.rerank_rank) == (1, 1, 1, None)
        last = found.standings[-1]
        assert (last.bm25_rank, last.bm25_score) == (None, None)

    async def test_every_stage_is_reported(self, engine: Engine) -> None:
        """In the order they run."""
        found = await engine.search(ask("roses"))
        names = [one.name for one in found.stages]
        assert names[names.index("open") :] == [
            "open",
            "embed",
            "dense",
            "bm25",
            "fuse",
            "dedup",
            "vocabulary",
            "words",
        ]
        assert not any(one.skipped for one in found.stages)

    async def test_nobody_finds_what_their_scope_does_not_see(self, engine: Engine) -> None:
        """Neither another tenant's, nor another reader's documents."""
        everybody = await engine.search(ask("roses moss blue secret"))
        gardener = await engine.search(ask("roses moss", Scope("green", frozenset({"gardeners"}))))
        stranger = await engine.search(ask("roses moss blue", Scope("red", frozenset({"gardeners", "*"}))))
        assert {one.document for one in everybody.passages} == {"roses.md", "tools.md"}
        assert {one.document for one in gardener.passages} == {"roses.md", "moss.md", "tools.md"}
        assert stranger.passages == ()

    @pytest.mark.parametrize(
        ("scope", "unknown"),
        [
            pytest.param(Scope("green"), {"lawn", "giraffe", "blue"}, id="everybody"),
            pytest.param(Scope("green", frozenset({"gardeners"})), {"giraffe", "blue"}, id="a reader"),
        ],
    )
    async def test_words_that_stand_only_where_the_scope_does_not_see_are_unknown(
        self, engine: Engine, scope: Scope, unknown: set[str]
    ) -> None:
        """No question finds out what others' documents speak of. Any form of a word counts."""
        found = await engine.search(ask("a rose, gloves, a lawn, a giraffe and blue", scope, limit=1))
        assert {word.text for word in found.asked if not word.is_known} == unknown
        assert {word.text for word in found.asked} == unknown | {"rose", "gloves", "lawn"}
        assert all(word.weight > 0 for word in found.asked)

    async def test_the_limit_holds(self, engine: Engine) -> None:
        """From 1 to 100; outside of it is a mistake."""
        assert len((await engine.search(ask("roses", limit=1))).passages) == 1
        for limit in (0, -1, 101):
            with pytest.raises(QueryInvalid):
                await engine.search(ask("roses", limit=limit))

    @pytest.mark.parametrize("text", ["", "  \n ", "?!", "\0", "\ud800"])
    async def test_a_question_without_a_word_is_refused(self, engine: Engine, text: str) -> None:
        """It would find anything."""
        with pytest.raises(QueryInvalid):
            await engine.search(ask(text))

    @pytest.mark.parametrize(
        "text",
        [
            pytest.param("the of and", id="stop words only"),
            pytest.param("roses " * 20_000, id="a hundred thousand characters"),
            pytest.param('+roses -moss "cut back" text:roses^3 ro* (', id="what elsewhere is syntax"),
            pytest.param("roses'; drop table garden; --", id="SQL"),
            pytest.param("roses \ud83d\0 日本語 \u202e", id="odd characters"),
        ],
    )
    async def test_any_words_may_be_asked(self, engine: Engine, text: str) -> None:
        """It is plain text, whatever stands in it."""
        found = await engine.search(ask(text))
        assert {one.document for one in found.passages} <= {"roses.md", "tools.md"}
        assert not any(one.skipped for one in found.stages)

    async def test_what_is_not_there_is_said(self, engine: Engine) -> None:
        """An unknown name and one that waits to be ingested are two things."""
        with pytest.raises(UnknownKnowledge, match="garden"):
            await engine.search(ask("roses", knowledge="gardn"))
        with pytest.raises(NotIngested, match="empty"):
            await engine.search(ask("roses", knowledge="empty"))

    async def test_sentences_are_ranked_by_nearness(self, engine: Engine) -> None:
        """In the order they were given."""
        sentences = ["Gloves hang in the shed.", "Roses are cut back in March.", "\ud800", ""]
        ranked = await engine.rank_sentences("When are roses cut back?", sentences)
        assert len(ranked) == 4
        assert ranked[1] == max(ranked)
        assert all(-1 <= one <= 1 for one in ranked)
        assert await engine.rank_sentences("anything", []) == []

    async def test_texts_become_vectors(self, engine: Engine) -> None:
        """As long as the status says, one for each, in order."""
        status = await engine.status()
        embedded = await engine.embed(["roses", "moss"])
        first, second = embedded.vectors
        assert embedded.tokens >= 2
        assert len(first) == len(second) == status.dimensions
        assert (await engine.embed(["moss"])).vectors[0] == pytest.approx(second, abs=1e-5)
        assert await engine.embed([]) == Embedded([], 0)

    async def test_documents_are_scored_in_their_order(self, engine: Engine) -> None:
        """Of what is too long the beginning counts, and that is told."""
        documents = ["gloves and a spade", "roses are cut back in March", "roses", "\ud800", "roses " * 40]
        done = await engine.rerank(Reranking(query="roses are cut", documents=documents))
        assert len(done.scores) == 5
        assert done.scores[1] == max(done.scores)
        assert all(0 <= one <= 1 for one in done.scores)
        assert done.truncated == [4]
        assert done.tokens > 16
        short = await engine.rerank(Reranking(query="roses", documents=["one two three four"], max_tokens=1))
        assert short.truncated == [0]

    async def test_more_than_it_takes_is_refused(self, engine: Engine) -> None:
        """Before anything is done."""
        with pytest.raises(TooMuchAsked, match="9"):
            await engine.embed(["x"] * 9)
        with pytest.raises(TooMuchAsked, match="9"):
            await engine.rank_sentences("x", ["x"] * 9)
        with pytest.raises(TooMuchAsked, match="9"):
            await engine.rerank(Reranking(query="x", documents=["x"] * 9))

    async def test_many_ask_at_once(self, engine: Engine) -> None:
        """Everybody gets the answer to their own question."""
        async with asyncio.TaskGroup() as group:
            roses = [group.create_task(engine.search(ask("roses cut back"))) for _ in range(10)]
            tools = [group.create_task(engine.search(ask("spade rake gloves shed"))) for _ in range(10)]
        assert {task.result().passages[0].document for task in roses} == {"roses.md"}
        assert {task.result().passages[0].document for task in tools} == {"tools.md"}

    async def test_the_status_names_what_is_there(self, engine: Engine) -> None:
        """Also what is not ingested yet."""
        status = await engine.status()
        assert {one.name: one.chunks for one in status.knowledge} == {"garden": 4, "empty": None}
        assert status.embedder
        assert status.memory_bytes > 0
