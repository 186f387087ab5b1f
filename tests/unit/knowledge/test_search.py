"""The stages of a search."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import get_args

import msgspec
import numpy as np
import pytest

from buttress.kernel.clock import SystemClock
from buttress.kernel.ids import ChunkId
from buttress.kernel.scope import Scope
from buttress.knowledge.errors import EmbedderBroken, SearchFailed
from buttress.knowledge.index.tables import open_index
from buttress.knowledge.ports import FoundRows, StageReranker, Vectors
from buttress.knowledge.search import NO_RERANKERS, Searcher
from buttress.knowledge.search_types import Hit, Query
from buttress.knowledge.settings import EngineSettings
from buttress.knowledge.types import FolderSource, Fusion, KnowledgeBase, Rerank, SearchSettings
from buttress.testing.documents import Written, rows_of_all
from buttress.testing.embedding import HashedWords

BASE = KnowledgeBase(name="garden", sources=(FolderSource(folder="garden", readers=("*",)),))
PATIENT = EngineSettings(stage_timeout_s=30, call_timeout_s=60)
ROSES = Written(path="roses.md", texts=("Roses want sun.", "They are cut in March.", "Roses are old."))
NONSENSE = [f"q{one}{other}x" for one in "abcdefghijkl" for other in "abcdefghijkl"]
MOSS = Written(path="moss.md", texts=("Moss wants shade, roses want sun.",))


class NoNumbers(HashedWords):
    """An embedder that gives what is no number."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See `Embedder.embed`."""
        return super().embed(texts) * np.float32("nan")


class Longer(HashedWords):
    """An embedder whose vectors are longer than it says."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See `Embedder.embed`."""
        return np.concatenate([super().embed(texts)] * 2, axis=1)


class Likes:
    """A re-ranker that likes the passages with a word in them."""

    def __init__(self, word: str, score: float = 1.0) -> None:
        self._word = word
        self._score = score
        self.asked: list[int] = []
        self.longest = 0

    async def scores(self, question: str, hits: Sequence[Hit], table: FoundRows) -> Mapping[ChunkId, float]:
        """See `StageReranker.scores`."""
        self.longest = max(self.longest, len(question))
        self.asked.append(len(hits))
        found = await table.candidates(hits)
        return {one.passage.chunk_id: self._score * (self._word in one.passage.text) for one in found}


class Never:
    """A re-ranker that does not come to an end."""

    async def scores(self, question: str, hits: Sequence[Hit], table: FoundRows) -> Mapping[ChunkId, float]:
        """See `StageReranker.scores`."""
        del question, hits, table
        await asyncio.Event().wait()
        return {}


class BrokenWords(HashedWords):
    """An embedder that cannot run."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See `Embedder.embed`."""
        raise EmbedderBroken(f"no vectors for {len(texts)} texts today")


async def searcher(
    folder: Path,
    *written: Written,
    embedder: HashedWords | None = None,
    rerankers: Mapping[Rerank, StageReranker] = NO_RERANKERS,
    settings: EngineSettings = PATIENT,
) -> Searcher:
    """Return one that searches these documents."""
    working = HashedWords()
    index = await open_index(folder)
    table = await index.make("garden", working.fingerprint, working.dimensions)
    await table.replace(rows_of_all(written, working))
    return Searcher(index, embedder or working, SystemClock(), settings, rerankers)


def declared(**settings: object) -> KnowledgeBase:
    """Return the garden, searched with these settings."""
    return KnowledgeBase(
        name="garden", sources=BASE.sources, search=msgspec.convert(settings, SearchSettings)
    )


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


@pytest.mark.parametrize(
    ("embedder", "why"),
    [
        pytest.param(NoNumbers(), "gave what is no number, for the question", id="NaN"),
        pytest.param(Longer(), "gave 128 numbers, not 64, for the question", id="another dimension"),
    ],
)
async def test_a_vector_that_is_none_leaves_keywords(tmp_path: Path, embedder: HashedWords, why: str) -> None:
    """The report says what the model did."""
    engine = await searcher(tmp_path, ROSES, embedder=embedder)
    found = await engine.search(BASE, query("roses"))
    assert [one.document for one in found.passages] == ["roses.md", "roses.md"]
    (skipped,) = (one for one in found.stages if one.skipped)
    assert skipped.name == "embed"
    assert why in skipped.note


async def test_a_re_ranker_changes_the_order(tmp_path: Path) -> None:
    """It looks at as many as it should, and its report stands among the others'."""
    likes = Likes("March")
    engine = await searcher(tmp_path, ROSES, MOSS, rerankers={"late": likes})
    base = declared(rerank="late", rerank_depth=3, rerank_share=0.9, dense_share=1)
    found = await engine.search(base, query("when are roses cut"))
    assert found.passages[0].text == "They are cut in March."
    assert likes.asked == [3]
    assert found.standings[0].rerank_rank == 1
    assert found.standings[0].fused_rank > 1
    names = [one.name for one in found.stages]
    assert names == ["open", "embed", "dense", "bm25", "fuse", "rerank", "dedup", "vocabulary", "words"]


