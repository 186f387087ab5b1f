"""The stages of a search."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.kernel.clock import SystemClock
from buttress.kernel.ids import ChunkId
from buttress.kernel.scope import Scope
from buttress.knowledge.errors import EmbedderBroken, QueryInvalid, SearchFailed
from buttress.knowledge.index import open_index
from buttress.knowledge.ports import Vectors
from buttress.knowledge.search import FirstStages, Searcher, Stages, fuse, keywords_of, read_query
from buttress.knowledge.search_types import Hit, Query
from buttress.knowledge.settings import EngineSettings
from buttress.knowledge.types import FolderSource, Fusion, KnowledgeBase, SearchSettings
from buttress.testing.clock import ManualClock
from buttress.testing.documents import Written, rows_of_all
from buttress.testing.embedding import HashedWords

BASE = KnowledgeBase(name="garden", sources=(FolderSource(folder="garden", readers=("*",)),))


class BrokenWords(HashedWords):
    """An embedder that cannot run."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See `Embedder.embed`."""
        raise EmbedderBroken(f"no vectors for {len(texts)} texts today")


async def searcher(folder: Path, *written: Written, embedder: HashedWords | None = None) -> Searcher:
    """Return one that searches these documents."""
    working = HashedWords()
    index = await open_index(folder)
    table = await index.make("garden", working.fingerprint, working.dimensions)
    await table.replace(rows_of_all(written, working))
    return Searcher(index, embedder or working, SystemClock(), EngineSettings())


def break_text_index(folder: Path) -> None:
    """Break its files: those that lie beside a list of tokens."""
    for one in {path.parent.name for path in folder.rglob("*tokens.lance")}:
        break_files(folder, f"_indices/{one}/*")


def break_files(folder: Path, pattern: str) -> None:
    """Write nonsense over files."""
    for path in folder.rglob(pattern):
        if path.is_file():
            path.write_bytes(b"broken")


def query(text: str, limit: int | None = None) -> Query:
    """Return a query of the tenant that the documents belong to."""
    return Query(knowledge="garden", text=text, scope=Scope("green"), limit=limit)


def hit(name: str, score: float, cosine: float | None) -> Hit:
    """Return a hit with these numbers."""
    return Hit(0, ChunkId(name), score, cosine)


async def test_a_model_that_fails_leaves_keywords(tmp_path: Path) -> None:
    """The report says which stage is missing and why; cosines are unknown, so they are 0."""
    broken = await searcher(
        tmp_path, Written(path="a.md", texts=("Roses want sun.",)), embedder=BrokenWords()
    )
    found = await broken.search(BASE, query("roses"))
    assert [one.document for one in found.passages] == ["a.md"]
    assert found.passages[0].cosine == 0
    assert found.passages[0].coverage > 0
    (skipped,) = (one for one in found.stages if one.skipped)
    assert skipped.name == "embed"
    assert "knowledge.embedder_broken" in skipped.note


async def test_a_broken_text_index_leaves_meaning(tmp_path: Path) -> None:
    """Its files are broken, the rows are not."""
    texts = tuple(f"rose number {number}" for number in range(200))
    await searcher(tmp_path, Written(path="a.md", texts=texts))
    embedder = HashedWords()
    index = await open_index(tmp_path)
    table = await index.make("garden", embedder.fingerprint, embedder.dimensions)
    await table.tidy()
    break_text_index(tmp_path)
    fresh = Searcher(await open_index(tmp_path), embedder, SystemClock(), EngineSettings())
    found = await fresh.search(BASE, query("rose number 7"))
    assert found.passages
    assert {one.name for one in found.stages if one.skipped} == {"bm25"}


async def test_when_nothing_works_there_is_an_error_that_says_why(tmp_path: Path) -> None:
    """It may be tried again."""
    broken = await searcher(tmp_path, Written(path="a.md", texts=("Roses",)), embedder=BrokenWords())
    break_files(tmp_path, "*.lance")
    with pytest.raises(SearchFailed, match="bm25") as failed:
        await broken.search(BASE, query("roses"))
    assert failed.value.retryable


async def test_a_new_commit_is_seen_by_the_next_search(tmp_path: Path) -> None:
    """Of any process: the words, their weights, and the passages."""
    engine = await searcher(tmp_path, Written(path="a.md", texts=("Roses want sun.",)))
    assert [one.document for one in (await engine.search(BASE, query("moss"))).passages] == ["a.md"]
    await searcher(tmp_path, Written(path="b.md", texts=("Moss wants shade.",)))
    found = await engine.search(BASE, query("moss"))
    assert found.passages[0].document == "b.md"
    assert found.passages[0].coverage == 1


