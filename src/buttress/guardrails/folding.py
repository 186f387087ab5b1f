"""Texts in the form in which quotations are looked for, and the way back to the original characters. Pure.

Two texts fold to the same when they differ only in case, white space, the kind of quotes and dashes, the
marks of Markdown emphasis, invisible characters, or citation markers. Each character is folded by itself,
so a part of a text folds to the same part of the folded text.
"""

import re
import unicodedata
from functools import lru_cache

import msgspec

from buttress.guardrails.markers import MARKER

_ALIKE = str.maketrans(
    {
        **dict.fromkeys("“”„«»‟″", '"'),
        **dict.fromkeys("‘’‚‛`´′", "'"),
        **dict.fromkeys("‐‑‒–—―−", "-"),
    }
)
_DROPPED = frozenset("*\u00ad\u200b\u200c\u200d\u2060\ufeff")
_MARKER = re.compile(rf"(?:(?<!\s)\s++)?{MARKER.pattern}")
_LIST_MARKER = re.compile(r"^(?:[-•#|]+|\d{1,3}[.)])\s+")
_OUTER = " .!?…。！？:;,\"'"


class Folded(msgspec.Struct, frozen=True):
    """A folded text; `places[i]` is where its i-th character stands in the original."""

    text: str
    places: tuple[int, ...]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return the characters of the original that `start` to `end` of the folded text come from."""
        return self.places[start], self.places[end - 1] + 1


def fold(text: str) -> Folded:
    """Return `text` folded; runs of white space become one blank, none at the ends."""
    characters: list[str] = []
    places: list[int] = []
    hidden = {place for found in _MARKER.finditer(text) for place in range(*found.span())}
    for place, character in enumerate(text):
        for one in "" if place in hidden else _folded(character):
            if one != " " or (characters and characters[-1] != " "):
                characters.append(one)
                places.append(place)
    if characters and characters[-1] == " ":
        characters.pop()
        places.pop()
    return Folded("".join(characters), tuple(places))


fold_kept = lru_cache(maxsize=128)(fold)
"""`fold` for passages, which every sentence of an answer is looked up in: the last 128 are kept."""


@lru_cache(maxsize=4_096)
def _folded(character: str) -> str:
    if character.isspace():
        return " "
    if character in _DROPPED:
        return ""
    plain = unicodedata.normalize("NFKC", character).casefold().translate(_ALIKE)
    return " ".join(plain.split()) if any(map(str.isspace, plain)) else plain


def normalised(text: str) -> str:
    """Return the folded words of a sentence: without the bullet before it, and the marks around it."""
    words, before = fold(text).text, None
    while words != before:
        words, before = _LIST_MARKER.sub("", words).strip(_OUTER), words
    return words


def find(needle: str, haystack: Folded) -> tuple[int, int] | None:
    """Return where the original of `haystack` has the normalised `needle`, as whole words; else None."""
    at = haystack.text.find(needle) if needle else -1
    while at >= 0:
        end = at + len(needle)
        if _is_edge(haystack, at) and _is_edge(haystack, end):
            return haystack.span(at, end)
        at = haystack.text.find(needle, at + 1)
    return None


def _is_edge(folded: Folded, at: int) -> bool:
    """Say whether neither a word nor one original character goes on across position `at`."""
    if at in (0, len(folded.text)):
        return True
    before, behind = folded.text[at - 1], folded.text[at]
    is_one_character = folded.places[at - 1] == folded.places[at]
    return not (is_one_character or (before.isalnum() and behind.isalnum()))
