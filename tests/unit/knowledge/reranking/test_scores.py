"""`knowledge.reranking.scores`."""

from buttress.knowledge.reranking.scores import Score, reranked
from buttress.knowledge.search_types import Reranked


def test_what_was_read_is_summed_and_what_was_cut_is_told_by_its_place() -> None:
    scores = [Score(0.2, 5, is_cut=False), Score(0.9, 7, is_cut=True)]
    assert reranked(scores, besides=3) == Reranked(scores=[0.2, 0.9], tokens=15, truncated=[1])


def test_of_no_documents_there_are_no_scores() -> None:
    assert reranked([]) == Reranked(scores=[], tokens=0, truncated=[])
