"""How many tokens a text has."""

from collections.abc import Iterable
from typing import Protocol

CHARACTERS_PER_TOKEN = 3.0
"""For the estimate. English is near 4, code and other languages lower; 3 errs on the safe side."""


class TokenCounter(Protocol):
    """Counts the tokens of a text as one model would."""

    def count(self, text: str) -> int:
        """Return the number of tokens; never fewer than the model itself would count."""
        ...


class EstimatedTokens:
    """An estimate with a margin, for models whose tokenizer is not to be had.

    The larger of characters / 3 and words x 1.5; for text of mostly non-ASCII characters, one token each.
    """

    def count(self, text: str) -> int:
        """See `TokenCounter.count`."""
        wide = sum(1 for character in text if ord(character) > 0x2FF)
        by_characters = (len(text) - wide) / CHARACTERS_PER_TOKEN + wide
        return round(max(by_characters, 1.5 * len(text.split())) + 0.5)


class WorstTokens:
    """The most tokens that any of several counters finds: what fits by it fits by each."""

    def __init__(self, counters: Iterable[TokenCounter]) -> None:
        self._counters = tuple(counters)

    def count(self, text: str) -> int:
        """See `TokenCounter.count`."""
        return max(counter.count(text) for counter in self._counters)
