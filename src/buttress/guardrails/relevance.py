"""Whether the passages found have to do with the question: a pure rule."""

from collections.abc import Iterable

from buttress.guardrails.settings import RelevanceThresholds
from buttress.kernel.passages import Passage


def is_relevant(passages: Iterable[Passage], thresholds: RelevanceThresholds) -> bool:
    """Say whether at least one of `passages` has to do with the question; of no passages none has."""
    return any(_is_near(passage, thresholds) for passage in passages)


def _is_near(passage: Passage, thresholds: RelevanceThresholds) -> bool:
    if passage.cosine >= thresholds.cosine:
        return True
    return passage.cosine >= thresholds.cosine_with_words and passage.coverage >= thresholds.coverage
