"""Passages, what retrieval returns; and citations, the pointers from an answer into them."""

from collections.abc import Sequence
from enum import StrEnum
from urllib.parse import quote, urlencode

import msgspec

from buttress.kernel.ids import ChunkId, DocumentId


class Passage(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of a document that was found.

    `text` is exactly characters `start` to `end` of the document's stored normalised text. Pages are
    1-based, None where the format has none. `score` (0 to 1) is the calibrated score of the ranking: the
    probability that the passage answers, never in contradiction to the order. `cosine` (-1 to 1) and
    `coverage` (0 to 1, the share of the question's idf mass that the passage's words cover) depend on
    question and passage alone, however a search is set: relevance is decided on them.
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
        return place_of(self.document, self.page, self.page_end, self.section)


def place_of(document: str, page: int | None, page_end: int | None, section: Sequence[str]) -> str:
    """Return where something stands, as people are told everywhere: `handbook.pdf, page 12, Setup > Keys`."""
    pages = [] if page is None else [page_range(page, page_end)]
    return ", ".join([document, *pages, *([" > ".join(section)] if section else [])])


def page_range(first: int, last: int | None) -> str:
    """Return `page 3` or `pages 3-4`."""
    return f"page {first}" if last in (None, first) else f"pages {first}-{last}"


def link_to(document: DocumentId, page: int | None, start: int, end: int) -> str:
    """Return the path at which a server shows characters `start` to `end` of a document, marked.

    It counts in the scope of who opens it. The page is for who reads the address.
    """
    place = {"page": page} if page is not None else {}
    return f"/documents/{quote(document, safe='')}?{urlencode({**place, 'start': start, 'end': end})}#cited"


class CitationState(StrEnum):
    """Whether the cited characters bear the sentence out."""

    VERBATIM = "verbatim"
    SUPPORTED = "supported"
    UNSUPPORTED = "unsupported"


class Citation(msgspec.Struct, frozen=True, kw_only=True):
    """A pointer from one sentence of an answer to characters of one passage's document.

    `number` is the `[n]` of the answer's text; `sentence` the sentence it stands in, without markers.
    `start` and `end` are characters of the document's normalised text: the quoted words when the state is
    `verbatim`, else the whole passage. `place` says where that is, for people; `link` is the path at which a
    server shows it.
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
    place: str = ""
    link: str = ""


def cite(
    passage: Passage, number: int, sentence: str, state: CitationState, place: tuple[int, int]
) -> Citation:
    """Return the citation of `place` (start and end within the passage's text) under `[number]`."""
    start, end = passage.start + place[0], passage.start + place[1]
    return Citation(
        number=number,
        sentence=sentence,
        state=state,
        document_id=passage.document_id,
        document=passage.document,
        section=passage.section,
        page=passage.page,
        page_end=passage.page_end,
        start=start,
        end=end,
        quote=passage.text[slice(*place)],
        place=passage.place,
        link=link_to(passage.document_id, passage.page, start, end),
    )
