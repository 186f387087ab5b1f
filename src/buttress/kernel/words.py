"""Words of a text in a form that can be compared: without case, endings, and words that say nothing. Pure.

The endings are English ones, cut by a few blunt rules: enough to see that `refunded` and `refunds` speak of
the same thing. Text of other languages is compared word by word; text written without blanks by pairs of
characters.
"""

import re
from collections.abc import Iterator
from decimal import Decimal

import msgspec

_WORD = re.compile(
    r"(?P<number>\d+(?:[.,]\d+)*)|(?P<wide>[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+)|(?P<word>[^\W\d_]+)"
)
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_APOSTROPHE = re.compile(r"(?:n['’]t|['’](?:s|re|ve|ll|d|m))\b", re.IGNORECASE)
STOP_WORDS = frozenset(
    """
    a about all also am an and any are as at be been being but by can could did do does doing for from get
    gets got ca had has have having need needs he her here hers him his how i if in into is it its just
    like may me might more make made most much my of on one or our ours out over own please shall she
    should so some such than that the their theirs them then there these they this those to too up us very
    want wants was we were what when where which while who whom whose why will with wo would you your
    yours
    """.split()  # noqa: SIM905 - a list of words reads best as words
)
_ENDINGS = (
    "ations",
    "ation",
    "ments",
    "ment",
    "able",
    "ings",
    "ing",
    "ies",
    "ied",
    "ed",
    "es",
    "s",
    "e",
    "y",
)
_SHORTEST_STEM = 3


class AskedWord(msgspec.Struct, frozen=True, kw_only=True):
    """A word of a question, in lower case, beside what was searched for it.

    `weight` says how much it tells (above 0; larger the rarer it is), `is_known` whether any text that the
    asker may see holds it in one of its forms.
    """

    text: str
    weight: float
    is_known: bool


def stem(word: str) -> str:
    """Return `word` in lower case without a plain English ending; at least three letters are left of it."""
    word = word.lower()
    if not (word.isascii() and word.isalpha()) or word.endswith(("ss", "us", "is")):
        return word
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM:
            return _undoubled(word[: -len(ending)])
    return _undoubled(word)


def _undoubled(word: str) -> str:
    return (
        word[:-1] if len(word) > _SHORTEST_STEM and word[-1] == word[-2] and word[-1] not in "aeiou" else word
    )


def words(text: str) -> list[str]:
    """Return the words of `text` in lower case, in order; numbers as `plain_number` writes them."""
    return list(_read(_APOSTROPHE.sub("", text)))


def content_terms(text: str) -> list[str]:
    """Return the stems of the words of `text` that say something, in order, with repetitions."""
    return [stem(word) for word in words(text) if word not in STOP_WORDS]


def content_words(text: str) -> dict[str, str]:
    """Return the words of `text` that say something by their stems, each in the first form it is met in."""
    found: dict[str, str] = {}
    for word in words(text):
        if word not in STOP_WORDS:
            found.setdefault(stem(word), word)
    return found


def plain_number(text: str) -> str:
    """Return a number without separators of thousands and needless noughts: `1,000.50` is `1000.5`."""
    plain = _THOUSANDS.sub("", text)
    if plain.count(".") + plain.count(",") > 1:
        return plain  # a version, an address, a date: no number to shorten
    plain = plain.replace(",", ".")
    return f"{Decimal(plain).normalize():f}" if "." in plain else plain.lstrip("0") or "0"


def _read(text: str) -> Iterator[str]:
    for found in _WORD.finditer(text):
        if found["number"]:
            yield plain_number(found["number"])
        elif found["wide"]:
            run = found["wide"]
            yield from (run[at : at + 2] for at in range(max(1, len(run) - 1)))
        else:
            yield found["word"].lower()