async def test_repetition_is_left_out(tmp_path: Path) -> None:
    """The better passage stays, and the report counts what is passed on."""
    text = "Roses are planted in October, in a sunny place, with much water and a little compost."
    engine = await searcher(
        tmp_path, Written(path="a.md", texts=(text,)), Written(path="copy.md", texts=(text,)),
        Written(path="b.md", texts=("Roses are cut in March.",)),
    )  # fmt: skip
    found = await engine.search(BASE, query("roses"))
    assert len(found.passages) == 2
    assert [one.count for one in found.stages if one.name in ("fuse", "dedup")] == [3, 2]


@pytest.mark.parametrize("settings", [SearchSettings(fusion=one) for one in get_args(Fusion)])
async def test_every_fusion_finds(tmp_path: Path, settings: SearchSettings) -> None:
    """As the knowledge base declares it."""
    base = KnowledgeBase(name="garden", sources=BASE.sources, search=settings)
    engine = await searcher(
        tmp_path, Written(path="a.md", texts=("Roses",)), Written(path="b.md", texts=("Moss",))
    )
    assert (await engine.search(base, query("moss"))).passages[0].document == "b.md"


async def test_many_searches_at_once_do_not_mix(tmp_path: Path) -> None:
    """Each sees one version, and its own words."""
    written = [Written(path=f"{n}.md", texts=(f"word{n} and more",)) for n in range(20)]
    engine = await searcher(tmp_path, *written)
    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(engine.search(BASE, query(f"word{n}"))) for n in range(20)]
    assert [task.result().passages[0].document for task in asked] == [f"{n}.md" for n in range(20)]


def test_the_limit_is_the_knowledge_bases_unless_asked_otherwise() -> None:
    assert read_query(query("x"), BASE).limit == BASE.search.limit
    assert read_query(query("x", limit=3), BASE).limit == 3
    with pytest.raises(QueryInvalid, match="101"):
        read_query(query("x", limit=101), BASE)


@given(st.text(max_size=200))
def test_any_text_is_a_question_or_refused(text: str) -> None:
    """What is searched for is words and blanks, whatever was typed."""
    try:
        question = read_query(query(text), BASE)
    except QueryInvalid:
        assert not any(character.isalnum() for character in text)
    else:
        assert all(one.isalnum() or one in "_ " for one in question.keywords)
        question.text.encode()


@pytest.mark.parametrize(
    ("text", "keywords", "cut"),
    [
        pytest.param('+a -b "c d" e:f^2 (g', "a b c d e f 2 g", False, id="syntax is no word"),
        pytest.param("cell " * 9, "cell cell cell cell", True, id="four repeats at most"),
        pytest.param("x" * 41 + " y", "y", True, id="a word too long for the index"),
        pytest.param("", "", False, id="nothing"),
    ],
)
def test_keywords(text: str, keywords: str, cut: bool) -> None:  # noqa: FBT001 - a column of the table
    found, note = keywords_of(text)
    assert found == keywords
    assert bool(note) == cut


def test_a_long_text_is_searched_by_its_first_words() -> None:
    found, note = keywords_of(" ".join(f"w{number}" for number in range(30_000)))
    assert len(found.split()) == 128
    assert "128 words" in note


def test_blending_uses_the_cosines_of_what_only_keywords_found() -> None:
    """So that a word match of another topic does not win."""
    first = FirstStages(dense=[hit("near", 0.6, 0.6)], bm25=[hit("far", 10, 0.1), hit("also", 5, 0.5)])
    assert [one.chunk_id for one in fuse(first, "blend")] == ["also", "near", "far"]


def test_a_stage_that_was_skipped_does_not_count() -> None:
    only = FirstStages(dense=None, bm25=[hit("a", 4, None), hit("b", 2, None)])
    for fusion in get_args(Fusion):
        assert [one.chunk_id for one in fuse(only, fusion)] == ["a", "b"]
    assert fuse(FirstStages(dense=[], bm25=[]), "blend") == []


async def test_stages_are_timed_in_the_order_they_begin() -> None:
    clock = ManualClock()
    stages = Stages(clock, 10)

    async def work(seconds: float) -> list[int]:
        clock.advance(seconds)
        return [1, 2]

    assert await stages.attempt("first", lambda: work(0.25)) == [1, 2]
    with stages.computing("second") as done:
        clock.advance(0.5)
        done([1])
    assert [(one.name, one.duration_ms, one.count) for one in stages.reports] == [
        ("first", 250, 2),
        ("second", 500, 1),
    ]
