"""A text as the rules read it: the places of its words, numbers, names and denials. Pure."""

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

import msgspec

from buttress.guardrails.plain import is_mixed, plain
from buttress.guardrails.quantities import UNITS, Quantity, quantities
from buttress.guardrails.scales import DENIALS, NEAR_DENIALS, POLES, REFUSALS
from buttress.kernel.sentences import sentence_spans
from buttress.kernel.words import STOP_WORDS, stem

_TOKEN = re.compile(
    r"""(?P<address>(?<![\w+.-])(?:[a-zA-Z][\w+.-]*+:(?=//)|(?=//\w))[^\s<>"')\]]++
        |(?<=\]\()[^\s)]++
        |(?<![\w.+-])[\w.+-]++@[\w-]++(?:\.[\w-]++)+
        |(?<![\w.@-])(?:[\w-]++\.)++(?<=[\w-]\.)[^\W\d_]{2,}+(?![\w-]|\.\w)(?:/[^\s<>"')\]]*+)?
        |<[A-Za-z/!][^<>\s=:]*+[\s=:][^<>]*+>)
      | (?P<number>\d{1,3}(?:[\u00a0\u202f\ ]\d{3})+(?![\d.,]*\d)|\d+(?:[.,]\d+)*)
      | (?P<wide>[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+)
      | (?P<code>[^\W\d_]+\d[^\W_]*)
      | (?P<word>[^\W\d_]+(?:['’][^\W\d_]+)?)
      | (?P<mark>[^\s\w])""",
    re.VERBOSE,
)
_ENDING = re.compile(r"['’](?:s|re|ve|ll|d|m)$", re.IGNORECASE)
_NOT = re.compile(r"n['’]t$", re.IGNORECASE)
_LINE = re.compile(r"\n[ \t]*(?:[-•*#|>]+[ \t]*)*")
_ROW = re.compile(r"^.* \| .*$", re.MULTILINE)
_MONTHS_IN_FULL = """
    January February March April May June July August September October November December
"""
_MONTHS = {
    form: str(number)
    for number, month in enumerate(_MONTHS_IN_FULL.split(), start=1)
    for form in (month, month[:3])
} | {"Sept": "9"}
_YEAR = re.compile(r"(?:1[5-9]|20)\d\d")
_KEY = 7
_ACRONYM = re.compile(r"[A-Z]{2,6}s?")
_HYPHENS = frozenset("-‐‑–")
_SHORTEST_INITIALS = 3
_LONGEST_ITEM = 2
_LONGEST_RUN = 12
_FINITE = frozenset("is was has had will can could may might must should does did would".split())  # noqa: SIM905
_BEHIND_VERBS = frozenset("no not never within without only back nothing all each every".split())  # noqa: SIM905
_PRONOUNS = frozenset(
    """everyone everybody someone somebody anyone anybody everything something anything nothing neither either
    none nobody another each all both most many few several who what which there here today now usually always
    often then first second third finally also instead otherwise however""".split()  # noqa: SIM905
)
_NOUN_ENDINGS = (
    "s",
    "ing",
    "tion",
    "sion",
    "ment",
    "ness",
    "ity",
    "ance",
    "ence",
    "ship",
    "age",
    "ure",
    "ism",
    "ly",
)
"""`Streaming allows` begins with no name."""
INITIALS = "initials:"

Kind = Literal["word", "name", "number", "year", "month", "address", "degree", "denial", "near denial"]


class Slot(msgspec.Struct, frozen=True):
    """A place in a text that something definite stands in: a number, a year, a name, a word of degree.

    `at` counts the telling words before it; `run` holds all the words of a name of several.
    """

    at: float
    value: str
    run: frozenset[str] = frozenset()


class Mark(NamedTuple):
    """A word of a text that tells something; `place` counts the telling words before it."""

    kind: Kind
    value: str
    place: float
    token: int


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What a text says and where; places count its telling words.

    `facts` are its numbers, addresses and names as claims: of each, one form must be `known` to a text that
    bears it out. `ends` are the places where its sentences end.
    """

    terms: tuple[str, ...]
    places: dict[str, tuple[int, ...]]
    slots: dict[str, tuple[Slot, ...]]
    denials: tuple[float, ...]
    near_denials: tuple[float, ...]
    refusals: tuple[float, ...]
    ends: tuple[int, ...]
    facts: frozenset[tuple[str, ...]]
    known: frozenset[str]
    letters: str
    opening: Slot | None
    """Its first word when it has a capital: it may be a name."""
    """The first letters of its words in a row, as acronyms are made of them; a blank where a row ends."""


class _Tokens(msgspec.Struct, frozen=True):
    """The tokens of a text, which of them begin a sentence or stand in tables, and its quantities."""

    found: Sequence[re.Match[str]]
    texts: Sequence[str]
    begins: frozenset[int]
    quantities: dict[int, Quantity]
    in_tables: frozenset[int]


@lru_cache(maxsize=16_384)
def term_of(word: str) -> str:
    """Return the form in which words are compared: a stem's first seven letters, without accents."""
    return stem(_plain(word) if not word.isascii() else word)[:_KEY]


