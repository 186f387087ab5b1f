"""Whole sentences out of a stream of pieces, so that each can be checked before it is released."""

import re

from buttress.guardrails.markers import piece_spans

MAX_SENTENCE_CHARACTERS = 2_000
"""A text without the end of a sentence is given in pieces of this length: waiting must be bounded."""

_OPEN_MARKER = re.compile(r"[\"'”’»)\]]*+\[[\d\s,;–-]*+(?:\]\(?)?")
"""What may yet turn out to be, or not to be, a marker that belongs to the sentence before."""
_MAY_END = re.compile(r"[.!?。！？\n]")
_BEGINS_ANEW = re.compile(r"\s\S|[。！？]")
_AT_ONCE = 400
_GROWTH = 8


class SentenceBuffer:
    """Takes the pieces of a stream, gives whole sentences: white space before, markers behind.

    All that `feed` and `finish` return, joined, is exactly what was fed; and it is the same sentences
    however the stream was cut. A sentence is given as soon as the next one has begun, since only then it is
    certain where it ends; behind more than 400 characters it may take an eighth of them longer, so that a
    long text without an end is not looked through again and again.
    """

    def __init__(self) -> None:
        self._text = ""
        self._looked_at = 0
        """The length of the text when it was looked through last."""
        self._may_end = False
        self._begins_anew = False

    def feed(self, delta: str) -> list[str]:
        """Take the next piece of the stream; return the sentences that are whole now."""
        released: list[str] = []
        for at in range(0, len(delta), MAX_SENTENCE_CHARACTERS):
            released += self._take(delta[at : at + MAX_SENTENCE_CHARACTERS])
        return released

    def finish(self) -> list[str]:
        """Return what is left, when the stream has ended; the buffer is empty then."""
        ends = [end for _, end in piece_spans(self._text)]
        return self._cut([*ends[:-1], len(self._text)] if self._text else [])

    def _take(self, piece: str) -> list[str]:
        released: list[str] = []
        while piece:
            room = MAX_SENTENCE_CHARACTERS - len(self._text)
            part, piece = piece[:room], piece[room:]
            self._may_end = self._may_end or bool(_MAY_END.search(part))
            self._begins_anew = self._begins_anew or bool(_BEGINS_ANEW.search(self._text[-1:] + part))
            self._text += part
            released += self._release() if self._is_worth_looking() else ()
        return released

    def _is_worth_looking(self) -> bool:
        length = len(self._text)
        if length >= MAX_SENTENCE_CHARACTERS:
            return True
        grown = length <= _AT_ONCE or length - self._looked_at > length // _GROWTH
        return grown and self._may_end and self._begins_anew

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
        self._looked_at, self._begins_anew = len(self._text), False
        self._may_end = bool(_MAY_END.search(self._text)) if ends else self._may_end
        return pieces
