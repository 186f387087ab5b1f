"""Passages for the tests of this folder."""

from collections.abc import Callable

import pytest

from buttress.kernel.ids import ChunkId, DocumentId
from buttress.kernel.passages import Passage
from buttress.testing.passages import a_passage

MakePassage = Callable[..., Passage]


@pytest.fixture(scope="session")
def passage() -> MakePassage:
    """A maker of passages that differ in what the test says."""
    return make_passage


def make_passage(
    text: str, *, number: int = 1, title: str = "Refunds", document: str = "billing.md"
) -> Passage:
    """Return a passage with this text."""
    return a_passage(
        text,
        chunk_id=ChunkId(f"ch_{number}"),
        document_id=DocumentId("doc_1"),
        document=document,
        title=title,
        section=("Money", "Back"),
        page=3,
        page_end=3,
        cosine=0.5,
        coverage=0.5,
    )
