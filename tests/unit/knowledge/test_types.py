"""The nouns of documents."""

import msgspec
import pytest

from buttress.kernel.ids import ChunkId, DocumentId
from buttress.knowledge.types import Chunk, ChunkSettings, FolderSource, SearchSettings, document_id


def chunk(start: int = 0, text: str = "text", context: str = "Title") -> Chunk:
    """Return a chunk."""
    return Chunk(
        chunk_id=ChunkId("c"),
        document_id=DocumentId("d"),
        ordinal=0,
        start=start,
        end=start + len(text),
        text=text,
        section=(),
        page=None,
        page_end=None,
        context=context,
    )


def test_a_chunk_that_moved_keeps_its_vector() -> None:
    """The key is of what is embedded, not of where it stands."""
    assert chunk(0).embed_key == chunk(99).embed_key
    assert chunk(text="other").embed_key != chunk().embed_key
    assert chunk(context="Other").embed_key != chunk().embed_key


def test_what_is_embedded() -> None:
    """Context on a line of its own; none, no line."""
    assert chunk().embedded == "Title\ntext"
    assert chunk(context="").embedded == "text"


def test_a_document_is_told_apart_by_base_source_and_path() -> None:
    """And by nothing else: its content changes, its id stays."""
    ids = {
        document_id(*parts) for parts in [("a", "b", "c"), ("ab", "", "c"), ("a", "bc", ""), ("a", "b", "d")]
    }
    assert len(ids) == 4
    assert document_id("a", "b", "c") == document_id("a", "b", "c")


def test_a_source_is_called_by_its_name_or_folder() -> None:
    """`readers` says who may see it."""
    source = FolderSource(folder="docs", readers=("*",))
    assert source.label == "docs"
    assert FolderSource(folder="docs", readers=("staff",), name="n").label == "n"


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        pytest.param(ChunkSettings, {"max_tokens": 5}, id="too small a budget"),
        pytest.param(SearchSettings, {"limit": 0}, id="no results"),
        pytest.param(SearchSettings, {"fusion": "best"}, id="an unknown fusion"),
        pytest.param(FolderSource, {"folder": "a", "readers": []}, id="nobody may read it"),
        pytest.param(FolderSource, {"folder": "a"}, id="it is not said who may read it"),
    ],
)
def test_values_out_of_bounds_are_refused(kind: type[msgspec.Struct], values: dict[str, object]) -> None:
    """When they are read from a file."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(values, kind)
