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


def _numbered(words: str, start: int, step: int = 1) -> dict[str, int]:
    """Return numbers by their words; `-` stands for one that means something else, or is there already."""
    numbers = {word: start + step * at for at, word in enumerate(words.split())}
    return {word: number for word, number in numbers.items() if word != "-"}


_NUMERALS = {  # `one` is mostly no number: no one, one of them
    **_numbered("two three four five six seven eight nine ten eleven twelve", 2),
    **_numbered("thirteen fourteen fifteen sixteen seventeen eighteen nineteen", 13),
    **_numbered("zwei drei vier fünf sechs sieben acht neun zehn - zwölf", 2),
    **_numbered("deux trois quatre cinq - - huit neuf dix onze douze treize quatorze quinze", 2),
    **_numbered("- - cuatro cinco seis siete ocho nueve diez - doce trece catorce quince", 2),
    **_numbered("- - quattro cinque - - - - dieci undici dodici", 2),
    **_numbered("twee - - vijf zes zeven - negen tien - twaalf", 2),
    **_numbered("dois três quatro - - sete oito nove dez", 2),
    **_numbered("två tre fyra - - sju åtta nio tio elva tolv", 2),
    **_numbered("zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig hundert", 20, 10),
    **_numbered("vingt trente quarante cinquante soixante", 20, 10),
    **_numbered("veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa cien", 20, 10),
    **_numbered("venti trenta quaranta cinquanta sessanta settanta ottanta novanta cento", 20, 10),
    **_numbered("twintig dertig veertig vijftig zestig zeventig tachtig negentig honderd", 20, 10),
    **_numbered("vinte trinta quarenta cinquenta sessenta setenta oitenta - cem", 20, 10),
    **_numbered("tjugo trettio fyrtio femtio sextio sjuttio åttio nittio hundra", 20, 10),
    "dozen": 12,
    "twice": 2,
    "thrice": 3,
    "tausend": 1000,
    "mille": 1000,
    "mil": 1000,
}
_TENS = _numbered("twenty thirty forty fifty sixty seventy eighty ninety", 20, 10)
_PARTS = {"half": "0.5", "halves": "0.5", "thirds": "0.33", "quarters": "0.25"}
_PARTS_OF = {"third": "0.33", "quarter": "0.25", "fifth": "0.2", "tenth": "0.1"}
_MAGNITUDES = {"hundred": 2, "thousand": 3, "million": 6, "billion": 9, "trillion": 12}
_MAGNITUDES |= {f"{word}s": power for word, power in _MAGNITUDES.items()}
_BESIDE = {"k": 3, "mn": 6, "mio": 6, "bn": 9}
_OF_MONEY = {"m": 6, "b": 9}
"""`5m` are metres, but `€5m` are millions."""
_SIGNS = frozenset("$€£¥")
_GROUPS_BY_POINTS = re.compile(r"(?P<whole>[1-9]\d{0,2}(?:\.\d{3})+)(?P<part>,\d+)?")
_COUNTED = frozenset("types kinds ways methods options approaches things main key".split())  # noqa: SIM905
_DIGITS = re.compile(r"\d[\d.,\u00a0\u202f ]*")
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
        if values and not _is_of_a_list(tokens, at):
            values, end = _multiplied(values, tokens, at, end)
            found.append(Quantity(values, _unit(tokens, at, end), at, end))
        at = max(end, at + 1)
    return found


def _is_of_a_list(tokens: Sequence[str], at: int) -> bool:
    """Say whether a spelt number only counts what follows: `in two ways`, `the three main types`."""
    following = {word.lower() for word in tokens[at + 1 : at + 3]}
    return tokens[at].isalpha() and not following.isdisjoint(_COUNTED)


def _number(tokens: Sequence[str], at: int) -> tuple[tuple[str, ...], int]:
    """Return the values of the number that begins at this token, if one does, and where it ends."""
    token = tokens[at].lower()
    if _DIGITS.fullmatch(token):
        return readings(token), at + 1
    if token in _TENS:
        next_at = at + 1 + (tokens[at + 1 : at + 2] == ["-"])
        ones = _NUMERALS.get(tokens[next_at].lower(), 10) if next_at < len(tokens) else 10
        has_ones = ones < 10
        return (str(_TENS[token] + has_ones * ones),), next_at + 1 if has_ones else at + 1
    if token in _PARTS or (token in _PARTS_OF and tokens[at + 1 : at + 2] == ["of"]):
        return (_PARTS.get(token) or _PARTS_OF[token],), at + 1
    if token in _MAGNITUDES and not token.endswith("s"):
        return (str(10 ** _MAGNITUDES[token]),), at + 1
    return ((str(_NUMERALS[token]),), at + 1) if token in _NUMERALS else ((), at + 1)


def readings(number: str) -> tuple[str, ...]:
    """Return what a number written in digits may mean: `2.000` is 2, or two thousand."""
    number = _BLANKS.sub("", number)
    grouped = _GROUPS_BY_POINTS.fullmatch(number)
    if not grouped:
        return (plain_number(number),)
    whole = grouped["whole"].replace(".", "") + (grouped["part"] or "").replace(",", ".")
    return tuple(dict.fromkeys((plain_number(number), plain_number(whole))))


def _multiplied(
    values: tuple[str, ...], tokens: Sequence[str], at: int, end: int
) -> tuple[tuple[str, ...], int]:
    """Return the values times the magnitudes behind them: `two hundred thousand`, `€0.25k`."""
    is_money = at > 0 and tokens[at - 1] in _SIGNS
    beside = _BESIDE | _OF_MONEY if is_money else _BESIDE
    powers = _MAGNITUDES | beside if tokens[at][0].isdigit() else _MAGNITUDES
    while end < len(tokens) and (power := powers.get(tokens[end].lower())):
        plain = (value for value in values if value.replace(".", "", 1).isdigit())
        values = tuple(f"{(Decimal(value).scaleb(power)).normalize():f}" for value in plain)
        end += 1
    return values, end


def _unit(tokens: Sequence[str], at: int, end: int) -> str | None:
    """Return the unit before the number, if it is a sign, or behind it."""
    before = tokens[at - 1] if at else ""
    if before in _SIGNS:
        return UNITS[before]
    for place in range(end, min(end + _GAP + 1, len(tokens))):
        word = tokens[place].lower()
        if word in UNITS and (len(word) > 1 or place == end):
            return UNITS[word]
        if not (word[0].isalnum() or word in {"-", "–"}):
            return None
    return None
