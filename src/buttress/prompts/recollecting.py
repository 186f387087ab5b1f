"""Which older exchange of a conversation has to do with a question: told by the words they share. Pure.

By words, and not by vectors: each word leads to its places in a bounded time, and no engine is needed. Of 100
questions so many have what they ask for among the first four, by these words and by MiniLM's vectors: 92 and
84 (squad2-dev); 66 and 80 where they are put in other words (covid-faq).
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from math import log

from buttress.kernel.words import content_terms

MAX_WORDS = 128
"""Words of an exchange that it is found by: its first ones, the question's before the answer's."""

MAX_ASKED = 16
"""Words of a question that are looked up: its first ones."""

MAX_PLACES = 200
"""Places that are read of each word, the newest."""

LEAST_SHARE = 0.35
"""What the words that an exchange holds must weigh of all that are asked; less is chance."""

_CHARACTERS = 20_000
_LONGEST_WORD = 64

_SATURATION, _LENGTH_SHARE, _USUAL_TERMS = 1.2, 0.75, 80
"""BM25's k1 and b, and how long an exchange is taken to be: fixed, so that a weight is for good."""


def asked_words(question: str) -> list[str]:
    """Return the stems of the words of `question` that say something, each once."""
    return list(_terms(question))[:MAX_ASKED]


def held_words(text: str) -> dict[str, float]:
    """Return the stems of the words of `text` that say something, and how much it is about each (BM25).

    Of a long text its beginning is read.
    """
    terms = _terms(text)
    length = 1 - _LENGTH_SHARE + _LENGTH_SHARE * sum(terms.values()) / _USUAL_TERMS
    return {
        word: count * (_SATURATION + 1) / (count + _SATURATION * length)
        for word, count in list(terms.items())[:MAX_WORDS]
    }


def _terms(text: str) -> Counter[str]:
    return Counter(term[:_LONGEST_WORD] for term in content_terms(text[:_CHARACTERS]))


Places = Mapping[str, Mapping[int, float]]
"""Of each word the exchanges that hold it, by their questions' ordinals, and how much they are about it."""


def nearest(places: Places, messages: int, limit: int) -> list[int]:
    """Return the places of the exchanges nearest to what is asked, best first; of two alike the newer one.

    `places` has of each word asked the newest exchanges that hold it, at most `MAX_PLACES`; `messages` are in
    the conversation. A word weighs by how rare it is there (idf as in BM25): where not all its places were
    read, that is told by how far back those read reach.
    """
    weights = {word: _weight(held, messages) for word, held in places.items() if held}
    scores: dict[int, float] = defaultdict(float)
    shares: dict[int, float] = defaultdict(float)
    for word, weight in weights.items():
        for ordinal, about in places[word].items():
            scores[ordinal] += weight * about
            shares[ordinal] += weight
    least = LEAST_SHARE * sum(weights.values())
    fitting = [ordinal for ordinal, share in shares.items() if share >= least]
    return sorted(fitting, key=lambda one: (-scores[one], -one))[:limit]


def _weight(held: Collection[int], messages: int) -> float:
    exchanges = max(1, messages // 2)
    reach = exchanges if len(held) < MAX_PLACES else max(1, (messages - min(held)) // 2)
    frequency = min(exchanges, len(held) * exchanges / reach)
    return log(1 + (exchanges - frequency + 0.5) / (frequency + 0.5))