@pytest.mark.parametrize(
    ("rerankers", "why"),
    [
        pytest.param({"late": Never()}, "took longer than 0.05 s", id="late"),
        pytest.param({}, "no such re-ranker", id="none there"),
        pytest.param({"late": Likes("roses", float("nan"))}, "no number", id="NaN"),
    ],
)
async def test_a_re_ranker_that_fails_leaves_the_fused_order(
    tmp_path: Path, rerankers: Mapping[Rerank, StageReranker], why: str
) -> None:
    """With the scores of that order; the report says why."""
    settings = msgspec.structs.replace(PATIENT, rerank_timeout_s=0.05)
    engine = await searcher(tmp_path, ROSES, MOSS, rerankers=rerankers, settings=settings)
    plain = await engine.search(BASE, query("roses"))
    found = await engine.search(declared(rerank="late", calibration=[0, 1]), query("roses"))
    (skipped,) = (one for one in found.stages if one.skipped)
    assert skipped.name == "rerank"
    assert why in skipped.note
    assert found.passages == plain.passages


async def test_scores_are_probabilities_in_the_order_of_the_ranking(tmp_path: Path) -> None:
    """By the knowledge base's own numbers where it has any."""
    engine = await searcher(tmp_path, ROSES, MOSS)
    found = await engine.search(declared(calibration=[-1, 2]), query("roses want sun"))
    scores = [one.score for one in found.passages]
    assert scores == sorted(scores, reverse=True)
    logits = [-1 + 2 * one.fused_score for one in found.standings]
    assert scores == pytest.approx([1 / (1 + np.exp(-one)) for one in logits])


async def test_the_least_score_is_asked_of_the_last_score_alone(tmp_path: Path) -> None:
    """What the fused order thought little of is not lost before it is re-ranked."""
    engine = await searcher(tmp_path, ROSES, MOSS, rerankers={"late": Likes("March")})
    base = declared(rerank="late", rerank_share=1, calibration=[-4, 8], min_score=0.9)
    found = await engine.search(base, query("roses want sun"))
    assert [one.text for one in found.passages] == ["They are cut in March."]
    assert (found.stages[-1].name, found.stages[-1].count) == ("threshold", 1)
    assert len(found.standings) == 1
    nothing = await engine.search(declared(calibration=[-9, 1], min_score=0.9), query("roses"))
    assert (nothing.passages, nothing.standings) == ((), ())


async def test_no_more_of_a_document_than_is_declared(tmp_path: Path) -> None:
    """Others come up."""
    engine = await searcher(tmp_path, ROSES, MOSS)
    found = await engine.search(declared(per_document=1), query("roses"))
    assert sorted(one.document for one in found.passages) == ["moss.md", "roses.md"]


async def test_diversity_lets_what_is_different_in(tmp_path: Path) -> None:
    """By the vectors that are stored."""
    alike = tuple(f"roses want sun and {word}" for word in ("water", "rain", "light"))
    engine = await searcher(tmp_path, Written(path="a.md", texts=alike), ROSES)
    plain = await engine.search(declared(dense_share=1), query("roses want sun", limit=2))
    mixed = await engine.search(declared(dense_share=1, diversity=0.9), query("roses want sun", limit=2))
    assert mixed.passages[0] == plain.passages[0]
    assert mixed.passages[1] != plain.passages[1]
    scores = [one.score for one in mixed.passages]
    assert scores == sorted(scores, reverse=True)


async def test_neighbours_are_merged_where_that_is_declared(tmp_path: Path) -> None:
    """Exactly the characters of the document; figures are those of what was merged."""
    engine = await searcher(tmp_path, ROSES)
    found = await engine.search(declared(merge=True), query("roses cut march sun old"))
    (one,) = found.passages
    text = "\n".join(ROSES.texts)
    assert one.text == text == text[one.start : one.end]
    assert one.coverage == 1
    assert len(found.standings) == 1
    assert "merge" in [stage.name for stage in found.stages]


@pytest.mark.parametrize(
    "question",
    [
        pytest.param("Which layoffs reach roses?", id="a word of it"),
        pytest.param(f"{' '.join(NONSENSE[:20])} roses layoffs", id="behind more than are looked up"),
        pytest.param(f"{' '.join(NONSENSE)} roses layoffs", id="behind more than are looked at"),
    ],
)
async def test_nothing_tells_whether_others_documents_hold_a_word(tmp_path: Path, question: str) -> None:
    """Of words that the asker sees in no text, nothing depends on what stands in the others."""
    found = []
    for told in ("Layoffs come in May.", "Parades come in May."):
        hidden = Written(path="board.md", texts=(told,) * 3, readers=("group:board",))
        searching = await searcher(tmp_path / told, ROSES, MOSS, hidden)
        found.append(await searching.search(BASE, query(question)))
    assert found[0].passages == found[1].passages
    assert found[0].asked == found[1].asked
    assert found[0].standings == found[1].standings


