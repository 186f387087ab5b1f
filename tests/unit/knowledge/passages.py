"""Candidates, made on the spot."""

from buttress.kernel.ids import ChunkId, DocumentId
from buttress.kernel.passages import Passage
from buttress.knowledge.search_types import Candidate


def candidate(text: str, number: int = 0, document: str = "one") -> Candidate:
    """Return a candidate with this text."""
    passage = Passage(
        chunk_id=ChunkId(str(number)),
        document_id=DocumentId(document),
        document=f"{document}.md",
        title=document,
        section=(),
        page=None,
        page_end=None,
        start=0,
        end=len(text),
        text=text,
        score=1.0,
        cosine=0.0,
        coverage=0.0,
    )
    return Candidate(passage, text)
