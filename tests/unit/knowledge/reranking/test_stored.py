"""Re-ranking by what was stored while a document was taken in."""

from collections.abc import Mapping, Sequence

import pytest

from buttress.kernel.ids import ChunkId
from buttress.knowledge.errors import RerankerBroken
from buttress.knowledge.ports import Embedder
from buttress.knowledge.reranking.reduced import reduced
from buttress.knowledge.reranking.stored import StoredReranker, token_embedder
from buttress.knowledge.search_types import Candidate, Hit
from buttress.testing.embedding import HashedWords

TEXTS = {"roses": "roses are cut back in march", "gloves": "gloves hang in the shed", "old": "never encoded"}
HITS = [Hit(number, ChunkId(name), 0.5, 0.5) for number, name in enumerate(TEXTS)]


class Wordless(HashedWords):
    """Gives a vector for a text, and none for its tokens."""

    gives_tokens = False


class Rows:
    """A `FoundRows`: what is stored of all texts but the last."""

    def __init__(self, embedder: HashedWords) -> None:
        _, tokens = embedder.embed_with_tokens(list(TEXTS.values()), reduced)
        self._tokens = dict(list(zip(map(ChunkId, TEXTS), tokens, strict=True))[:-1])

    async def candidates(self, hits: Sequence[Hit]) -> list[Candidate]:
        """Nobody needs to read a text."""
        raise AssertionError(hits)

    async def tokens(self, hits: Sequence[Hit]) -> Mapping[ChunkId, bytes]:
        """See `FoundRows.tokens`."""
        asked = {one.chunk_id for one in hits}
        return {one: tokens for one, tokens in self._tokens.items() if one in asked}


@pytest.fixture
def embedder() -> HashedWords:
    """Return one whose words are near to themselves alone."""
    return HashedWords(dimensions=512)


async def test_what_answers_scores_higher(embedder: HashedWords) -> None:
    """A row that nothing is stored of has no score; no document is embedded again."""
    rows = Rows(embedder)
    embedded = len(embedder.embedded)
    scores = await StoredReranker(embedder).scores("when are roses cut", HITS, rows)
    assert set(scores) == {"roses", "gloves"}
    assert 0 <= scores[ChunkId("gloves")] < scores[ChunkId("roses")] - 0.3
    assert scores[ChunkId("roses")] <= 1
    assert len(embedder.embedded) == embedded


async def test_a_score_depends_on_its_row_alone(embedder: HashedWords) -> None:
    reranker, rows = StoredReranker(embedder), Rows(embedder)
    together = await reranker.scores("roses", HITS, rows)
    for hit in HITS[:2]:
        alone = await reranker.scores("roses", [hit], rows)
        assert alone[hit.chunk_id] == pytest.approx(together[hit.chunk_id], abs=1e-5)
    assert await reranker.scores("roses", [], rows) == {}


async def test_where_nothing_is_stored_it_says_what_to_do(embedder: HashedWords) -> None:
    """The knowledge base was ingested before its search asked for it."""
    with pytest.raises(RerankerBroken, match="no token vectors are stored") as failed:
        await StoredReranker(embedder).scores("roses", HITS[2:], Rows(embedder))
    assert "rerank: late" in failed.value.hint


async def test_a_model_without_token_vectors_cannot() -> None:
    """Its name is said."""
    embedder: Embedder = Wordless()
    assert token_embedder(embedder) is None
    with pytest.raises(RerankerBroken, match="hashed words gives no vectors of tokens"):
        await StoredReranker(embedder).scores("roses", HITS, Rows(HashedWords()))
