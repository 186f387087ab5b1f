"""How many tokens a text has."""

import re
from collections.abc import Iterable
from typing import Protocol

CHARACTERS_PER_TOKEN = 3.0
"""For the estimate. English is near 4, code and other languages lower; 3 errs on the safe side."""


LONGEST_TOKEN = 16
"""Characters. What has more of them for each of its tokens is noise: nobody listens, or reads, on."""


class TokenCounter(Protocol):
    """Counts the tokens of a text as one model would."""

    def count(self, text: str) -> int:
        """Return the number of tokens; never fewer than the model itself would count."""
        ...


_WORDS = re.compile(r"[A-Z]?[a-z]{1,6}")
_CAPITALS = re.compile(r"[A-Z]+(?![a-z])")
_SIGNS = re.compile(r"[^\sA-Za-z]")
_GAPS = re.compile(r"\n|\s{2,}")
_ODD = re.compile(r"[\u2000-\u2bff\ufe00-\ufe0f]")
_BEYOND = re.compile(r"[\U00010000-\U0010ffff]")


class EstimatedTokens:
    """An estimate with a margin, for models whose tokenizer is not to be had.

    The largest of three: characters / 3; words x 1.5; and what a text is made of. By that 6 small letters of
    a word, with the capital before them, are a token; other capitals 0.6 each, and 0.4 for a row of them; a
    digit, a sign, a letter that is not ASCII and a gap one each; an emoji has 4. Mostly non-ASCII text is a
    token for each character at least. Measured against OpenAI's tokenizers it is 1.1 to 4 times what they
    count (1.3 for English, 1.4 for code and tables of figures); less for what no one reads, as base64: 0.9.
    """

    def count(self, text: str) -> int:
        """See `TokenCounter.count`."""
        wide = 0 if text.isascii() else sum(1 for character in text if ord(character) > 0x2FF)
        by_characters = (len(text) - wide) / CHARACTERS_PER_TOKEN + wide
        return round(max(by_characters, 1.5 * len(text.split()), _by_kinds(text)) + 0.5)


def _by_kinds(text: str) -> float:
    capitals = _CAPITALS.findall(text)
    tokens = float(len(_WORDS.findall(text))) + len(_SIGNS.findall(text)) + len(_GAPS.findall(text))
    tokens += 0.4 * len(capitals) + 0.6 * sum(map(len, capitals))
    return tokens if text.isascii() else tokens + len(_ODD.findall(text)) + 3 * len(_BEYOND.findall(text))


class WorstTokens:
    """The most tokens that any of several counters finds: what fits by it fits by each."""

    def __init__(self, counters: Iterable[TokenCounter]) -> None:
        self._counters = tuple(counters)

    def count(self, text: str) -> int:
        """See `TokenCounter.count`."""
        return max(counter.count(text) for counter in self._counters)