def _plain(word: str) -> str:
    return "".join(one for one in unicodedata.normalize("NFKD", word) if not unicodedata.combining(one))


def read_text(text: str) -> Reading:
    """Return `text` as the rules read it."""
    text = plain(text)
    spans = sentence_spans(text)
    tokens = _tokens(text, spans)
    marks = _with_opening_names(list(_marks(tokens)), tokens)
    terms = [one.value for one in marks if one.kind in _TELLING]
    places: dict[str, list[int]] = {}
    for place, term in enumerate(terms):
        places.setdefault(term, []).append(place)
    offsets = [tokens.found[one.token].start() for one in marks if one.kind in _TELLING]
    return Reading(
        terms=tuple(terms),
        places={term: tuple(found) for term, found in places.items()},
        slots=_slots(marks, tokens),
        denials=tuple(one.place for one in marks if one.kind == "denial"),
        near_denials=tuple(one.place for one in marks if one.kind in {"denial", "near denial"}),
        refusals=tuple(one.place for one in marks if one.kind == "near denial" and one.value in REFUSALS),
        ends=tuple(bisect_right(offsets, end - 1) for _, end in spans),
        facts=frozenset(_facts(marks, tokens)),
        known=frozenset(_known(terms, tokens)),
        letters=_letters(tokens),
        opening=next((Slot(one.place, one.value) for one in marks[:1] if _opens(one, tokens)), None),
    )


read_kept = lru_cache(maxsize=128)(read_text)
"""`read_text` for passages, which every sentence of an answer is held against: the last 128 are kept."""

read_claim = lru_cache(maxsize=64)(read_text)
"""`read_text` for a sentence and its clauses, which are held against one passage after the other."""

_TELLING: frozenset[Kind] = frozenset({"word", "name", "number", "year", "month", "address"})


def _tokens(text: str, spans: Iterable[tuple[int, int]]) -> _Tokens:
    found = list(_TOKEN.finditer(text))
    texts = [one.group() for one in found]
    starts = [start for start, _ in spans] + [line.end() for line in _LINE.finditer(text)]
    offsets = [one.start() for one in found]
    first = _first_words(texts)
    begins = {first[bisect_right(offsets, start - 1)] for start in starts}
    rows = (line.span() for line in _ROW.finditer(text))
    in_rows = {
        at for start, end in rows for at in range(bisect_left(offsets, start), bisect_left(offsets, end))
    }
    return _Tokens(
        found, texts, frozenset(begins), {one.at: one for one in quantities(texts)}, frozenset(in_rows)
    )


def _first_words(texts: Sequence[str]) -> list[int]:
    """Return, for each token, the next that opens a sentence: no mark, nor the number of an item."""
    first = [len(texts)] * (len(texts) + 1)
    for at in range(len(texts) - 1, -1, -1):
        is_number = texts[at][0].isdigit() and texts[at + 1 : at + 2] not in ([")"], ["."])
        first[at] = at if is_number or texts[at][0].isalpha() else first[at + 1]
    return first


def _marks(tokens: _Tokens) -> Iterator[Mark]:
    place, skip = 0, 0
    for at, found in enumerate(tokens.found):
        for kind, value in _read(at, found, tokens) if at >= skip else ():
            is_telling = kind in _TELLING
            yield Mark(kind, value, place if is_telling else place - 0.5, at)
            place += is_telling
        if quantity := tokens.quantities.get(at):
            skip = quantity.end


def _read(at: int, found: re.Match[str], tokens: _Tokens) -> Iterator[tuple[Kind, str]]:
    """Return what one token tells."""
    if quantity := tokens.quantities.get(at):
        is_year = not quantity.unit and _YEAR.fullmatch(quantity.values[0])
        yield "year" if is_year else "number", quantity.values[-1] if quantity.values else found.group()
    elif found["word"]:
        yield from _word(at, found.group(), tokens)
    elif found["code"]:
        yield "name", found.group().lower()
    elif found["wide"]:
        run = found.group()
        yield from (("word", run[start : start + 2]) for start in range(max(1, len(run) - 1)))
    elif found["address"]:
        yield "address", found.group().rstrip(".,;:!?/").lower()
    elif found.group() == "%":
        yield "word", "percent"


