"""From words with boxes to the lines that a PDF's text gives. Pure rules.

A box hugs its letters, so that its height says what they are rather than how large: `on` is lower than `by`.
Sizes and baselines are told by what a word's letters reach up and down to.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from statistics import median

import msgspec

from buttress.knowledge.parsing.pdf_lines import WIDE_GAP, Line, Page
from buttress.knowledge.pictures import Recognised, Word

_SMALL = frozenset("acegmnopqrsuvwxyz")
_LOW = frozenset("gjpqyçQ,;()[]{}|/§")
_X_HEIGHT = 0.52
_T_HEIGHT = 0.65
_TALL = 0.72
_DESCENT = 0.21
"""In sizes of a letter, as printed letters have them, of fonts with and without serifs."""

_ASCENT = 0.9
_NEAR = 0.15
"""Sizes nearer to each other than this are one: so much a scan and the letters of a line blur."""

_FIGURES = re.compile(r"(?:^|\s)[$€£(+-]*\d")
_RULE = re.compile(r"[|¦_]+")
"""What the lines between the cells of a table are taken for."""

_HYPHENATED = re.compile(r"[^\W\d_]-$")


def with_recognised(pages: Sequence[Page]) -> list[Page]:
    """Return the pages, those that were read off pictures with the lines that were found."""
    read = [
        msgspec.structs.replace(page, lines=tuple(_lines(page.number, page.recognised)))
        if page.recognised and page.recognised.words
        else page
        for page in pages
    ]
    usual = _usual_sizes(read)
    return [
        msgspec.structs.replace(page, lines=tuple(_in_size(line, usual) for line in page.lines))
        if page.recognised
        else page
        for page in read
    ]


def _usual_sizes(pages: Sequence[Page]) -> dict[float, float]:
    """Return for each size the usual one near it: of those near each other the one most letters have."""
    letters: Counter[float] = Counter()
    for page in pages:
        for line in page.lines:
            letters[line.size] += len(line.text)
    usual: dict[float, float] = {}
    for size in sorted(letters, key=lambda one: (-letters[one], one)):
        nearest = min(set(usual.values()), key=lambda one: (abs(one - size), one), default=size)
        usual[size] = nearest if abs(nearest - size) <= _NEAR * nearest else size
    return usual


def _in_size(line: Line, usual: dict[float, float]) -> Line:
    return msgspec.structs.replace(line, size=usual[line.size])


def _lines(number: int, found: Recognised) -> Iterator[Line]:
    words_of_lines = [word for word in found.words if not _RULE.fullmatch(word.text)]
    for _, words in groupby(words_of_lines, key=lambda word: word.line):
        yield _line(number, list(words), found)


def _line(number: int, words: Sequence[Word], found: Recognised) -> Line:
    size = median(_size(word) for word in _telling(words))
    baseline = median(word.bottom - _drop(word) * size for word in _telling(words))
    text = " ".join(word.text for word in words)
    bottom = found.top - (baseline + _DESCENT * size) * found.points
    return Line(
        page=number,
        text=text,
        left=found.left + min(word.left for word in words) * found.points,
        right=found.left + max(word.right for word in words) * found.points,
        bottom=bottom,
        top=bottom + (_DESCENT + _ASCENT) * size * found.points,
        size=max(0.5, round(2 * size * found.points) / 2),
        hyphenated=bool(_HYPHENATED.search(text)),
        cells=_cells(words, size) if _FIGURES.search(text) else (),
    )


def _telling(words: Sequence[Word]) -> Sequence[Word]:
    """Return the words whose height says how large they are: a dash alone does not."""
    return [word for word in words if any(letter.isalnum() for letter in word.text)] or words


def _size(word: Word) -> float:
    return (word.bottom - word.top) / (_reach(word) + _drop(word))


def _reach(word: Word) -> float:
    letters = {letter for letter in word.text if letter.isalnum()} or {""}
    return max(_X_HEIGHT if one in _SMALL else _T_HEIGHT if one == "t" else _TALL for one in letters)


def _drop(word: Word) -> float:
    return 0.0 if _LOW.isdisjoint(word.text) else _DESCENT


def _cells(words: Sequence[Word], size: float) -> tuple[str, ...]:
    """Return the pieces between gaps wider than any between words; none where it is one piece."""
    pieces = [[words[0].text]]
    for before, word in pairwise(words):
        if word.left - before.right > WIDE_GAP * size:
            pieces.append([])
        pieces[-1].append(word.text)
    return tuple(" ".join(piece) for piece in pieces) if len(pieces) > 1 else ()
