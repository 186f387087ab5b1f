"""Candidates, made on the spot."""

from buttress.kernel.ids import ChunkId, DocumentId
from buttress.knowledge.search_types import Candidate
from buttress.testing.passages import a_passage


def candidate(text: str, number: int = 0, document: str = "one") -> Candidate:
    """Return a candidate with this text."""
    passage = a_passage(
        text,
        chunk_id=ChunkId(str(number)),
        document_id=DocumentId(document),
        document=f"{document}.md",
        title=document,
        cosine=0.0,
        coverage=0.0,
    )
    return Candidate(passage, text)
