"""Pieces of a document: blocks, and how a block too large for a chunk is cut finer. Pure rules.

A paragraph is cut into sentences, a table into rows, code into lines; what is still too large between words,
and a word only where nothing else is left.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from buttress.kernel.sentences import sentence_spans
from buttress.knowledge.types import Block, ParsedDocument, Span

Grain = Literal["heading", "block", "table", "code", "finest"]

CHARACTERS_PER_TOKEN = 16
"""What a tokenizer takes for one unknown word still counts: one token for so many characters."""

_WINDOW = 4_000
"""Sentences are looked for in windows of so many characters, which bounds the time on hostile text."""


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """A span that goes into a chunk whole, or is cut finer; `header` is the first row of its table."""

    start: int
    end: int
    section: tuple[str, ...]
    grain: Grain
    header: Span | None = None


class Measure:
    """Counts the tokens of any span of one text, by bisection of where its tokens begin."""

    def __init__(self, text: str, starts: Sequence[int]) -> None:
        self.text = text
        self._starts = starts

    def weigh(self, start: int, end: int) -> int:
        """Return the tokens of a span; never fewer than one for each 16 characters."""
        tokens = bisect_left(self._starts, end) - bisect_left(self._starts, start)
        return max(tokens, -(-(end - start) // CHARACTERS_PER_TOKEN))

    def reach(self, start: int, room: int) -> int:
        """Return the furthest end for which the span from `start` weighs at most `room`."""
        index = bisect_left(self._starts, start) + room
        by_tokens = self._starts[index] if index < len(self._starts) else len(self.text)
        return min(by_tokens, start + room * CHARACTERS_PER_TOKEN)


def pieces_of(document: ParsedDocument) -> Iterator[Piece]:
    """Give one piece for each block."""
    for block in document.blocks:
        yield Piece(start=block.start, end=block.end, section=block.section, grain=_grain(block))


def _grain(block: Block) -> Grain:
    match block.kind:
        case "heading" | "table" | "code":
            return block.kind
        case _:
            return "block"


def cut(piece: Piece, measure: Measure, room: int) -> list[Piece]:
    """Return `piece` as finer pieces, in order; of the finest grain, the first has at most `room` tokens.

    An empty list says that it cannot be cut: it is one character, or there is no room at all.
    """
    match piece.grain:
        case "table":
            spans = list(_lines(measure.text, piece.start, piece.end))
            return _finer(piece, spans, header=spans[0])
        case "code":
            return _finer(piece, list(_lines(measure.text, piece.start, piece.end)))
        case "heading" | "block":
            return _finer(piece, list(_sentences(measure.text, piece.start, piece.end)))
        case "finest":
            return _finer(piece, _halves(piece, measure, room), header=piece.header)


def _finer(piece: Piece, spans: Sequence[Span], header: Span | None = None) -> list[Piece]:
    return [
        Piece(
            start=start,
            end=end,
            section=piece.section,
            grain="finest",
            header=header if header and start >= header[1] else None,
        )
        for start, end in spans
    ]


def _lines(text: str, start: int, end: int) -> Iterator[Span]:
    while start < end:
        stop = text.find("\n", start, end)
        stop = end if stop < 0 else stop
        if not text[start:stop].isspace() and start < stop:
            yield start, stop
        start = stop + 1


def _sentences(text: str, start: int, end: int) -> Iterator[Span]:
    """Give the sentences of a span; the last one of a window is looked at again with what follows it."""
    while start < end:
        stop = min(end, start + _WINDOW)
        spans = [(start + first, start + last) for first, last in sentence_spans(text[start:stop])]
        whole = spans if stop == end or len(spans) == 1 else spans[:-1]
        yield from whole
        start = whole[-1][1] if whole else stop


def _halves(piece: Piece, measure: Measure, room: int) -> list[Span]:
    """Cut once: at the last white space that leaves at most `room` tokens before it, else inside the word."""
    text, furthest = measure.text, min(measure.reach(piece.start, room), piece.end)
    if furthest <= piece.start or piece.end - piece.start <= 1:
        return []
    if furthest == piece.end:
        furthest -= 1
    stop = furthest
    while stop > piece.start and not text[stop].isspace():
        stop -= 1
    stop = stop if text[piece.start : stop].strip() else furthest
    follows = stop
    while text[follows].isspace():
        follows += 1
    return [(piece.start, stop), (follows, piece.end)]
