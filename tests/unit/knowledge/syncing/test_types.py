"""The nouns of taking documents in."""

import pytest

from buttress.kernel.ids import DocumentId
from buttress.knowledge.errors import SourceMissing
from buttress.knowledge.sources.types import Entry
from buttress.knowledge.syncing.types import Listed, Progress, Sources
from buttress.knowledge.types import FolderSource


def test_a_source_is_away_by_its_label() -> None:
    found = Sources((), (), (("docs", SourceMissing("away")),))
    assert found.is_away("docs")
    assert not found.is_away("doc")


def test_a_document_has_the_path_that_its_source_lists() -> None:
    source = FolderSource(folder="docs", readers=("*",))
    one = Listed(document_id=DocumentId("d"), entry=Entry(path="sub/a.md"), source=source)
    assert one.path == "sub/a.md"


@pytest.mark.parametrize(("elapsed_s", "rate"), [(0.0, 0.0), (4.0, 25.0)])
def test_the_rate_of_no_time_is_none(elapsed_s: float, rate: float) -> None:
    told = Progress(files=1, files_done=0, pages=0, chunks=0, chunks_done=0, tokens=100, elapsed_s=elapsed_s)
    assert told.tokens_per_s == rate
