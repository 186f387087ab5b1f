"""Passages, what retrieval returns; and citations, the pointers from an answer into them."""

from enum import StrEnum

import msgspec

from buttress.kernel.ids import ChunkId, DocumentId


class Passage(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of a document that was found.

    `text` is exactly characters `start` to `end` of the document's stored normalised text. Pages are
    1-based, None where the format has none. `score` is the final, fused score: comparable within one
    search only. `cosine` (-1 to 1) and `coverage` (0 to 1, the share of the question's idf mass that the
    passage's words cover) are comparable between searches: relevance is decided on them.
    """

    chunk_id: ChunkId
    document_id: DocumentId
    document: str
    title: str
    section: tuple[str, ...]
    page: int | None
    page_end: int | None
    start: int
    end: int
    text: str
    score: float
    cosine: float
    coverage: float

    @property
    def place(self) -> str:
        """Where the passage stands, for people: `billing/refunds.md, page 3, Refunds > Annual plans`."""
        pages = "" if self.page is None else f", {page_range(self.page, self.page_end)}"
        section = f", {' > '.join(self.section)}" if self.section else ""
        return f"{self.document}{pages}{section}"


def page_range(first: int, last: int | None) -> str:
    """Return `page 3` or `pages 3-4`."""
    return f"page {first}" if last in (None, first) else f"pages {first}-{last}"


class CitationState(StrEnum):
    """Whether the cited characters bear the sentence out."""

    VERBATIM = "verbatim"
    SUPPORTED = "supported"
    UNSUPPORTED = "unsupported"


class Citation(msgspec.Struct, frozen=True, kw_only=True):
    """A pointer from one sentence of an answer to characters of one passage's document.

    `number` is the `[n]` of the answer's text; `sentence` the sentence it stands in, without markers.
    `start` and `end` are characters of the document's normalised text: the quoted words when the state is
    `verbatim`, else the whole passage.
    """

    number: int
    sentence: str
    state: CitationState
    document_id: DocumentId
    document: str
    section: tuple[str, ...]
    page: int | None
    page_end: int | None
    start: int
    end: int
    quote: str


def cite(
    passage: Passage, number: int, sentence: str, state: CitationState, place: tuple[int, int]
) -> Citation:
    """Return the citation of `place` (start and end within the passage's text) under `[number]`."""
    start, end = place
    return Citation(
        number=number,
        sentence=sentence,
        state=state,
        document_id=passage.document_id,
        document=passage.document,
        section=passage.section,
        page=passage.page,
        page_end=passage.page_end,
        start=passage.start + start,
        end=passage.start + end,
        quote=passage.text[start:end],
    )
