"""What tests of measuring share: passages, and a small index to search."""

from collections.abc import Callable
from pathlib import Path

import pytest

from buttress.kernel.clock import SystemClock
from buttress.kernel.ids import ChunkId, DocumentId
from buttress.kernel.passages import Passage
from buttress.kernel.scope import Scope
from buttress.knowledge.index.tables import Index, open_index
from buttress.knowledge.measuring.reading import ReadingReranker
from buttress.knowledge.search import Searcher
from buttress.knowledge.settings import EngineSettings
from buttress.knowledge.types import FolderSource, KnowledgeBase
from buttress.testing.documents import Written, rows_of_all
from buttress.testing.embedding import HashedWords
from buttress.testing.passages import a_passage

PassageMaker = Callable[..., Passage]


@pytest.fixture(scope="session")
def make_passage() -> PassageMaker:
    """Return a function that makes a passage of a document, with its section and text."""

    def make(chunk: str, document: str, text: str = "", section: tuple[str, ...] = ()) -> Passage:
        return a_passage(
            text,
            chunk_id=ChunkId(chunk),
            document_id=DocumentId(document),
            document=document,
            title="",
            section=section,
            score=0.0,
            cosine=0.0,
            coverage=0.0,
        )

    return make


GARDEN = KnowledgeBase(
    name="garden", tenant="green", sources=(FolderSource(folder="garden", readers=("*",)),)
)
GREEN = Scope("green")
ROSES = Written(
    path="roses.md",
    texts=("Growing roses\nRoses want sun.", "They are cut in March."),
    section=("Growing roses",),
)
MOSS = Written(path="moss.md", texts=("Keeping moss\nMoss wants shade.",), section=("Keeping moss",))
HIDDEN = Written(path="wages.md", texts=("Gardeners earn much.",), readers=("group:staff",))


@pytest.fixture
def words() -> HashedWords:
    """An embedder without a model."""
    return HashedWords(256)


@pytest.fixture
async def garden(tmp_path: Path, words: HashedWords) -> Index:
    """An index of a few documents, one of them not for everybody."""
    index = await open_index(tmp_path / "index")
    table = await index.make("garden", words.fingerprint, words.dimensions)
    await table.replace(rows_of_all([ROSES, MOSS, HIDDEN], words))
    return index


@pytest.fixture
def searcher(garden: Index, words: HashedWords) -> Searcher:
    """One that searches the garden, and re-ranks what it finds."""
    patient = EngineSettings(stage_timeout_s=30, call_timeout_s=60)
    return Searcher(garden, words, SystemClock(), patient, {"late": ReadingReranker(words)})
