"""An engine whose event loop lives while its searches fail."""

import asyncio
from collections.abc import Callable, Sequence

import pytest

from buttress.app.engine_health import FAILING_AFTER, WatchedEngine
from buttress.kernel.clock import SystemClock
from buttress.kernel.scope import Scope
from buttress.knowledge.errors import EngineBusy, NotIngested, QueryInvalid, SearchFailed
from buttress.knowledge.search_types import Embedded, EngineStatus, Found, Query, Reranked, Reranking
from buttress.knowledge.types import FolderSource, KnowledgeBase

ONE, OTHER = (
    KnowledgeBase(name=name, sources=(FolderSource(folder=name, readers=("*",)),))
    for name in ("one", "other")
)
QUESTION = Query(knowledge="one", text="why", scope=Scope("default", frozenset()))
BROKEN = SearchFailed("dense and BM25 took longer than 2 s")
Ends = Callable[[str], Exception | None]


class Searches:
    """An engine whose searches end as told: by the name of the knowledge base, with an error or found."""

    def __init__(self, ends: Ends) -> None:
        self.ends = ends
        self.hangs = False

    async def search(self, query: Query) -> Found:
        """See `Engine.search`."""
        if self.hangs:
            await asyncio.Event().wait()
        if error := self.ends(query.knowledge):
            raise error
        return Found((), ())

    async def rank_sentences(self, question: str, sentences: Sequence[str]) -> list[float]:
        """See `Engine.rank_sentences`."""
        del question
        return [0.0 for _ in sentences]

    async def embed(self, texts: Sequence[str]) -> Embedded:
        """See `Engine.embed`."""
        return Embedded([[] for _ in texts], 7)

    async def rerank(self, asked: Reranking) -> Reranked:
        """See `Engine.rerank`."""
        return Reranked(scores=[0.0 for _ in asked.documents], tokens=7, truncated=[])

    async def status(self) -> EngineStatus:
        """See `Engine.status`."""
        raise EngineBusy("not now")


def watched(ends: Ends, patience_s: float = 2.0) -> tuple[Searches, WatchedEngine]:
    """Return an engine, and it watched."""
    engine = Searches(ends)
    return engine, WatchedEngine(engine, SystemClock(), patience_s)


async def fail(engine: WatchedEngine, times: int = FAILING_AFTER) -> None:
    """Ask in vain."""
    for _ in range(times):
        with pytest.raises((SearchFailed, RuntimeError, QueryInvalid, NotIngested, EngineBusy)):
            await engine.search(QUESTION)


@pytest.mark.parametrize(
    ("error", "trouble"),
    [
        pytest.param(BROKEN, f"searches fail: {BROKEN.message}", id="no stage found anything"),
        pytest.param(RuntimeError("oh"), "searches fail: RuntimeError('oh')", id="a mistake"),
        pytest.param(QueryInvalid("no word"), "", id="the question's"),
        pytest.param(NotIngested("nothing"), "", id="the project's"),
        pytest.param(EngineBusy("later"), "", id="too much is asked"),
    ],
)
async def test_searches_that_fail_in_a_row_are_trouble(error: Exception, trouble: str) -> None:
    _, engine = watched(lambda _: error)
    await fail(engine, FAILING_AFTER - 1)
    assert engine.trouble == ""
    await fail(engine, 1)
    assert engine.trouble == trouble


async def test_one_that_is_answered_begins_the_count_anew() -> None:
    searches, engine = watched(lambda _: BROKEN)
    await fail(engine, FAILING_AFTER - 1)
    searches.ends = lambda _: None
    assert await engine.search(QUESTION) == Found((), ())
    searches.ends = lambda _: BROKEN
    await fail(engine, FAILING_AFTER - 1)
    assert engine.trouble == ""


@pytest.mark.parametrize(("patience_s", "is_trouble"), [(0.01, True), (60.0, False)], ids=["late", "soon"])
async def test_only_who_gives_up_late_says_something_of_the_engine(
    patience_s: float, *, is_trouble: bool
) -> None:
    searches, engine = watched(lambda _: None, patience_s)
    searches.hangs = True
    for _ in range(FAILING_AFTER):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await engine.search(QUESTION)
    assert bool(engine.trouble) is is_trouble


@pytest.mark.parametrize(
    ("ends", "is_trouble"),
    [
        pytest.param(lambda _: BROKEN, True, id="none can be searched"),
        pytest.param(lambda name: BROKEN if name == "one" else None, False, id="another one can"),
        pytest.param(lambda _: NotIngested("nothing"), False, id="there is nothing to be searched"),
        pytest.param(lambda _: None, False, id="they are back"),
    ],
)
async def test_it_goes_back_by_itself(ends: Ends, *, is_trouble: bool) -> None:
    """Nobody asks an engine that is not ready: it must ask itself."""
    searches, engine = watched(lambda _: BROKEN)
    await fail(engine)
    searches.ends = ends
    assert bool(await engine.look_again([ONE, OTHER])) is is_trouble
    assert bool(engine.trouble) is is_trouble


async def test_a_look_at_searches_that_hang_ends() -> None:
    searches, engine = watched(lambda _: BROKEN, 0.01)
    await fail(engine)
    searches.hangs = True
    async with asyncio.timeout(10):
        assert await engine.look_again([ONE, OTHER])


async def test_nothing_is_searched_without_need() -> None:
    searches, engine = watched(lambda _: BROKEN)
    searches.hangs = True
    async with asyncio.timeout(10):
        assert await engine.look_again([ONE, OTHER]) == ""


async def test_what_is_no_search_is_handed_on() -> None:
    _, engine = watched(lambda _: None)
    assert await engine.rank_sentences("why", ["a", "b"]) == [0.0, 0.0]
    assert await engine.embed(["a"]) == Embedded([[]], 7)
    reranked = await engine.rerank(Reranking(query="why", documents=["a"]))
    assert reranked == Reranked(scores=[0.0], tokens=7, truncated=[])
    with pytest.raises(EngineBusy):
        await engine.status()
