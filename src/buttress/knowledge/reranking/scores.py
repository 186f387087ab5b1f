"""The scores of documents, put together to what a re-ranker answers. Pure."""

from collections.abc import Sequence

import msgspec

from buttress.knowledge.search_types import Reranked


class Score(msgspec.Struct, frozen=True):
    """What came of one document: its score, the tokens that were read, whether it was cut."""

    score: float
    tokens: int
    is_cut: bool


def reranked(scores: Sequence[Score], besides: int = 0) -> Reranked:
    """Return the answer of a re-ranker for documents with these `scores`; `besides` tokens more were read."""
    return Reranked(
        scores=[one.score for one in scores],
        tokens=besides + sum(one.tokens for one in scores),
        truncated=[place for place, one in enumerate(scores) if one.is_cut],
    )
