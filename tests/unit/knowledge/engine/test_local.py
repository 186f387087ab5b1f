"""The engine in this process."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from aiohttp import web

from buttress.kernel.clock import SystemClock
from buttress.knowledge.engine.local import EngineParts, LocalEngine
from buttress.knowledge.errors import EmbedderMissing, EngineBusy, EngineTimeout, UnknownKnowledge
from buttress.knowledge.ports import Embedder, Engine, Vectors
from buttress.knowledge.search_types import Reranking
from buttress.knowledge.settings import EngineSettings, RerankerSettings
from buttress.knowledge.types import Rerank, SearchSettings
from buttress.testing.contracts.engine import KNOWLEDGE, EngineContract, ask, fill_index, local_engine
from buttress.testing.embedding import HashedWords, SlowWords
from tests.unit.knowledge.reranking.serving import service
from tests.waiting import until


class TestLocalEngine(EngineContract):
    """In this process."""

    @pytest.fixture
    async def engine(self, tmp_path: Path) -> Engine:
        """Return an engine over a filled index."""
        embedder = HashedWords()
        await fill_index(tmp_path / "index", embedder)
        return local_engine(tmp_path / "index", embedder)


@pytest.mark.slow
async def test_more_than_may_wait_are_refused_at_once(tmp_path: Path) -> None:
    """One runs, one waits, the third hears that it is busy; the first two are answered."""
    embedder = SlowWords()
    engine = local_engine(tmp_path, embedder, EngineSettings(max_running=1, max_waiting=1))
    await engine.warm()
    async with asyncio.TaskGroup() as group:
        first = group.create_task(engine.embed(["a"]))
        second = group.create_task(engine.embed(["b"]))

        async def one_waits() -> bool:
            return (await engine.status()).waiting == 1

        await until(one_waits)
        with pytest.raises(EngineBusy) as busy:
            await engine.embed(["c"])
        assert busy.value.retryable
        embedder.may_go_on.set()
    assert len(first.result().vectors) == len(second.result().vectors) == 1
    assert (await engine.status()).running == 0


async def test_sentences_that_are_ranked_again_are_not_embedded_again(tmp_path: Path) -> None:
    embedder = HashedWords()
    engine = local_engine(tmp_path, embedder)
    sentences = ["Roses want sun.", "Moss wants shade."]
    first = await engine.rank_sentences("What does moss want?", sentences)
    embedder.embedded.clear()
    assert await engine.rank_sentences("What does moss want?", sentences) == first
    assert embedder.embedded == ["What does moss want?"]


class SlowTokens(HashedWords):
    """Reads no document to be re-ranked until it may; searches are not slowed down."""

    def __init__(self) -> None:
        super().__init__()
        self.may_go_on = threading.Event()

    def token_vectors(self, ids: Sequence[int]) -> Vectors:
        """See `TokenEmbedder.token_vectors`."""
        self.may_go_on.wait(20)
        return super().token_vectors(ids)


async def test_re_ranking_stands_in_a_line_of_its_own(tmp_path: Path) -> None:
    """However much is re-ranked, others are answered; and of what is too much it is said at once."""
    embedder, asked = SlowTokens(), Reranking(query="a", documents=["b"] * 8)
    engine = local_engine(tmp_path, embedder, EngineSettings(max_running=1, max_waiting=1, call_timeout_s=30))
    await engine.warm()
    async with asyncio.TaskGroup() as group:
        calls = [group.create_task(engine.rerank(asked)) for _ in range(2)]

        async def one_waits() -> bool:
            return (await engine.status()).waiting == 1

        await until(one_waits)
        with pytest.raises(EngineBusy):
            await engine.rerank(asked)
        assert await engine.rank_sentences("a", ["a"]) == pytest.approx([1.0])
        embedder.may_go_on.set()
    assert calls[0].result() == calls[1].result()
    engine.close()


async def test_re_ranking_has_its_time_and_no_more(tmp_path: Path) -> None:
    embedder = SlowTokens()
    engine = local_engine(tmp_path, embedder, EngineSettings(call_timeout_s=0.05))
    with pytest.raises(EngineTimeout, match=r"0\.05 s"):
        await engine.rerank(Reranking(query="a", documents=["b"]))
    embedder.may_go_on.set()
    engine.close()


async def test_the_first_search_says_how_long_it_took_to_load(tmp_path: Path) -> None:
    """A slow first answer explains itself; every search says how long its table took to open."""
    embedder = HashedWords()
    await fill_index(tmp_path, embedder)
    engine = local_engine(tmp_path, embedder)
    first, second = [(await engine.search(ask("roses"))).stages for _ in range(2)]
    assert [one.name for one in first] == ["load", *(one.name for one in second)]
    assert second[0].name == "open"
    assert all(one.duration_ms > 0 for one in (first[0], second[0]))


async def test_what_was_taken_out_of_the_project_is_not_searched(tmp_path: Path) -> None:
    """Though its rows are there until the next ingest."""
    declared, embedder = {"garden"}, HashedWords()
    await fill_index(tmp_path, embedder)

    async def loaded() -> Embedder:
        return embedder

    parts = EngineParts(
        index_folder=tmp_path,
        knowledge=KNOWLEDGE,
        embedder=loaded,
        clock=SystemClock(),
        declared=lambda base: base if base.name in declared else None,
    )
    engine = LocalEngine(parts)
    assert (await engine.search(ask("roses"))).passages
    declared.clear()
    with pytest.raises(UnknownKnowledge, match="`garden`; there are: none"):
        await engine.search(ask("roses"))


async def test_loading_is_no_part_of_the_time_of_a_call(tmp_path: Path) -> None:
    """However long it takes, the first call is answered."""

    async def loaded() -> Embedder:
        await asyncio.sleep(0.45)
        return HashedWords()

    settings = EngineSettings(call_timeout_s=0.4)
    parts = EngineParts(
        index_folder=tmp_path, knowledge=KNOWLEDGE, embedder=loaded, clock=SystemClock(), settings=settings
    )
    assert len((await LocalEngine(parts).embed(["a"])).vectors) == 1


async def test_a_call_that_takes_too_long_ends_with_its_number(tmp_path: Path) -> None:
    """And the engine goes on."""
    embedder = SlowWords()
    engine = local_engine(tmp_path, embedder, EngineSettings(call_timeout_s=0.05))
    await engine.warm()
    with pytest.raises(EngineTimeout, match=r"0\.05 s"):
        await engine.embed(["a"])
    embedder.may_go_on.set()
    assert len((await engine.embed(["a"])).vectors) == 1


async def test_a_late_model_costs_a_search_its_dense_stage_only(tmp_path: Path) -> None:
    """Keywords still find, and the report says what was left out."""
    await fill_index(tmp_path, HashedWords())
    embedder = SlowWords()
    embedder.may_go_on.set()
    engine = local_engine(tmp_path, embedder, EngineSettings(stage_timeout_s=0.3))
    await engine.search(ask("the first search loads code and files, and may take longer"))
    embedder.may_go_on.clear()
    found = await engine.search(ask("roses"))
    embedder.may_go_on.set()
    assert [one.document for one in found.passages] == ["roses.md"]
    embed = found.stages[1]
    assert embed.skipped
    assert "0.3 s" in embed.note
    names = ["open", "embed", "bm25", "fuse", "dedup", "vocabulary", "words"]
    assert [one.name for one in found.stages] == names


async def test_a_model_that_is_missing_is_tried_again(tmp_path: Path) -> None:
    """Installed meanwhile, it works without a restart."""
    tries: list[int] = []

    async def load() -> Embedder:
        tries.append(1)
        if len(tries) == 1:
            raise EmbedderMissing("not there yet")
        return HashedWords()

    engine = LocalEngine(
        EngineParts(index_folder=tmp_path, knowledge=KNOWLEDGE, embedder=load, clock=SystemClock())
    )
    with pytest.raises(EmbedderMissing):
        await engine.embed(["a"])
    assert len((await engine.embed(["a"])).vectors) == 1


@pytest.mark.slow
def test_who_only_asks_an_engine_loads_nothing_heavy() -> None:
    """A call worker stays small."""
    program = (
        "import sys, buttress.knowledge.engine.client, buttress.knowledge.ports, buttress.knowledge.types, "
        "buttress.knowledge.search_types, buttress.knowledge.settings, buttress.knowledge.errors\n"
        "print(sorted(set(sys.modules) & {'lancedb', 'pyarrow', 'onnxruntime', 'tokenizers', 'numpy'}))"
    )
    output = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert output.stdout == "[]\n"


@pytest.mark.slow
def test_nothing_heavy_is_loaded_before_it_is_needed() -> None:
    """The modules of the engine and of ingest load LanceDB and the model's runtime inside functions."""
    program = (
        "import sys, buttress.knowledge.engine.local, buttress.knowledge.embedding.embedder\n"
        "import buttress.knowledge.syncing.ingest\n"
        "print(sorted(set(sys.modules) & {'lancedb', 'pyarrow', 'onnxruntime', 'tokenizers', 'numpy'}))"
    )
    output = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert output.stdout == "[]\n"


