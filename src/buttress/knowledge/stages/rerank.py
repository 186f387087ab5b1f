"""Re-ranking: what the first stages liked best is looked at again, question and passage together."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from math import isfinite

from buttress.kernel.ids import ChunkId
from buttress.knowledge.errors import RerankerBroken
from buttress.knowledge.ports import FoundRows, Reranker, StageReranker
from buttress.knowledge.search_types import Hit, Reranking
from buttress.knowledge.stages.running import Stages


class ModelReranker:
    """A `StageReranker` of any `Reranker`, which `opened` opens when it is needed: it reads the texts."""

    def __init__(self, opened: Callable[[], Awaitable[Reranker]]) -> None:
        self._opened = opened

    async def scores(self, question: str, hits: Sequence[Hit], table: FoundRows) -> Mapping[ChunkId, float]:
        """See `StageReranker.scores`."""
        reranker = await self._opened()
        documents = [one.searched for one in await table.candidates(hits)]
        done = await reranker.rerank(Reranking(query=question, documents=documents))
        return dict(zip((one.chunk_id for one in hits), done.scores, strict=True))


async def rerank(
    reranker: StageReranker | None, question: str, hits: Sequence[Hit], table: FoundRows, stages: Stages
) -> Mapping[ChunkId, float] | None:
    """Return the re-ranker's scores of `hits`; None, and a report that says why, when there are none."""
    return await stages.attempt("rerank", partial(scores_of, reranker, question, hits, table))


async def scores_of(
    reranker: StageReranker | None, question: str, hits: Sequence[Hit], table: FoundRows
) -> Mapping[ChunkId, float]:
    """Return the re-ranker's scores of `hits`.

    Raises:
        RerankerBroken: there is no re-ranker, or what it gave are no scores; whatever it raises besides.
    """
    if reranker is None:
        raise RerankerBroken("there is no such re-ranker here")
    if not hits:
        return {}
    scores = await reranker.scores(question, hits, table)
    if not scores:
        raise RerankerBroken(f"none of {len(hits)} passages could be re-ranked")
    if not all(isfinite(one) for one in scores.values()):
        raise RerankerBroken("the re-ranker gave a score that is no number")
    return scores
