"""Whole sentences out of a stream of pieces, so that each can be checked before it is released."""

import re

from buttress.guardrails.markers import piece_spans

MAX_SENTENCE_CHARACTERS = 4_000
"""A text without the end of a sentence is released in pieces of this length: waiting must be bounded."""

_OPEN_MARKER = re.compile(r"[\"'”’»)\]]*\[[\d\s,;–-]*(?:\]\(?)?")
"""What may yet turn out to be, or not to be, a marker that belongs to the sentence before."""


class SentenceBuffer:
    """Takes the pieces of a stream, gives whole sentences: white space before, markers behind.

    All that `feed` and `finish` return, joined, is exactly what was fed; and it is the same sentences
    however the stream was cut. A sentence is given as soon as the next one has begun; only then it is
    certain where it ends.
    """

    def __init__(self) -> None:
        self._text = ""

    def feed(self, delta: str) -> list[str]:
        """Take the next piece of the stream; return the sentences that are whole now."""
        released: list[str] = []
        while delta:
            room = MAX_SENTENCE_CHARACTERS - len(self._text)
            self._text += delta[:room]
            delta = delta[room:]
            released += self._release()
        return released

    def finish(self) -> list[str]:
        """Return what is left, when the stream has ended; the buffer is empty then."""
        ends = [end for _, end in piece_spans(self._text)]
        return self._cut([*ends[:-1], len(self._text)] if self._text else [])

    def _release(self) -> list[str]:
        spans = piece_spans(self._text)
        ends = [end for _, end in spans[:-1]]
        if spans and _OPEN_MARKER.fullmatch(self._text, spans[-1][0]):
            ends = ends[:-1]
        if not ends and len(self._text) >= MAX_SENTENCE_CHARACTERS:
            ends = [len(self._text)]
        return self._cut(ends)

    def _cut(self, ends: list[int]) -> list[str]:
        starts = [0, *ends[:-1]]
        pieces = [self._text[start:end] for start, end in zip(starts, ends, strict=False)]
        self._text = self._text[ends[-1] :] if ends else self._text
        return pieces
