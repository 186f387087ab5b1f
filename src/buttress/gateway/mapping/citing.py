"""Where in a long document a sentence of its answer stands: in which part of the piece that it cites."""

from bisect import bisect_left

import msgspec

from buttress.gateway.types import Sentence
from buttress.guardrails.markers import read_sentence, strip_markers
from buttress.guardrails.planted import cite_apart
from buttress.guardrails.support import standing
from buttress.kernel.ids import ChunkId
from buttress.kernel.passages import Passage
from buttress.kernel.words import content_words
from buttress.prompts.reading_types import Part, Piece, Reading


class Citer:
    """Cites parts of one document. Of a text that came with the question there is nothing to point to."""

    def __init__(self, reading: Reading, pieces: tuple[Piece, ...], content_share: float) -> None:
        self._reading = reading
        self._pieces = pieces
        self._content_share = content_share
        self._starts = [part.start for part in reading.parts]
        self._words: dict[int, frozenset[str]] = {}
        self._nowhere = self._passage(Part(start=0, end=0))

    def sentence(self, text: str) -> Sentence:
        """Return one sentence of the answer, with what it cites by the numbers of pieces."""
        if not self._reading.document:
            return Sentence(strip_markers(text), ())
        said = read_sentence(text)
        passages = [self._nowhere] * len(self._pieces)
        for number in said.numbers:
            if 1 <= number <= len(self._pieces):
                passages[number - 1] = self._nearest(self._pieces[number - 1], said.text)
        cited = cite_apart(text, passages, content_share=self._content_share)
        return Sentence(text, cited.citations, standing(cited) if text.strip() else None)

    def _nearest(self, piece: Piece, sentence: str) -> Passage:
        """Return the part of `piece` that has the sentence, else most words of it; the first of several."""
        wanted, needle = content_words(sentence).keys(), sentence.rstrip(".!? ")
        first = max(0, bisect_left(self._starts, piece.start + 1) - 1)
        behind = bisect_left(self._starts, piece.end)
        at = max(
            range(first, behind),
            key=lambda one: (needle in self._text_of(one), len(wanted & self._words_of(one))),
        )
        part = self._reading.parts[at]
        start, end = max(part.start, piece.start), min(part.end, piece.end)
        return self._passage(msgspec.structs.replace(part, start=start, end=end))

    def _text_of(self, at: int) -> str:
        part = self._reading.parts[at]
        return "" if part.is_heading else self._reading.text[part.start : part.end]

    def _words_of(self, at: int) -> frozenset[str]:
        if at not in self._words:
            self._words[at] = frozenset(content_words(self._text_of(at)))
        return self._words[at]

    def _passage(self, part: Part) -> Passage:
        reading = self._reading
        return Passage(
            chunk_id=ChunkId(""),
            document_id=reading.document_id,
            document=reading.document,
            title=reading.title,
            section=part.section,
            page=part.page,
            page_end=part.page,
            start=part.start,
            end=part.end,
            text=reading.text[part.start : part.end],
            score=0.0,
            cosine=0.0,
            coverage=0.0,
        )
