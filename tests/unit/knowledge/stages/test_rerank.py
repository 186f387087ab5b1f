"""Re-ranking within a search."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from buttress.kernel.clock import SystemClock
from buttress.kernel.scope import Scope
from buttress.knowledge.errors import RerankerBroken, RerankerMissing
from buttress.knowledge.index.table import Table
from buttress.knowledge.index.tables import open_index
from buttress.knowledge.index.visibility import visible_clause
from buttress.knowledge.ports import Reranker, StageReranker
from buttress.knowledge.reranking.late_interaction import LateInteraction
from buttress.knowledge.reranking.stored import StoredReranker
from buttress.knowledge.search_types import Hit
from buttress.knowledge.settings import RerankerSettings
from buttress.knowledge.stages.rerank import ModelReranker, rerank, scores_of
from buttress.knowledge.stages.running import Stages
from buttress.testing.contracts.stage_reranker import RememberedRows, StageRerankerContract
from buttress.testing.documents import Written, rows_of_all
from buttress.testing.embedding import HashedWords

WRITTEN = Written(path="a.md", texts=("Gloves hang in the shed.", "Roses are cut in March.", "Moss."))


class TestModelReranker(StageRerankerContract):
    """Over a model that reads the texts."""

    @pytest.fixture
    def rows(self) -> RememberedRows:
        """Return them."""
        return RememberedRows(HashedWords(512))

    @pytest.fixture
    def reranker(self) -> Iterator[StageReranker]:
        """Return it."""
        with closing(LateInteraction("late", HashedWords(512), RerankerSettings(threads=2))) as late:

            async def opened() -> Reranker:
                return late

            yield ModelReranker(opened)


class TestStoredReranker(StageRerankerContract):
    """Over token vectors that were stored."""

    @pytest.fixture
    def rows(self) -> RememberedRows:
        """Return them."""
        return RememberedRows(HashedWords(512))

    @pytest.fixture
    def reranker(self) -> StageReranker:
        """Return it."""
        return StoredReranker(HashedWords(512))


async def found_in(folder: Path) -> tuple[Table, list[Hit]]:
    """Return the documents, indexed, and all of them found."""
    words = HashedWords()
    index = await open_index(folder)
    table = await index.make("garden", words.fingerprint, words.dimensions)
    await table.replace(rows_of_all([WRITTEN], words))
    return table, await table.vector_search(words.embed(["moss"])[0], visible_clause(Scope("green")), 10)


async def test_a_model_reads_the_texts(tmp_path: Path) -> None:
    """What answers has the best score; each score is its own passage's."""
    table, hits = await found_in(tmp_path)
    with closing(LateInteraction("late", HashedWords(512), RerankerSettings(threads=1))) as late:

        async def opened() -> Reranker:
            return late

        scores = await ModelReranker(opened).scores("when are roses cut", hits, table)
    texts = {one.passage.chunk_id: one.passage.text for one in await table.candidates(hits)}
    assert texts[max(scores, key=lambda one: scores[one])] == "Roses are cut in March."
    assert set(scores) == set(texts)


async def test_a_model_that_cannot_be_opened_leaves_the_stage_out(tmp_path: Path) -> None:
    """And says what is missing."""
    table, hits = await found_in(tmp_path)

    async def missing() -> Reranker:
        raise RerankerMissing("mine: there is no model.onnx")

    stages = Stages(SystemClock(), lambda _: 30)
    assert await rerank(ModelReranker(missing), "roses", hits, table, stages) is None
    assert stages.skipped == "rerank: knowledge.reranker_missing: mine: there is no model.onnx"


async def test_nothing_found_needs_no_re_ranker(tmp_path: Path) -> None:
    """Without any it is said only where there is something to re-rank."""
    table, hits = await found_in(tmp_path)

    async def never() -> Reranker:
        raise RerankerMissing("it was opened")

    assert await scores_of(ModelReranker(never), "roses", [], table) == {}
    with pytest.raises(RerankerBroken, match="no such re-ranker"):
        await scores_of(None, "roses", hits, table)
