"""What a question's words tell: the rarer, the more; and how much of it a passage covers. Pure."""

from collections import Counter
from collections.abc import Iterable
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
        present = self.counts.get(term, 0)
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


def coverage(question: frozenset[str], passage: frozenset[str], statistics: TermStatistics) -> float:
    """Return the share (0 to 1) of the question's idf mass that the passage's terms cover.

    A question without terms (stop words only) is covered by nothing: 0.
    """
    mass = {term: statistics.idf(term) for term in question}
    total = sum(mass.values())
    return min(1.0, sum(mass[term] for term in sorted(question & passage)) / total) if total else 0.0
