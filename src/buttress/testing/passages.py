"""Passages, made on the spot."""

import msgspec

from buttress.kernel.ids import ChunkId, DocumentId
from buttress.kernel.passages import Passage


def a_passage(text: str, **changes: object) -> Passage:
    """Return a passage that is the beginning of a document; `changes` are fields that are to be others."""
    made = Passage(
        chunk_id=ChunkId("c"),
        document_id=DocumentId("d"),
        document="page.md",
        title="A page",
        section=(),
        page=None,
        page_end=None,
        start=0,
        end=len(text),
        text=text,
        score=1.0,
        cosine=1.0,
        coverage=1.0,
    )
    return msgspec.structs.replace(made, **changes)
