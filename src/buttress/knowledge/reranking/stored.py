"""Late interaction within a search: the question's tokens against those that were stored with each chunk."""

import asyncio
from collections.abc import Mapping, Sequence

from buttress.kernel.ids import ChunkId
from buttress.knowledge.errors import RerankerBroken
from buttress.knowledge.ports import Embedder, FoundRows, TokenEmbedder
from buttress.knowledge.reranking.reduced import similarities
from buttress.knowledge.reranking.windows import windowed
from buttress.knowledge.search_types import Hit

_INGEST = "ingest the knowledge base first"
_HINT = "Token vectors are stored by the first ingest after a search says `rerank: late`."


class StoredReranker:
    """A `StageReranker`: a document is not read again, only the question is."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    async def scores(self, question: str, hits: Sequence[Hit], table: FoundRows) -> Mapping[ChunkId, float]:
        """See `StageReranker.scores`."""
        embedder = token_embedder(self._embedder)
        if embedder is None:
            raise RerankerBroken(f"{self._embedder.name} gives no vectors of tokens: it cannot re-rank")
        stored = await table.tokens(hits)
        if hits and not stored:
            raise RerankerBroken(
                f"no token vectors are stored of {len(hits)} passages: {_INGEST}", hint=_HINT
            )
        scores = await asyncio.to_thread(compared, embedder, question, list(stored.values()))
        return dict(zip(stored, scores, strict=True))


def token_embedder(embedder: Embedder) -> TokenEmbedder | None:
    """Return `embedder` if it gives vectors of tokens."""
    return embedder if isinstance(embedder, TokenEmbedder) and embedder.gives_tokens else None


def compared(embedder: TokenEmbedder, question: str, stored: Sequence[bytes]) -> list[float]:
    """Return how well each of `stored` texts answers `question`, 0 to 1; see `similarities`. Blocking."""
    ids = windowed(embedder.token_ids(question), embedder.max_tokens)
    return similarities(embedder.token_vectors(ids), stored)
