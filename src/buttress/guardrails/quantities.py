"""Numbers and what they count, however they are written: `2,000`, `2.000`, `two thousand`. Pure."""

import re
from collections.abc import Sequence
from decimal import Decimal

import msgspec

from buttress.kernel.words import plain_number

_WORDS_OF_UNITS = {
    "percent": "% percent prozent procent percento cent",
    "usd": "$ usd dollar dollars",
    "eur": "€ eur euro euros",
    "gbp": "£ gbp pound pounds",
    "yen": "¥ jpy yen",
    "millisecond": "ms millisecond milliseconds",
    "second": "s sec secs second seconds",
    "minute": "min mins minute minutes",
    "hour": "h hr hrs hour hours",
    "day": "day days",
    "week": "week weeks",
    "month": "month months",
    "quarter": "quarter quarters",
    "year": "year years",
    "byte": "byte bytes",
    "kb": "kb kilobyte kilobytes",
    "mb": "mb megabyte megabytes",
    "gb": "gb gigabyte gigabytes",
    "tb": "tb terabyte terabytes",
    "mg": "mg milligram milligrams",
    "g": "g gram grams",
    "kg": "kg kilogram kilograms",
    "mm": "mm millimetre millimetres millimeter millimeters",
    "cm": "cm centimetre centimetres centimeter centimeters",
    "m": "m metre metres meter meters",
    "km": "km kilometre kilometres kilometer kilometers",
    "mile": "mile miles",
    "foot": "ft foot feet",
    "kw": "kw kilowatt kilowatts",
    "mw": "mw megawatt megawatts",
    "chf": "chf franc francs",
    "point": "point points",
}
UNITS = {word: unit for unit, words in _WORDS_OF_UNITS.items() for word in words.split()}
"""A unit by each of the words it is written with."""

_NUMERALS = {
    word: number
    for words in (
        "two three four five six seven eight nine ten eleven twelve",
        "zwei drei vier fünf sechs sieben acht neun zehn",
        "deux trois quatre cinq - - huit neuf",
        "- - cuatro cinco seis siete ocho nueve diez",
        "- - quattro cinque - - - - dieci",
        "twee - - vijf zes zeven - negen tien",
        "dois três quatro - - sete oito nove",
        "två tre fyra - - sju åtta nio tio",
    )
    for number, word in enumerate(words.split(), start=2)  # `one` is mostly no number: no one, one of them
    if word != "-"  # a word that means something else in another language, or is there already
}
_NUMERALS |= {
    word: number
    for number, word in enumerate(
        "thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split(),  # noqa: SIM905 - the same
        start=13,
    )
}
_TENS = {
    word: 10 * number
    for number, word in enumerate(
        "twenty thirty forty fifty sixty seventy eighty ninety".split(),  # noqa: SIM905 - a list of words
        start=2,
    )
}
_MAGNITUDES = {"hundred": 2, "thousand": 3, "million": 6, "billion": 9, "trillion": 12}
_MAGNITUDES |= {f"{word}s": power for word, power in _MAGNITUDES.items()}
_GROUPS_BY_POINTS = re.compile(r"(?P<whole>[1-9]\d{0,2}(?:\.\d{3})+)(?P<part>,\d+)?")
_BLANKS = re.compile(r"(?<=\d)[ \u00a0\u202f](?=\d)")
_GAP = 3
"""A unit may follow its number behind a word: `10 business days`, `10 to 14 days`."""


class Quantity(msgspec.Struct, frozen=True):
    """A number; `values` are the numbers it can be read as, `at` and `end` the tokens that it is made of."""

    values: tuple[str, ...]
    unit: str | None
    at: int
    end: int


def quantities(tokens: Sequence[str]) -> list[Quantity]:
    """Return the quantities in the tokens of a text, which are words, numbers, signs and marks."""
    found: list[Quantity] = []
    at = 0
    while at < len(tokens):
        values, end = _number(tokens, at)
        if values:
            values, end = _multiplied(values, tokens, end)
            found.append(Quantity(values, _unit(tokens, at, end), at, end))
        at = max(end, at + 1)
    return found


def _number(tokens: Sequence[str], at: int) -> tuple[tuple[str, ...], int]:
    """Return the values of the number that begins at this token, if one does, and where it ends."""
    token = tokens[at].lower()
    if token[0].isdigit():
        return readings(token), at + 1
    if token in _TENS:
        next_at = at + 1 + (tokens[at + 1 : at + 2] == ["-"])
        ones = _NUMERALS.get(tokens[next_at].lower(), 10) if next_at < len(tokens) else 10
        has_ones = ones < 10
        return (str(_TENS[token] + has_ones * ones),), next_at + 1 if has_ones else at + 1
    return ((str(_NUMERALS[token]),), at + 1) if token in _NUMERALS else ((), at + 1)


def readings(number: str) -> tuple[str, ...]:
    """Return what a number written in digits may mean: `2.000` is 2, or two thousand."""
    number = _BLANKS.sub("", number)
    grouped = _GROUPS_BY_POINTS.fullmatch(number)
    if not grouped:
        return (plain_number(number),)
    whole = grouped["whole"].replace(".", "") + (grouped["part"] or "").replace(",", ".")
    return tuple(dict.fromkeys((plain_number(number), plain_number(whole))))


def _multiplied(values: tuple[str, ...], tokens: Sequence[str], at: int) -> tuple[tuple[str, ...], int]:
    while at < len(tokens) and (power := _MAGNITUDES.get(tokens[at].lower())):
        plain = (value for value in values if value.replace(".", "", 1).isdigit())
        values = tuple(f"{(Decimal(value).scaleb(power)).normalize():f}" for value in plain)
        at += 1
    return values, at


def _unit(tokens: Sequence[str], at: int, end: int) -> str | None:
    """Return the unit before the number, if it is a sign, or behind it."""
    before = tokens[at - 1] if at else ""
    if before in {"$", "€", "£", "¥"}:
        return UNITS[before]
    for place in range(end, min(end + _GAP + 1, len(tokens))):
        word = tokens[place].lower()
        if word in UNITS and (len(word) > 1 or place == end):
            return UNITS[word]
        if not (word[0].isalnum() or word in {"-", "–"}):
            return None
    return None
