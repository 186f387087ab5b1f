"""The clauses of a sentence, and what of a source's sentence a quotation of a part leaves out. Pure."""

import re
from itertools import pairwise

from buttress.guardrails.scales import CONDITIONS, DENIALS
from buttress.kernel.words import content_terms

_EDGE = re.compile(
    r"""[;:—](?=\s) | [,;]?\s(?:but|while|whereas|because|aber|während|weil|mais|pero|maar)(?=\s)
      | ,(?=\s)(?:\s(?:and|or|so|which|who|und|oder|et|y|e|en|och)(?=\s))?""",
    re.VERBOSE | re.IGNORECASE,
)
_MIN_TERMS = 3
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_NOT = re.compile(r"n['’]t$")
_STOP = re.compile(r"[.!?。！？](?=\s|$)|[:|](?=\s)|\n\s*\n|\n(?=\s*(?:[-*•#]|\d+[.)])\s)")
_ASIDE = re.compile(r"[,;—]\s")
_REACH = 400
"""Further than so many characters from a quotation its sentence is not looked through."""


def clauses(sentence: str) -> tuple[str, ...]:
    """Return the parts of a sentence that say something by themselves; none when it is but one."""
    ends = [0]
    for edge in _EDGE.finditer(sentence):
        if _says_something(sentence[ends[-1] : edge.start()]):
            ends.append(edge.end())
    if not _says_something(sentence[ends[-1] :]):
        ends.pop()  # too little to stand alone: it belongs to the clause before
    parts = (sentence[start:end] for start, end in pairwise([*ends, len(sentence)]))
    return tuple(parts) if len(ends) > 1 else ()


def _says_something(part: str) -> bool:
    return len(content_terms(part)) >= _MIN_TERMS


def is_cut_off(quoted: str, text: str, place: tuple[int, int]) -> bool:
    """Say whether a part of a source's sentence stands without what denies it or makes it conditional there.

    `quoted` is the part, `place` the characters of it in the source's `text`.
    """
    start, end = place
    before = _STOP.split(text[max(0, start - _REACH) : start])[-1]
    behind = _STOP.split(text[end : end + _REACH], maxsplit=1)[0]
    limits = (_words(before) | _words(behind)) & CONDITIONS
    return bool(limits - _words(quoted)) or _denies(_ASIDE.split(before)[-1])


def _denies(text: str) -> bool:
    return any(word in DENIALS or _NOT.search(word) for word in _words(text))


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.lower()))