def _word(at: int, word: str, tokens: _Tokens) -> Iterator[tuple[Kind, str]]:
    word = _ENDING.sub("", word)
    small = word.lower()
    if (small in DENIALS or _NOT.search(word)) and not _is_no_denial(at, tokens):
        yield "denial", "not"
    if small in NEAR_DENIALS:
        yield "near denial", small
    if small in POLES:
        yield "degree", small
    yield from _content(at, word, tokens)


def _content(at: int, word: str, tokens: _Tokens) -> Iterator[tuple[Kind, str]]:
    """Return what a word tells by itself."""
    small = word.lower()
    if word.capitalize() in _MONTHS and _is_date(at, word, tokens):
        yield "month", f"month:{_MONTHS[word.capitalize()]}"
    elif is_mixed(word):
        yield "name", word
    elif small in UNITS and len(small) > 1:
        yield "word", UNITS[small]
    elif not _NOT.search(word) and small not in DENIALS and (small not in STOP_WORDS or _has_capitals(word)):
        is_name = _has_capitals(word) or (word[0].isupper() and at not in tokens.begins)
        if _ACRONYM.fullmatch(word):
            small = small.removesuffix("s") if word.endswith("s") else small
        yield "name" if is_name else "word", term_of(small)


def _is_no_denial(at: int, tokens: _Tokens) -> bool:
    """Say whether a `no` denies nothing: in a cell of a table, in `no more than 40`, in `not only`."""
    following = [text.lower() for text in tokens.texts[at + 1 : at + 3]]
    is_bound = following[1:] == ["than"] and not {at + 3, at + 4}.isdisjoint(tokens.quantities)
    is_value = tokens.texts[at] == "None" and at not in tokens.begins
    return is_value or at in tokens.in_tables or following[:1] in (["only"], ["just"]) or is_bound


def _has_capitals(word: str) -> bool:
    return any(map(str.isupper, word[1:]))


def _is_date(at: int, word: str, tokens: _Tokens) -> bool:
    """Say whether a month stands beside a number, or is written out within a sentence: `may` is no month."""
    if word.islower():
        return (at - 1 in tokens.quantities) and (at + 1 in tokens.quantities or word != "may")
    if word not in {"May", "March", "Mar", "Jan", "Dec", "Sep", "Jun"}:
        return True
    return any(place in tokens.quantities for place in (at - 1, at - 2, at + 1, at + 2)) or (
        at not in tokens.begins
    )


def _opens(mark: Mark, tokens: _Tokens) -> bool:
    return mark.kind == "word" and tokens.texts[mark.token][0].isupper()


def _with_opening_names(marks: Sequence[Mark], tokens: _Tokens) -> list[Mark]:
    """Return the marks, words that open a sentence being names where they are names elsewhere."""
    names = {one.value for one in marks if one.kind == "name"}
    return [
        one._replace(kind="name")
        if one.kind == "word" and one.value in names and tokens.texts[one.token][0].isupper()
        else one
        for one in marks
    ]


def _slots(marks: Iterable[Mark], tokens: _Tokens) -> dict[str, tuple[Slot, ...]]:
    slots: dict[str, list[Slot]] = {}
    run: list[Mark] = []
    for one in marks:
        if one.kind in {"year", "month"}:
            slots.setdefault(one.kind, []).append(Slot(one.place, one.value))
        elif one.kind == "number" and not _is_fixed(one.token, tokens):
            unit = tokens.quantities[one.token].unit
            slots.setdefault(f"number {unit or ''}", []).append(Slot(one.place, one.value))
        elif one.kind == "degree":
            for scale, pole in POLES[one.value]:
                slots.setdefault(scale, []).append(Slot(one.place, pole))
        elif one.kind == "name":
            goes_on = 0 < len(run) < _LONGEST_RUN and run[-1].token == one.token - 1
            run = [*run, one] if goes_on else [one]
            names = slots.setdefault("name", [])
            del names[len(names) - len(run) + 1 :]
            values = frozenset(each.value for each in run)
            names.extend(Slot(each.place, each.value, values) for each in run)
    return {kind: tuple(found) for kind, found in slots.items()}


def _facts(marks: Iterable[Mark], tokens: _Tokens) -> Iterator[tuple[str, ...]]:
    """Return what must be known, each in its alternative forms."""
    letters = _letters(tokens)
    for one in marks:
        if one.kind == "name" and _ACRONYM.fullmatch(tokens.texts[one.token]):
            if len(one.value) < _SHORTEST_INITIALS or one.value not in letters:
                yield f"name:{one.value}", f"{INITIALS}{one.value}"  # else it stands beside its words
        elif one.kind in {"name", "month"} or (one.kind == "word" and _is_subject(one.token, tokens)):
            yield (f"name:{one.value}",)
        elif one.kind == "address":
            yield (f"address:{one.value}",)
        elif one.kind in {"number", "year"}:
            yield from _facts_of_number(one, tokens)


