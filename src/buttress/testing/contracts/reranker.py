"""What every `knowledge.ports.Reranker` promises."""

import asyncio

import pytest

from buttress.knowledge.ports import Reranker
from buttress.knowledge.search_types import Reranked, Reranking

QUERY = "when are roses cut back"
DOCUMENTS = [
    "Gloves hang in the shed.",
    "Roses are cut back in March.",
    "The moon is far away.",
    "Back then roses were cut when they were old; roses are patient.",
]
MAX_TOKENS = 48
"""The window that the re-ranker under test is to be set to."""


class RerankerContract:
    """Subclass it and give one fixture: `reranker`, whose window is `MAX_TOKENS`."""

    async def test_what_answers_scores_higher(self, reranker: Reranker) -> None:
        """In the order of the documents, from 0 to 1."""
        done = await reranker.rerank(Reranking(query=QUERY, documents=DOCUMENTS))
        assert len(done.scores) == len(DOCUMENTS)
        assert all(0 <= one <= 1 for one in done.scores)
        assert min(done.scores[1], done.scores[3]) > max(done.scores[0], done.scores[2])
        assert done.truncated == []

    async def test_a_score_depends_on_its_document_alone(self, reranker: Reranker) -> None:
        """Neither on the others, nor on the order, nor on what was asked before."""
        together = (await reranker.rerank(Reranking(query=QUERY, documents=DOCUMENTS))).scores
        backwards = (await reranker.rerank(Reranking(query=QUERY, documents=DOCUMENTS[::-1]))).scores
        alone = [
            (await reranker.rerank(Reranking(query=QUERY, documents=[one]))).scores[0] for one in DOCUMENTS
        ]
        again = (await reranker.rerank(Reranking(query=QUERY, documents=DOCUMENTS * 2))).scores
        assert together == backwards[::-1] == alone
        assert again == together * 2

    async def test_of_a_long_document_the_beginning_counts(self, reranker: Reranker) -> None:
        """And that is told."""
        long = "the moon is far away and old " * 40
        documents = [long, "roses", f"{long} when are roses cut back", "x" * 100_000]
        done = await reranker.rerank(Reranking(query=QUERY, documents=documents))
        assert done.scores[0] == pytest.approx(done.scores[2], abs=1e-3)
        assert {0, 2} <= set(done.truncated) <= {0, 2, 3}

    async def test_fewer_tokens_may_be_asked_for(self, reranker: Reranker) -> None:
        """Of each document."""
        documents = ["the moon is far away, when are roses cut back", "moon"]
        whole = await reranker.rerank(Reranking(query=QUERY, documents=documents))
        cut = await reranker.rerank(Reranking(query=QUERY, documents=documents, max_tokens=5))
        assert (whole.truncated, cut.truncated) == ([], [0])
        assert cut.scores[0] < whole.scores[0]
        assert cut.tokens < whole.tokens

    async def test_nothing_gives_nothing(self, reranker: Reranker) -> None:
        """No documents have no scores."""
        done = await reranker.rerank(Reranking(query=QUERY, documents=[]))
        assert (done.scores, done.truncated) == ([], [])

    async def test_any_text_can_be_scored(self, reranker: Reranker) -> None:
        """Nothing that a client sends may end a call."""
        odd = ["", " \n\t", "\0", "\ud800 half", "😀" * 10, "word " * 20_000, "\u202e\u0301"]
        for query in ("?", "\ud800", "roses " * 5_000):
            done = await reranker.rerank(Reranking(query=query, documents=odd))
            assert all(0 <= one <= 1 for one in done.scores)

    async def test_many_ask_at_once(self, reranker: Reranker) -> None:
        """Each gets the scores of its own documents."""
        asked = [
            Reranking(query=QUERY, documents=DOCUMENTS[at:] + DOCUMENTS[:at]) for at in range(4) for _ in "12"
        ]
        expected = (await reranker.rerank(Reranking(query=QUERY, documents=DOCUMENTS))).scores
        done: list[Reranked] = await asyncio.gather(*(reranker.rerank(one) for one in asked))
        for place, one in enumerate(done):
            at = place // 2
            assert one.scores == expected[at:] + expected[:at]

    async def test_it_has_a_name(self, reranker: Reranker) -> None:
        """By which clients ask it."""
        assert reranker.name
