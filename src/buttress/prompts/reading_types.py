"""The nouns of reading a long text in pieces."""

import msgspec

from buttress.kernel.ids import DocumentId
from buttress.kernel.passages import page_range


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A span of a text that is one thing: a paragraph, a table, a heading.

    `page` is the 1-based page it begins on, None where there are none; `section` are the headings above it.
    """

    start: int
    end: int
    section: tuple[str, ...] = ()
    page: int | None = None
    is_heading: bool = False


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """A long text: a document of a knowledge base, or what came with the question (`document` empty).

    `parts` do not overlap, and hold all of `text` that is not white space. `readers` are the principals who
    may see the document.
    """

    text: str
    parts: tuple[Part, ...]
    title: str = ""
    knowledge: str = ""
    document: str = ""
    document_id: DocumentId = DocumentId("")
    readers: tuple[str, ...] = ()


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """Characters `start` to `end` of a text, small enough for a model. `number` counts from 1.

    `section` is what all of it stands under; `page` and `page_end` are where its first and its last part
    begin.
    """

    number: int
    start: int
    end: int
    section: tuple[str, ...] = ()
    page: int | None = None
    page_end: int | None = None

    @property
    def place(self) -> str:
        """Where it stands, for people: `pages 12-14`, or `part 3`."""
        return f"part {self.number}" if self.page is None else page_range(self.page, self.page_end)


class PieceAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a model said of a piece, or of answers that it merged: kept under the hash of all it depends on.

    `knowledge` and `document_id` are empty where the text came with the question. A cost of None is unknown.
    """

    tenant: str
    digest: str
    feature: str
    knowledge: str = ""
    document_id: DocumentId = DocumentId("")
    answer: str
    model: str
    tokens: int
    cost_nanodollars: int | None
