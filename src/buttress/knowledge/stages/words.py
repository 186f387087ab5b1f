"""How rare words are, which of the question nobody wrote, and how much of it each passage covers."""

from collections.abc import Mapping, Sequence
from functools import partial

import msgspec

from buttress.kernel.passages import Passage
from buttress.kernel.words import AskedWord, stem
from buttress.knowledge.index.visibility import visible_clause
from buttress.knowledge.search_types import Candidate
from buttress.knowledge.stages.asked import look_up
from buttress.knowledge.stages.first import Place
from buttress.knowledge.stages.question import Question
from buttress.knowledge.stages.running import Stages
from buttress.knowledge.stages.terms import TermStatistics, coverage, terms
from buttress.knowledge.stages.vocabulary import Vocabulary

_TEXTS = 8
"""Texts read at a time to see which of a question's words they hold: reading one takes half a millisecond."""


async def word_weights(place: Place, vocabulary: Vocabulary, stages: Stages) -> TermStatistics:
    """Return how rare words are; all as rare as any, and a report that says why, where nobody can say."""

    async def counted() -> list[TermStatistics]:
        return [await vocabulary.of(place.base.name, place.table)]

    found = await stages.attempt("vocabulary", counted)
    return found[0] if found else TermStatistics(0, {})


async def asked_words(
    place: Place, question: Question, best: Sequence[Candidate], statistics: TermStatistics, stages: Stages
) -> tuple[AskedWord, ...]:
    """Return the words of `question`; none, and a report that says why, when they cannot be looked up."""
    clause = visible_clause(question.scope, place.base)
    held_by = partial(place.table.texts_with, clause=clause, most=_TEXTS)
    found = [one.searched for one in best]
    work = partial(look_up, question.beginning, found, statistics, held_by)
    return await stages.attempt("words", work) or ()


def weights_of(
    question: Question, asked: Sequence[AskedWord], statistics: TermStatistics
) -> Mapping[str, float]:
    """Return how much each term of `question` tells; what is none of `asked` as much as any can."""
    weights = {stem(one.text): one.weight for one in asked}
    return {term: weights.get(term, statistics.most) for term in sorted(terms(question.beginning))}


def covering(one: Candidate, weights: Mapping[str, float]) -> Passage:
    """Return the passage of `one`, with the share that it covers of the question: of its terms' weights."""
    return msgspec.structs.replace(one.passage, coverage=coverage(weights, terms(one.searched)))
