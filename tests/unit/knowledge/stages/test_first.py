"""The first stages: what is found, and when a large knowledge base is kept in memory."""

from pathlib import Path

import pytest

from buttress.kernel.clock import SystemClock
from buttress.kernel.scope import Scope
from buttress.knowledge.index.resident import Residents
from buttress.knowledge.index.tables import open_index
from buttress.knowledge.search_types import Query
from buttress.knowledge.stages.first import First, Place
from buttress.knowledge.stages.question import Question, read_query
from buttress.knowledge.stages.running import Stages
from buttress.knowledge.types import FolderSource, KnowledgeBase, SearchSettings
from buttress.testing.documents import Written, rows_of_all
from buttress.testing.embedding import HashedWords

BASE = KnowledgeBase(
    name="garden",
    sources=(FolderSource(folder="garden", readers=("*",)),),
    search=SearchSettings(depth=2),
)
WRITTEN = (
    Written(path="a.md", texts=("roses", "roses and moss", "roses, moss and rakes", "rakes")),
    Written(path="b.md", tenant="blue", texts=("roses of theirs",)),
)


def question(text: str) -> Question:
    """Return a question of the tenant that most documents belong to."""
    return read_query(Query(knowledge="garden", text=text, scope=Scope("green")), BASE)


def stages() -> Stages:
    """Return a run without haste."""
    return Stages(SystemClock(), lambda _: 30)


async def place_of(folder: Path) -> Place:
    """Return the documents, indexed."""
    words = HashedWords()
    index = await open_index(folder)
    table = await index.make("garden", words.fingerprint, words.dimensions)
    await table.replace(rows_of_all(WRITTEN, words))
    return Place(BASE, await index.table("garden", words.fingerprint, words.dimensions))


@pytest.mark.parametrize("from_rows", [pytest.param(1, id="in memory"), pytest.param(99, id="on disk")])
async def test_both_lists_stay_within_depth_and_scope(tmp_path: Path, from_rows: int) -> None:
    """The same wherever the vectors are."""
    first = First(HashedWords(), Residents(from_rows, 1_000))
    found = await first.find(await place_of(tmp_path), question("roses"), stages())
    assert found.dense is not None
    assert found.bm25 is not None
    assert len(found.dense) == len(found.bm25) == 2
    assert found.dense[0].cosine == pytest.approx(1, abs=1e-5)
    assert found.bm25[0].cosine == pytest.approx(1, abs=1e-5)


async def test_words_that_no_index_holds_are_left_to_meaning(tmp_path: Path) -> None:
    """Nothing is skipped: there was nothing to look for."""
    run = stages()
    found = await First(HashedWords(), Residents(99, 0)).find(
        await place_of(tmp_path), question("x" * 50), run
    )
    assert found.bm25 == []
    assert len(found.dense or ()) == 2
    assert [one.name for one in run.reports] == ["embed", "dense"]
