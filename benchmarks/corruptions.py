"""True sentences made false, one fact at a time. Pure: the same sentence gives the same false one.

Each function takes a true sentence and the passage it stands on, and returns the sentence with one thing
wrong; None where it has nothing of the kind to get wrong.
"""

import re
from collections.abc import Callable

Corruption = Callable[[str, str], str | None]


def _pairs(text: str) -> tuple[tuple[str, str], ...]:
    """Return the pairs of a list `this/that; ...`."""
    pairs = (" ".join(pair.split()).split("/") for pair in text.split(";"))
    return tuple((word, other) for word, other in pairs)


_NUMBER = re.compile(r"(?<![\w.,])\d+(?:[.,]\d+)*(?![\w])")
_YEAR = re.compile(r"(?<![\w.,$€£])(?:1[5-9]|20)\d\d(?![\w%]|[.,]\d)")
_MONTHS = (
    "January February March April May June July August September October November December".split()  # noqa: SIM905
)
_MONTH = re.compile(rf"\b(?:{'|'.join(_MONTHS)})\b")
_NAME = re.compile(r"\b[A-Z][\w-]*[a-z][\w-]*(?: [A-Z][\w-]+)*")
_BEGINNING = re.compile(r"(?:^|[.!?:\n]\s*|[\"“(*-]\s*)$")
_AUXILIARY = re.compile(r"\b(?:is|are|was|were|can|will|has|have|had|may|must|should|could|does|do|did)\b")
_NEGATION = re.compile(r"\b(?:not |never |no )|n['’]t\b")
_UNITS = _pairs(
    """
    seconds/minutes; hours/days; weeks/months; years/months; million/billion; thousand/million; %/
    points; percent/points; kg/g; mg/g; km/miles; miles/km; MB/GB; GB/TB; tokens/words;
    minutes/hours; days/weeks; months/years; billion/million; feet/metres; hour/minute; year/month
    """
)
_QUANTIFIERS = _pairs(
    """
    all/some; some/all; every/hardly any; most/all; many/few; few/many; always/sometimes;
    often/rarely; only/also; usually/always; several/all; each/some; both/neither; any/some
    """
)
_OPPOSITES = _pairs(
    """
    more/less; higher/lower; greater/smaller; larger/smaller; faster/slower; better/worse;
    before/after; above/below; at least/at most; longer/shorter; increases/decreases;
    increase/decrease; increased/decreased; reduces/raises; reduced/raised; reduce/raise;
    minimum/maximum; first/last; early/late; older/younger; stronger/weaker; improved/declined;
    most/least; promotes/inhibits; largest/smallest; highest/lowest; north/south; east/west;
    earlier/later
    """
)
_VERB = re.compile(
    r"\b(?:increases|decreases|reduces|inhibits|promotes|induces|causes|leads to|regulates|activates|prevents"
    r"|enhances|drives|produces|creates|replaces|defeated|invented|founded|led|calls|uses|contains|includes)\b"
)
_QUOTE = re.compile(r"[\"“](?P<quote>[^\"“”]{15,})[\"”]")
_LONG_WORD = re.compile(r"\b[a-z]{5,}\b")


def other_number(sentence: str, passage: str) -> str | None:
    """Change a number that is no year into one that the passage does not have."""
    found = _plain_number(sentence)
    if not found:
        return None
    known = set(_NUMBER.findall(passage))
    changed = (_shifted(found.group(), add) for add in range(1, 9))
    return _replaced(sentence, found, next((text for text in changed if text not in known), "77"))


