"""What a sentence claims that can be looked up: numbers, units, names, addresses; and its words. Pure.

Facts are deterministic and cost nothing to compare, and it is wrong facts that cost most: so they must all
be in the passage, while of the other words most are enough.
"""

import re

import msgspec

from buttress.kernel.sentences import split_sentences
from buttress.kernel.words import STOP_WORDS, content_terms, plain_number, stem, words

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_AFTER_NUMBER = re.compile(r"\d\s?(?P<unit>%|[^\W\d_]+)")
_CURRENCY = re.compile(r"[$€£¥₹]")
_ADDRESS = re.compile(r"https?://[^\s<>\"')\]]+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_WORD = re.compile(r"[^\W\d_](?:[\w'’&-]*\w)?")
_NEGATION = re.compile(
    r"\b(?:not|no|never|none|nobody|nothing|neither|nor|without|cannot|unable|\w+n['’]t)\b", re.IGNORECASE
)
_UNITS = frozenset(
    map(
        stem,
        """ms second minute hour day week month quarter year percent byte kb mb gb tb g kg mm cm m km mile
        euro dollar pound cent eur usd gbp chf""".split(),  # noqa: SIM905 - a list of words
    )
)
_NUMERALS = {
    word: str(number)
    for number, word in enumerate(
        "two three four five six seven eight nine ten eleven twelve".split(),  # noqa: SIM905 - words
        start=2,  # `one` is mostly no number: no one, one of them
    )
}
_UNIT_OF = {"%": "percent"}


class Claim(msgspec.Struct, frozen=True):
    """What a text says: hard `facts`, stems of its `terms`, and whether it denies something."""

    facts: frozenset[str]
    terms: frozenset[str]
    is_negated: bool


def claim_of(sentence: str) -> Claim:
    """Return what `sentence` claims."""
    return Claim(
        facts=frozenset({*_numbers(sentence), *_units(sentence), *_names(sentence), *_addresses(sentence)}),
        terms=frozenset(content_terms(sentence)),
        is_negated=bool(_NEGATION.search(sentence)),
    )


def holds(passage: str, facts: frozenset[str]) -> bool:
    """Say whether all `facts` are in `passage`."""
    said = {stem(word) for word in words(passage)}
    known = {
        *_numbers(passage),
        *_units(passage),
        *_addresses(passage),
        *(f"name:{word}" for word in said),
    }
    return facts <= known


def share_of_terms(passage: str, terms: frozenset[str]) -> float:
    """Return the share of `terms` that are in `passage`; 0 when there are none to look for."""
    return len(terms & frozenset(content_terms(passage))) / len(terms) if terms else 0.0


def is_contradicted(claim: Claim, passage: str) -> bool:
    """Say whether the nearest sentence of `passage` denies what the claim asserts, or the other way round."""
    prose = (
        line for line in passage.splitlines() if " | " not in line
    )  # a cell that says `no` denies nothing
    sentences = (sentence for line in prose for sentence in split_sentences(line))
    like = [(share_of_terms(sentence, claim.terms), sentence) for sentence in sentences]
    share, nearest = max(like, default=(0.0, ""))
    return share >= 0.6 and bool(_NEGATION.search(nearest)) != claim.is_negated


def _numbers(text: str) -> set[str]:
    text = _ADDRESS.sub(" ", text)
    plain = {f"number:{plain_number(found.group())}" for found in _NUMBER.finditer(text)}
    spelt = {f"number:{_NUMERALS[word]}" for word in words(text) if word in _NUMERALS}
    signs = {f"currency:{sign}" for sign in _CURRENCY.findall(text)}
    return plain | spelt | signs


def _units(text: str) -> set[str]:
    """Return the units of measure that follow a number."""
    found = (stem(_UNIT_OF.get(one["unit"], one["unit"])) for one in _AFTER_NUMBER.finditer(text))
    return {f"unit:{unit}" for unit in found if unit in _UNITS}


def _addresses(text: str) -> set[str]:
    return {f"address:{found.group().rstrip('.,;:!?/').lower()}" for found in _ADDRESS.finditer(text)}


def _names(sentence: str) -> set[str]:
    """Return the words that look like names: capitals inside a sentence, or more than one of them."""
    text = _ADDRESS.sub(" ", sentence)
    found = [one for one in _WORD.finditer(text) if one.group().lower() not in STOP_WORDS]
    return {
        f"name:{stem(word)}"
        for one in found
        if _is_name(one.group(), is_first=not text[: one.start()].strip(" \"'“‘(*-•"))
        for word in words(one.group())
    }


def _is_name(word: str, *, is_first: bool) -> bool:
    if any(map(str.isupper, word[1:])):
        return True
    return word[0].isupper() and not is_first
