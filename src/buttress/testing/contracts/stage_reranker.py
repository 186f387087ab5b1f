"""What every `knowledge.ports.StageReranker` promises, over rows that `RememberedRows` holds."""

from collections.abc import Mapping, Sequence

from buttress.kernel.ids import ChunkId, DocumentId
from buttress.kernel.passages import Passage
from buttress.knowledge.ports import StageReranker
from buttress.knowledge.reranking.reduced import reduced
from buttress.knowledge.search_types import Candidate, Hit
from buttress.testing.embedding import HashedWords
from buttress.testing.passages import a_passage

QUESTION = "when are roses cut back"
TEXTS = {
    ChunkId("gloves"): "Gloves hang in the shed.",
    ChunkId("march"): "Roses are cut back in March.",
    ChunkId("moon"): "The moon is far away.",
}
HITS = [Hit(number, one, 0.5, 0.5) for number, one in enumerate(TEXTS)]


class RememberedRows:
    """A `FoundRows` of `TEXTS`, with what is stored of their tokens by `embedder`."""

    def __init__(self, embedder: HashedWords) -> None:
        _, tokens = embedder.embed_with_tokens(list(TEXTS.values()), reduced)
        self._tokens = dict(zip(TEXTS, tokens, strict=True))

    async def candidates(self, hits: Sequence[Hit]) -> list[Candidate]:
        """See `FoundRows.candidates`."""
        return [Candidate(_passage(one.chunk_id), TEXTS[one.chunk_id]) for one in hits]

    async def tokens(self, hits: Sequence[Hit]) -> Mapping[ChunkId, bytes]:
        """See `FoundRows.tokens`."""
        return {one.chunk_id: self._tokens[one.chunk_id] for one in hits}


def _passage(chunk_id: ChunkId) -> Passage:
    text = TEXTS[chunk_id]
    return a_passage(
        text,
        chunk_id=chunk_id,
        document_id=DocumentId(chunk_id),
        document=f"{chunk_id}.md",
        title=chunk_id,
        score=0.5,
        cosine=0.5,
        coverage=0.0,
    )


class StageRerankerContract:
    """Subclass it and give two fixtures: `reranker`, and `rows`, `RememberedRows` of the same model."""

    async def test_what_answers_scores_highest(self, reranker: StageReranker, rows: RememberedRows) -> None:
        """From 0 to 1; of each row that there is something to compare of."""
        scores = await reranker.scores(QUESTION, HITS, rows)
        assert set(scores) == set(TEXTS)
        assert all(0 <= one <= 1 for one in scores.values())
        assert max(scores, key=lambda one: scores[one]) == "march"

    async def test_a_score_depends_on_its_row_alone(
        self, reranker: StageReranker, rows: RememberedRows
    ) -> None:
        """Neither on the others, nor on their order, nor on what the first stages thought."""
        together = await reranker.scores(QUESTION, HITS, rows)
        other = [Hit(one.row_id, one.chunk_id, 0.1, None) for one in reversed(HITS)]
        assert dict(await reranker.scores(QUESTION, other, rows)) == dict(together)
        for one in HITS:
            assert dict(await reranker.scores(QUESTION, [one], rows)) == {
                one.chunk_id: together[one.chunk_id]
            }

    async def test_nothing_found_has_no_scores(self, reranker: StageReranker, rows: RememberedRows) -> None:
        """It is no error."""
        assert not await reranker.scores(QUESTION, [], rows)

    async def test_any_question_can_be_asked(self, reranker: StageReranker, rows: RememberedRows) -> None:
        """Nothing that a user types may end a search."""
        for question in ("?", " ", "\ud800", "roses " * 5_000, "日本語", "\0"):
            scores = await reranker.scores(question, HITS, rows)
            assert all(0 <= one <= 1 for one in scores.values())