def number_of_the_passage(sentence: str, passage: str) -> str | None:
    """Change a number that is no year into another one of the passage."""
    found = _plain_number(sentence)
    told = set(_NUMBER.findall(sentence))
    others = [one.group() for one in _NUMBER.finditer(passage) if one.group() not in told]
    others = [one for one in others if not _YEAR.fullmatch(one)]
    return _replaced(sentence, found, others[len(others) // 2]) if found and others else None


def other_unit(sentence: str, passage: str) -> str | None:
    """Change the unit or the magnitude behind a number."""
    del passage
    for unit, other in _UNITS:
        edge = r"(?!\w)" if unit[-1].isalpha() else ""
        found = re.search(rf"(?<=\d)(?P<gap>[\s-]?){re.escape(unit)}{edge}", sentence)
        if found:
            return _replaced(sentence, found, (found["gap"] or " ") + other.strip())
    return None


def other_date(sentence: str, passage: str) -> str | None:
    """Shift a year by three, or a month by four."""
    del passage
    if found := _MONTH.search(sentence):
        return _replaced(sentence, found, _MONTHS[(_MONTHS.index(found.group()) + 4) % 12])
    if found := _YEAR.search(sentence):
        return _replaced(sentence, found, str(int(found.group()) - 3))
    return None


def other_name(sentence: str, passage: str) -> str | None:
    """Put another name of the passage in the place of one of the sentence."""
    mine = _names(sentence)
    told = {word for one in mine for word in one.group().split()}
    others = [one.group() for one in _names(passage) if not told & set(one.group().split())]
    others = [one for one in others if one.split()[0] not in _MONTHS]
    return _replaced(sentence, mine[-1], others[len(others) // 2]) if mine and others else None


def denied(sentence: str, passage: str) -> str | None:
    """Add a `not`; None where the sentence has one, or no auxiliary verb."""
    del passage
    found = _AUXILIARY.search(sentence)
    if not found or _NEGATION.search(sentence):
        return None
    return _replaced(sentence, found, f"{found.group()} not")


def asserted(sentence: str, passage: str) -> str | None:
    """Take the `not` away; None where there is none."""
    del passage
    found = _NEGATION.search(sentence)
    return _replaced(sentence, found, "") if found else None


def misquoted(sentence: str, passage: str) -> str | None:
    """Change one word inside a quotation; a sentence without one is quoted as a whole.

    The word is replaced by another of the passage, so that no word gives it away.
    """
    found = _QUOTE.search(sentence)
    quote = found["quote"] if found else sentence.strip().rstrip(".")
    told = set(_LONG_WORD.findall(sentence))
    others = [word for word in _LONG_WORD.findall(passage) if word not in told]
    words = list(_LONG_WORD.finditer(quote))
    if not words or not others:
        return None
    changed = _replaced(quote, words[len(words) // 2], others[len(others) // 2])
    return sentence.replace(quote, changed) if found else f'It says: "{changed}".'


def other_quantifier(sentence: str, passage: str) -> str | None:
    """Say `all` for `some`, `few` for `many`, and the like."""
    del passage
    return _exchanged(sentence, _QUANTIFIERS)


def opposite(sentence: str, passage: str) -> str | None:
    """Say `less` for `more`, `after` for `before`, and the like."""
    del passage
    return _exchanged(sentence, (*_OPPOSITES, *((other, word) for word, other in _OPPOSITES)))


def swapped_names(sentence: str, passage: str) -> str | None:
    """Let the first and the last name of the sentence change places."""
    del passage
    names = _names(sentence)
    if len(names) < 2 or set(names[0].group().split()) & set(names[-1].group().split()):
        return None
    first, last = names[0], names[-1]
    middle = sentence[first.end() : last.start()]
    return sentence[: first.start()] + last.group() + middle + first.group() + sentence[last.end() :]


def swapped_sides(sentence: str, passage: str) -> str | None:
    """Let what is before a verb and what is behind it change places: what causes what."""
    del passage
    body = sentence.strip().rstrip(".")
    found = _VERB.search(body)
    before, behind = (body[: found.start()].strip(), body[found.end() :].strip()) if found else ("", "")
    if not found or not before or not behind or "," in before:
        return None
    return f"{behind[0].upper()}{behind[1:]} {found.group()} {before[0].lower()}{before[1:]}."


CORRUPTIONS: dict[str, Corruption] = {
    "another number": other_number,
    "another number of the passage": number_of_the_passage,
    "another unit": other_unit,
    "another date": other_date,
    "another name of the passage": other_name,
    "not added": denied,
    "not removed": asserted,
    "a word of a quote": misquoted,
    "all for some": other_quantifier,
    "more for less": opposite,
    "two names swapped": swapped_names,
    "subject and object swapped": swapped_sides,
}
"""Each kind by its name in the report."""


def _plain_number(sentence: str) -> re.Match[str] | None:
    return next((one for one in _NUMBER.finditer(sentence) if not _YEAR.fullmatch(one.group())), None)


def _shifted(number: str, add: int) -> str:
    """Return the number with its first digit raised by `add`; 9 is followed by 1."""
    return str((int(number[0]) + 8 + add) % 9 + 1) + number[1:]


def _names(text: str) -> list[re.Match[str]]:
    return [one for one in _NAME.finditer(text) if not _BEGINNING.search(text[: one.start()])]


def _exchanged(sentence: str, pairs: tuple[tuple[str, str], ...]) -> str | None:
    for word, other in pairs:
        if found := re.search(rf"\b{word}\b", sentence):
            return _replaced(sentence, found, other)
    return None


def _replaced(text: str, found: re.Match[str], other: str) -> str:
    return text[: found.start()] + other + text[found.end() :]
