"""Late interaction where no token vectors are stored."""

import pytest

from buttress.kernel.ids import ChunkId
from buttress.knowledge.errors import RerankerBroken
from buttress.knowledge.index.tables import Index
from buttress.knowledge.index.visibility import visible_clause
from buttress.knowledge.measuring.reading import LOOKED_AT, OfTheBest, ReadingReranker
from buttress.knowledge.search_types import Hit
from buttress.testing.embedding import HashedWords
from tests.unit.knowledge.measuring.conftest import GREEN


class OneVector(HashedWords):
    """An embedder that gives one vector a text, and none of its tokens."""

    gives_tokens = False


async def test_scores_by_the_words_in_common_each_text_read_once(garden: Index, words: HashedWords) -> None:
    table = await garden.table("garden", words.fingerprint, words.dimensions)
    hits = await table.text_search("roses moss sun shade March", visible_clause(GREEN), 10, None)
    reranker = ReadingReranker(words)
    scores = await reranker.scores("moss wants shade", hits, table)
    texts = {one.passage.chunk_id: one.passage.text for one in await table.candidates(hits)}
    assert max(scores, key=lambda one: scores[one]) == next(one for one in texts if "Moss" in texts[one])
    assert all(0 <= one <= 1 for one in scores.values())
    read = len(words.embedded)
    assert await reranker.scores("moss wants shade", hits, table) == scores
    assert len(words.embedded) == read


async def test_only_the_best_are_read(garden: Index, words: HashedWords) -> None:
    table = await garden.table("garden", words.fingerprint, words.dimensions)
    (hit, *_) = await table.text_search("moss", visible_clause(GREEN), 1, None)
    other = Hit(hit.row_id, ChunkId("other"), 0.0, None)
    asked = [*[hit] * LOOKED_AT, other]
    reranker = OfTheBest(ReadingReranker(words))
    assert list(await reranker.scores("moss", asked, table)) == [hit.chunk_id]


async def test_a_model_without_tokens_cannot(garden: Index, words: HashedWords) -> None:
    table = await garden.table("garden", words.fingerprint, words.dimensions)
    with pytest.raises(RerankerBroken, match="no vectors of tokens"):
        await ReadingReranker(OneVector()).scores("moss", [], table)