@pytest.mark.parametrize("who", [frozenset[str](), frozenset({"group:board"})])
async def test_words_are_looked_up_in_what_the_asker_sees(tmp_path: Path, who: frozenset[str]) -> None:
    """In any form that the index knows, also where no passage that is returned holds them."""
    ferns = Written(
        path="ferns.md", texts=("Generous watering of ferns at the café.", "Ferns 4.5.6, for 2.10 each.")
    )
    hidden = Written(path="board.md", texts=("Layoffs come in May.",), readers=("group:board",))
    searching = await searcher(tmp_path, ROSES, ferns, hidden)
    text = "Roses want sun. Roses want sun: layoffs generously watered near a cafe of zebras 4.5.6 7.5.6 2.10"
    asked = Query(knowledge="garden", text=text, scope=Scope("green", who), limit=1)
    found = await searching.search(BASE, asked)
    assert [one.document for one in found.passages] == ["roses.md"]
    assert {one.text: one.is_known for one in found.asked} == {
        "roses": True,
        "sun": True,
        "layoffs": bool(who),
        "generously": True,
        "watered": True,
        "near": False,
        "cafe": True,
        "zebras": False,
        "4.5.6": True,
        "7.5.6": False,
        "2.1": True,
    }


async def test_names_with_quotes_are_names(tmp_path: Path) -> None:
    """Of a tenant, and of a reader: they find what is theirs, and nothing else."""
    odd = "o'brien\" OR 1=1; --"
    theirs = Written(path="b.md", tenant=odd, readers=(f"user:{odd}",), texts=("Roses of theirs.",))
    engine = await searcher(tmp_path, ROSES, theirs)
    asked = Query(knowledge="garden", text="roses", scope=Scope(odd, frozenset({f"user:{odd}"})))
    assert [one.document for one in (await engine.search(BASE, asked)).passages] == ["b.md"]
    other = msgspec.structs.replace(asked, scope=Scope(odd, frozenset({"user:o'brien"})))
    assert (await engine.search(BASE, other)).passages == ()


async def test_the_evidence_is_all_that_a_ranking_is_decided_on(tmp_path: Path) -> None:
    """The re-ranker has looked at every hit of both lists, whatever its depth."""
    engine = await searcher(tmp_path, ROSES, MOSS, rerankers={"late": Likes("March")})
    base = declared(rerank="late", rerank_depth=1)
    evidence = await engine.evidence(base, query("roses cut"))
    hits = {one.chunk_id for one in (*(evidence.first.dense or ()), *(evidence.first.bm25 or ()))}
    assert evidence.reranked is not None
    assert hits == set(evidence.passages) == set(evidence.reranked)
    assert (await engine.evidence(BASE, query("roses"))).reranked is None
    with pytest.raises(SearchFailed, match=r"rerank: knowledge\.reranker_broken"):
        await engine.evidence(declared(rerank="model"), query("roses"))


async def test_a_hundred_kilobytes_are_asked_by_their_beginning(tmp_path: Path) -> None:
    """Of words and of the re-ranker; nothing is skipped."""
    likes = Likes("March")
    engine = await searcher(tmp_path, ROSES, rerankers={"late": likes})
    text = "roses " + " ".join(f"word{number}" for number in range(12_000))
    found = await engine.search(declared(rerank="late"), query(text))
    assert len(text) > 100_000
    assert found.passages
    assert not any(one.skipped for one in found.stages)
    assert likes.longest == 20_000


async def test_when_there_is_no_time_to_choose_the_first_are_returned(tmp_path: Path) -> None:
    """As they stand, copies among them; what could not be weighed counts the same."""
    hasty = EngineSettings(
        stage_timeout_s=1e-9, embed_timeout_s=30, dense_timeout_s=30, bm25_timeout_s=30, call_timeout_s=60
    )
    copy = msgspec.structs.replace(ROSES, path="copy.md")
    engine = await searcher(tmp_path, ROSES, copy, settings=hasty)
    whole = await engine.search(BASE, query("roses, giraffes"))
    found = await engine.search(BASE, query("roses, giraffes", limit=3))
    assert {one.name for one in found.stages if one.skipped} == {"dedup", "vocabulary", "words"}
    assert (len(whole.passages), len(found.passages)) == (3, 3)
    assert len({one.text for one in found.passages}) < 3
    assert found.asked == ()
    assert [one.count for one in found.stages if one.name == "read"] == [3]


@pytest.mark.slow
async def test_a_stage_that_hangs_in_the_first_search_leaves_time_for_the_rest(tmp_path: Path) -> None:
    """The first search is given more time; half of a call at most for one stage."""
    settings = EngineSettings(stage_timeout_s=0.05, call_timeout_s=4)
    engine = await searcher(tmp_path, ROSES, rerankers={"late": Never()}, settings=settings)
    found = await engine.search(declared(rerank="late"), query("roses"))
    assert found.passages
    assert [one.note for one in found.stages if one.name == "rerank"] == ["took longer than 2 s"]
