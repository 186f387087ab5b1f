"""What a question's words tell: the rarer, the more; and how much of it a passage covers. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from math import log

import msgspec

from buttress.kernel.words import content_terms


class TermStatistics(msgspec.Struct, frozen=True):
    """In how many of `texts` texts each term stands."""

    texts: int
    counts: dict[str, int]

    def idf(self, term: str) -> float:
        """Return how much a term tells: large for a rare one, above 0 for any.

        log(1 + (N - n + 0.5) / (n + 0.5)), Robertson and Spärck Jones' weight as Lucene's BM25 keeps it
        positive.
        """
        return self._idf(self.counts.get(term, 0))

    @property
    def most(self) -> float:
        """How much a term tells that stands in none of the texts."""
        return self._idf(0)

    def _idf(self, present: int) -> float:
        return log(1 + (self.texts - present + 0.5) / (present + 0.5))


def terms(text: str) -> frozenset[str]:
    """Return the different stems of `text` that say something."""
    return frozenset(content_terms(text))


def count_terms(texts: Iterable[str]) -> TermStatistics:
    """Return the statistics of `texts`."""
    counts: Counter[str] = Counter()
    number = 0
    for text in texts:
        number += 1
        counts.update(terms(text))
    return TermStatistics(number, dict(counts))


def coverage(question: Mapping[str, float], passage: frozenset[str]) -> float:
    """Return the share (0 to 1) that the passage's terms cover of what the question's terms tell together.

    A question without terms (stop words only) is covered by nothing: 0.
    """
    total = sum(question.values())
    covered = sum(question[term] for term in sorted(question.keys() & passage))
    return min(1.0, covered / total) if total else 0.0
