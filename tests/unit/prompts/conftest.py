"""Passages for the tests of this folder."""

from collections.abc import Callable

import pytest

from buttress.kernel.ids import ChunkId, DocumentId
from buttress.kernel.passages import Passage

MakePassage = Callable[..., Passage]


@pytest.fixture(scope="session")
def passage() -> MakePassage:
    """A maker of passages that differ in what the test says."""
    return make_passage


def make_passage(
    text: str, *, number: int = 1, title: str = "Refunds", document: str = "billing.md"
) -> Passage:
    """Return a passage with this text."""
    return Passage(
        chunk_id=ChunkId(f"ch_{number}"),
        document_id=DocumentId("doc_1"),
        document=document,
        title=title,
        section=("Money", "Back"),
        page=3,
        page_end=3,
        start=0,
        end=len(text),
        text=text,
        score=1.0,
        cosine=0.5,
        coverage=0.5,
    )
