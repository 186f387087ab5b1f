"""A long text cut into pieces that fit a model, along its structure. Pure."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

import msgspec

from buttress.kernel.sentences import sentence_spans
from buttress.kernel.tokens import TokenCounter
from buttress.prompts.marks import neutralised
from buttress.prompts.reading_types import Part, Piece, Reading

PIECE = "piece"
"""The variable that holds a piece, and the name of its marks."""

_GAP_TOKENS = 2
"""What is between two parts takes at most: two line breaks, or what joins them."""

_ENOUGH = 0.5
"""A piece so full ends where the next section begins."""

_BLANK_LINE = re.compile(r"\n[^\S\n]*\n")

_WINDOW = 4_000
"""Sentences are looked for in windows of so many characters, which bounds the time on hostile text."""


def plain_reading(text: str) -> Reading:
    """Return a text without any structure but its paragraphs."""
    parts, start = list[Part](), 0
    for end in [*(found.start() for found in _BLANK_LINE.finditer(text)), len(text)]:
        said = text[start:end]
        if bare := said.strip():
            begin = start + len(said) - len(said.lstrip())
            parts.append(Part(start=begin, end=begin + len(bare)))
        start = end
    return Reading(text=text, parts=tuple(parts))


class _Grain(msgspec.Struct, frozen=True):
    """A part, or some of it, that fits; and how many tokens it takes."""

    part: Part
    tokens: int


def cut_reading(reading: Reading, room_tokens: int, counter: TokenCounter) -> tuple[Piece, ...]:
    """Return `reading` in pieces of at most `room_tokens` by `counter`, in order, nothing left out.

    A piece holds whole parts as far as they fit, ends before a section rather than behind its heading; a part
    that is too large is cut between sentences, then between words. `room_tokens` is at least 8: of less, some
    characters would fit into no piece.
    """
    cutter = _Cutter(reading, max(8, room_tokens), counter)
    pieces = [_piece(held) for held in cutter.pieces()]
    return tuple(msgspec.structs.replace(one, number=at) for at, one in enumerate(pieces, start=1))


class _Cutter:
    def __init__(self, reading: Reading, room: int, counter: TokenCounter) -> None:
        self._text = reading.text
        self._parts = reading.parts
        self._room = room
        self._counter = counter

    def pieces(self) -> Iterator[list[Part]]:
        held, used = list[_Grain](), 0
        for grain in (grain for part in self._parts for grain in self._grains(part)):
            while held and not self._takes(held, used, grain):
                count = _until(held)
                yield [one.part for one in held[:count]]
                held = held[count:]
                used = self._weight(held)
            used += grain.tokens + (self._gap(held[-1], grain) if held else 0)
            held.append(grain)
        if held:
            yield [one.part for one in held]

    def _takes(self, held: Sequence[_Grain], used: int, grain: _Grain) -> bool:
        """Say whether a piece that holds something, of `used` tokens, takes one more grain."""
        if grain.part.is_heading and not held[-1].part.is_heading and used >= _ENOUGH * self._room:
            return False
        return used + self._gap(held[-1], grain) + grain.tokens <= self._room

    def _weight(self, held: Sequence[_Grain]) -> int:
        gaps = (self._gap(one, other) for one, other in pairwise(held))
        return sum(one.tokens for one in held) + sum(gaps)

    def _gap(self, one: _Grain, other: _Grain) -> int:
        start, end = one.part.end, other.part.start
        return _GAP_TOKENS if end - start <= _GAP_TOKENS else self._count(start, end) + 1

    def _grains(self, part: Part) -> Iterator[_Grain]:
        tokens = self._count(part.start, part.end)
        if tokens <= self._room:
            yield _Grain(part, tokens)
            return
        for start, end in self._sentences(part):
            yield from self._finest(msgspec.structs.replace(part, start=start, end=end))

    def _sentences(self, part: Part) -> Iterator[tuple[int, int]]:
        at = part.start
        while at < part.end:
            stop = min(part.end, at + _WINDOW)
            spans = [(at + start, at + end) for start, end in sentence_spans(self._text[at:stop])]
            whole = spans if stop == part.end or len(spans) == 1 else spans[:-1]
            yield from whole
            at = whole[-1][1] if whole else stop

    def _finest(self, part: Part) -> Iterator[_Grain]:
        """Give a sentence whole, else in halves, cut between words where there is a gap between words."""
        tokens = self._count(part.start, part.end)
        if tokens <= self._room or part.end - part.start <= 1:
            yield _Grain(part, tokens)
            return
        middle = (part.start + part.end) // 2
        gap = self._text.rfind(" ", part.start + 1, middle)
        middle = gap if gap > 0 else middle
        for start, end in ((part.start, middle), (middle, part.end)):
            yield from self._finest(msgspec.structs.replace(part, start=start, end=end))

    def _count(self, start: int, end: int) -> int:
        return self._counter.count(neutralised(PIECE, self._text[start:end]))


def _until(held: Sequence[_Grain]) -> int:
    """Return how many of them end a piece: a heading stays with what follows it, unless there is no more."""
    count = len(held)
    while count > 0 and held[count - 1].part.is_heading:
        count -= 1
    return count or len(held)


def _piece(parts: Sequence[Part]) -> Piece:
    pages = [part.page for part in parts if part.page is not None]
    section = parts[0].section
    for part in parts:
        while part.section[: len(section)] != section:
            section = section[:-1]
    return Piece(
        number=0,
        start=parts[0].start,
        end=parts[-1].end,
        section=section,
        page=pages[0] if pages else None,
        page_end=pages[-1] if pages else None,
    )
