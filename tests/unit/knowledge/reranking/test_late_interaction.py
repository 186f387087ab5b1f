"""Question and document read apart, compared token by token."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import closing

import pytest

from buttress.knowledge.embedding.embedder import OnnxEmbedder
from buttress.knowledge.ports import Reranker, TokenEmbedder, Vectors
from buttress.knowledge.reranking.late_interaction import LateInteraction
from buttress.knowledge.search_types import Reranking
from buttress.knowledge.settings import RerankerSettings
from buttress.testing.contracts.reranker import DOCUMENTS, MAX_TOKENS, QUERY, RerankerContract
from buttress.testing.embedding import HashedWords


class Counting(HashedWords):
    """Knows how many texts were read."""

    def __init__(self) -> None:
        super().__init__(dimensions=512)
        self.texts_read = 0

    def token_vectors(self, ids: Sequence[int]) -> Vectors:
        """See `TokenEmbedder.token_vectors`."""
        self.texts_read += 1
        return super().token_vectors(ids)


def late(model: TokenEmbedder, keep_bytes: int = 1_000_000) -> LateInteraction:
    settings = RerankerSettings(max_tokens=MAX_TOKENS, threads=2, keep_bytes=keep_bytes)
    return LateInteraction("late", model, settings)


class TestOfWords(RerankerContract):
    """Over words that are near to themselves alone."""

    @pytest.fixture
    def reranker(self) -> Iterator[Reranker]:
        """Return it."""
        with closing(late(HashedWords(512))) as reranker:
            yield reranker


class TestOfThePackagedModel(RerankerContract):
    """Over all-MiniLM-L6-v2."""

    @pytest.fixture
    async def reranker(self, embedder: OnnxEmbedder) -> AsyncIterator[Reranker]:
        """Return it."""
        with closing(late(embedder)) as reranker:
            yield reranker


async def test_a_document_is_read_once_for_every_question() -> None:
    model = Counting()
    with closing(late(model)) as reranker:
        first = await reranker.rerank(Reranking(query=QUERY, documents=DOCUMENTS))
        other = await reranker.rerank(Reranking(query="the moon", documents=DOCUMENTS))
        again = await reranker.rerank(Reranking(query=QUERY, documents=DOCUMENTS))
        cut = await reranker.rerank(Reranking(query=QUERY, documents=DOCUMENTS, max_tokens=3))
        assert reranker.kept_bytes > 0
    assert model.texts_read == (1 + 4) + 1 + 1 + (1 + 4)  # a shorter window is another reading
    assert first == again
    assert other.scores[2] == max(other.scores)
    assert cut.truncated == [0, 1, 2, 3]


async def test_what_was_kept_scores_as_what_was_not(embedder: OnnxEmbedder) -> None:
    """To the last digit; and in half the bytes it is as near as can be."""
    asked = Reranking(query=QUERY, documents=DOCUMENTS)
    with closing(late(embedder)) as keeping, closing(late(embedder, keep_bytes=0)) as forgetting:
        kept = [await keeping.rerank(asked) for _ in range(2)]
        assert kept == [await forgetting.rerank(asked) for _ in range(2)]
        assert forgetting.kept_bytes == 0


async def test_meaning_counts_without_a_shared_word(embedder: OnnxEmbedder) -> None:
    documents = ["The moon rises at nine.", "Refunds are paid within a month.", "Our office has a garden."]
    with closing(late(embedder)) as reranker:
        done = await reranker.rerank(Reranking(query="get my money back", documents=documents))
    assert done.scores[1] == max(done.scores)


async def test_a_call_that_is_left_reads_no_more() -> None:
    model = Counting()
    documents = [f"{at} " + "word " * 1_000 for at in range(500)]
    with closing(late(model)) as reranker:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await reranker.rerank(Reranking(query=QUERY, documents=documents))
        await reranker.rerank(Reranking(query=QUERY, documents=[]))
    assert model.texts_read < 20