@pytest.mark.parametrize(
    ("rerank", "note"),
    [
        pytest.param("model", "", id="a model that reads the texts"),
        pytest.param("late", "no token vectors are stored", id="token vectors that were not stored"),
    ],
)
async def test_a_search_is_re_ranked_as_its_knowledge_base_says(
    tmp_path: Path, rerank: Rerank, note: str
) -> None:
    """By the model of the settings, in the search's own time."""
    embedder = HashedWords()
    await fill_index(tmp_path, embedder)

    async def loaded() -> Embedder:
        return embedder

    garden = msgspec.structs.replace(KNOWLEDGE["garden"], search=SearchSettings(rerank=rerank))
    parts = EngineParts(
        index_folder=tmp_path, knowledge={"garden": garden}, embedder=loaded, clock=SystemClock()
    )
    with closing(LocalEngine(parts)) as engine:
        found = await engine.search(ask("when are roses cut back"))
    (report,) = (one for one in found.stages if one.name == "rerank")
    assert found.passages[0].document == "roses.md"
    assert report.skipped == bool(note)
    assert note in report.note
    assert (found.standings[0].rerank_rank is None) == bool(note)


async def test_a_service_that_re_ranks_is_asked_with_its_key(tmp_path: Path) -> None:
    """The settings hold a reference; what it leads to is looked up when it is needed."""
    embedder, keys = HashedWords(), list[str | None]()
    await fill_index(tmp_path, embedder)

    async def loaded() -> Embedder:
        return embedder

    async def answer(request: web.Request) -> web.Response:
        keys.append(request.headers.get("Authorization"))
        count = len((await request.json())["documents"])
        results = [{"index": place, "relevance_score": place / count} for place in range(count)]
        return web.json_response({"results": results})

    async with service(answer) as url:
        search = SearchSettings(rerank="model", rerank_share=1)
        parts = EngineParts(
            index_folder=tmp_path,
            knowledge={"garden": msgspec.structs.replace(KNOWLEDGE["garden"], search=search)},
            embedder=loaded,
            clock=SystemClock(),
            reranker=RerankerSettings(model=url, key="env:RANKER"),
            secret={"env:RANKER": "k1"}.__getitem__,
        )
        with closing(LocalEngine(parts)) as engine:
            found = await engine.search(ask("when are roses cut back"))
    assert keys == ["Bearer k1"]
    assert found.standings[0].fused_rank == len(found.passages)
    assert not any(one.skipped for one in found.stages)
