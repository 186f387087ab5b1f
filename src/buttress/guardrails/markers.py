"""The citation markers of an answer: `[1]`, `[1][2]`, `[1, 2]`, `[1-3]`. Pure."""

import re
from collections.abc import Collection

import msgspec

from buttress.kernel.sentences import sentence_spans

MARKER = re.compile(r"\[\s?\d{1,3}(?:\s?[-–,;]\s?\d{1,3})*\s?\]")
_LEADING = re.compile(rf"(?:\s*+{MARKER.pattern})++(?!\()")
_ITEM_NUMBER = re.compile(r"\d{1,3}[.)]")
_SPACED = re.compile(rf"(?:(?<!\s)\s++)?{MARKER.pattern}(?!\()")
_RANGE = re.compile(r"(\d+)\s?[-–]\s?(\d+)")
_MAX_RANGE = 20
"""`[1-999]` is no citation of 999 passages; a range longer than this stands for its two ends."""


class MarkedSentence(msgspec.Struct, frozen=True):
    """A sentence of an answer: its text without markers, and the numbers it cites, each once, in order."""

    text: str
    numbers: tuple[int, ...]


def piece_spans(text: str) -> list[tuple[int, int]]:
    """Return the (start, end) of each sentence of an answer, with the markers that follow it.

    Like `kernel.sentences.sentence_spans`; but markers of every form, that stand at the beginning of a
    sentence, belong to the one before, and the number of a list item (`1.`) to the sentence behind it.
    """
    spans: list[tuple[int, int]] = []
    for start, end in sentence_spans(text):
        if spans and _ITEM_NUMBER.fullmatch(text, *spans[-1]):
            start, _ = spans.pop()  # noqa: PLW2901 - the sentence begins at its number
        elif spans and (leading := _LEADING.match(text, start, end)):
            spans[-1] = (spans[-1][0], leading.end())
            start = _first_after(text, leading.end(), end)  # noqa: PLW2901 - what is left of the sentence
        if start < end:
            spans.append((start, end))
    return spans


def _first_after(text: str, start: int, end: int) -> int:
    while start < end and text[start].isspace():
        start += 1
    return start


def read_sentence(text: str) -> MarkedSentence:
    """Take the markers off one sentence. `[1](http://…)` is a link, not a marker."""
    numbers = [number for found in _SPACED.finditer(text) for number in _numbers(found.group())]
    return MarkedSentence(_SPACED.sub("", text).strip(), tuple(dict.fromkeys(numbers)))


def strip_markers(text: str) -> str:
    """Return `text` without its markers and the white space before them."""
    return _SPACED.sub("", text)


def without_numbers(text: str, numbers: Collection[int]) -> str:
    """Return `text` with `numbers` taken out of its markers; a marker that is empty then goes whole."""
    return _SPACED.sub(lambda found: _kept(found.group(), numbers), text) if numbers else text


def _kept(marker: str, without: Collection[int]) -> str:
    kept = [number for number in _numbers(marker) if number not in without]
    if len(kept) == len(_numbers(marker)):
        return marker
    gap = marker[: len(marker) - len(marker.lstrip())]
    return f"{gap}[{', '.join(map(str, kept))}]" if kept else ""


def _numbers(marker: str) -> list[int]:
    spread = _RANGE.sub(lambda found: _spread(int(found[1]), int(found[2])), marker)
    return [int(number) for number in re.findall(r"\d+", spread)]


def _spread(first: int, last: int) -> str:
    is_range = 0 <= last - first <= _MAX_RANGE
    return ",".join(map(str, range(first, last + 1) if is_range else (first, last)))