def _facts_of_number(one: Mark, tokens: _Tokens) -> Iterator[tuple[str, ...]]:
    """Return a number with its unit, and bound to the word before it; nothing of the number of an item."""
    if _is_item_number(one.token, tokens):
        return
    quantity = tokens.quantities[one.token]
    yield tuple(f"{value} {quantity.unit or ''}" for value in quantity.values)
    if (word := _named(one.token, tokens)) and one.kind == "number":
        yield tuple(f"{word}-{value}" for value in quantity.values)


def _is_fixed(at: int, tokens: _Tokens) -> bool:
    """Say whether a number stands for no other one: it counts items, or ends a name: `voyage-code-2`."""
    is_tail = at > 2 and tokens.texts[at - 1] in _HYPHENS and tokens.texts[at - 3] in _HYPHENS
    return _is_item_number(at, tokens) or bool(is_tail and _named(at, tokens))


def _is_subject(at: int, tokens: _Tokens) -> bool:
    """Say whether a word opens the text as a name does: `Bob answers`, `Stripe keeps`, with no article."""
    word, following = tokens.texts[at], tokens.texts[at + 1 : at + 2]
    if at != min(tokens.begins) or not word[0].isupper() or not following:
        return False
    verb = following[0]
    behind = tokens.texts[at + 2 : at + 3]
    goes_on = not behind or not behind[0][0].isalpha() or behind[0].lower() in STOP_WORDS | _BEHIND_VERBS
    is_verb = verb in _FINITE or (
        verb.islower() and len(verb) > 3 and verb.endswith(("s", "ed")) and goes_on and behind[:1] != ["are"]
    )
    is_plain = word.lower() in _PRONOUNS or word.lower().endswith(_NOUN_ENDINGS)
    return is_verb and not is_plain and not verb.endswith(("ss", "us", "is"))


def _is_item_number(at: int, tokens: _Tokens) -> bool:
    """Say whether a number counts the items of a list: `1) ...; 2) ...`, `1. ...`."""
    before = tokens.texts[at - 1] if at else ""
    behind = tokens.texts[at + 1] if at + 1 < len(tokens.texts) else ""
    if len(tokens.texts[at]) > _LONGEST_ITEM:
        return False
    opens = any(text == "(" for text in tokens.texts[max(0, at - 12) : at])
    return (behind == ")" and before != "(" and not opens) or (behind == "." and at in tokens.begins)


def _named(at: int, tokens: _Tokens) -> str:
    """Return the word that a number belongs to, as in `interleukin-2` and `Windows 11`; else nothing."""
    hyphen = tokens.texts[at - 1] in _HYPHENS if at else False
    word = tokens.texts[at - 1 - hyphen] if at > hyphen else ""
    if not word or not (hyphen or word[0].isupper()) or not word[0].isalpha() or word in _MONTHS:
        return ""
    between = tokens.found[at].start() - tokens.found[at - 1 - hyphen].end()
    return term_of(word) if between == 1 and not (not hyphen and at - 1 in tokens.begins) else ""


def _before(at: int, tokens: _Tokens) -> str:
    """Return the word before a number, over a hyphen."""
    place = at - 1 - (at > 1 and tokens.texts[at - 1] in _HYPHENS)
    return term_of(tokens.texts[place]) if place >= 0 else ""


def _letters(tokens: _Tokens) -> str:
    return "".join(map(_letter, tokens.texts))


def _letter(text: str) -> str:
    if text in {"-", "/"}:
        return ""
    return text[0].lower() if text[0].isalpha() and text.lower() not in STOP_WORDS else " "


def _known(terms: Iterable[str], tokens: _Tokens) -> Iterator[str]:
    """Return all a text knows: each number by itself, with its unit, or with one that stands by itself.

    In a table the unit is in the head, away from the numbers.
    """
    found = tokens.quantities.values()
    near = {place for one in found if one.unit for place in range(one.at - 1, one.end + 4)}
    units = {
        UNITS[text.lower()]
        for at, text in enumerate(tokens.texts)
        if at not in near and text.lower() in UNITS
    }
    for one in found:
        for value in one.values:
            yield f"{value} "
            yield f"{_before(one.at, tokens)}-{value}"
            yield from (f"{value} {unit}" for unit in ({one.unit} if one.unit else units))
    for term in terms:
        yield f"name:{term}"
        yield f"address:{term}"
