"""Re-rankers for who measures: passages are read anew, but no more of them than any recipe looks at."""

import asyncio
from collections.abc import Mapping, Sequence

from buttress.kernel.ids import ChunkId
from buttress.knowledge.errors import RerankerBroken
from buttress.knowledge.ports import Embedder, FoundRows, StageReranker, TokenEmbedder
from buttress.knowledge.reranking.reduced import reduced
from buttress.knowledge.reranking.stored import compared, token_embedder
from buttress.knowledge.search_types import Hit

LOOKED_AT = 100
"""Of the hits of a query so many are read, the best: each takes as long as embedding it."""


class OfTheBest:
    """A `StageReranker` that shows another one the first `LOOKED_AT` hits, which are the best."""

    def __init__(self, reranker: StageReranker) -> None:
        self._reranker = reranker

    async def scores(self, question: str, hits: Sequence[Hit], table: FoundRows) -> Mapping[ChunkId, float]:
        """See `StageReranker.scores`."""
        return await self._reranker.scores(question, hits[:LOOKED_AT], table)


class ReadingReranker:
    """A `StageReranker` that gives the scores of stored token vectors, which may not be there yet.

    Each text is read once.
    """

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._read: dict[str, bytes] = {}

    async def scores(self, question: str, hits: Sequence[Hit], table: FoundRows) -> Mapping[ChunkId, float]:
        """See `StageReranker.scores`."""
        model = token_embedder(self._embedder)
        if model is None:
            raise RerankerBroken(f"{self._embedder.name} gives no vectors of tokens: it cannot re-rank")
        candidates = await table.candidates(hits)
        texts = [one.searched for one in candidates]
        scores = await asyncio.to_thread(self._compared, model, question, texts)
        return dict(zip((one.passage.chunk_id for one in candidates), scores, strict=True))

    def _compared(self, model: TokenEmbedder, question: str, texts: Sequence[str]) -> list[float]:
        unread = [text for text in dict.fromkeys(texts) if text not in self._read]
        if unread:
            _, tokens = model.embed_with_tokens(unread, reduced)
            self._read.update(zip(unread, tokens, strict=True))
        return compared(model, question, [self._read[one] for one in texts])
