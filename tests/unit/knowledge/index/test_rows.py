"""Rows as LanceDB holds them."""

import msgspec
import numpy as np
import pytest

from buttress.kernel.scope import Scope
from buttress.knowledge.index.rows import SCHEMA_VERSION, arrow_of, resident_of, schema_of, stored_of
from buttress.testing.documents import Written, rows_of
from buttress.testing.embedding import HashedWords

pa = pytest.importorskip("pyarrow")

EMBEDDER = HashedWords()
SCHEMA = schema_of(EMBEDDER.dimensions)
PUBLIC = rows_of(Written(path="a.md", texts=("alpha", "beta"), section=("Top", "Part")), EMBEDDER)
SECRET = rows_of(Written(path="b.md", texts=("gamma",), readers=("staff",), tenant="blue"), EMBEDDER)


def test_columns_are_those_of_their_version() -> None:
    """Another set of columns needs another `SCHEMA_VERSION`: rows of before would be misread."""
    assert SCHEMA_VERSION == 2
    assert SCHEMA.names == [
        "chunk_id", "document_id", "document", "title", "text", "searched", "before", "embed_key", "tenant",
        "source", "state", "page", "page_end", "start", "end", "section", "readers", "tokens", "vector",
    ]  # fmt: skip


def test_a_document_comes_back_as_it_went_in() -> None:
    """A row a chunk; who may see it stands there as marks, never as names."""
    rows = arrow_of([PUBLIC, SECRET], SCHEMA)
    assert rows["text"].to_pylist() == ["alpha", "beta", "gamma"]
    assert rows["section"].to_pylist() == [["Top", "Part"]] * 2 + [[]]
    assert rows["tokens"].to_pylist() == [None] * 3
    assert not {"staff", "blue", "green"} & {rows["tenant"][2].as_py(), *rows["readers"][2].as_py()}
    vectors = np.array([one.vector for one in stored_of(rows.drop_columns("tokens"), EMBEDDER.dimensions)])
    assert vectors == pytest.approx(np.stack([*PUBLIC.vectors, *SECRET.vectors]))


def test_tokens_come_back_where_they_were_read() -> None:
    """In the order of the chunks."""
    rows = arrow_of([msgspec.structs.replace(PUBLIC, tokens=(b"one", b"two"))], SCHEMA)
    assert [one.tokens for one in stored_of(rows, EMBEDDER.dimensions)] == [b"one", b"two"]


def test_tokens_are_those_of_every_chunk_or_of_none() -> None:
    """A document of which some are missing was put together wrongly."""
    with pytest.raises(ValueError, match="argument"):
        arrow_of([msgspec.structs.replace(PUBLIC, tokens=(b"one",))], SCHEMA)


def test_in_memory_each_sees_their_own() -> None:
    """The vectors as they are searched."""
    rows = arrow_of([SECRET, PUBLIC, SECRET], SCHEMA)
    rows = rows.append_column("_rowid", pa.array(range(len(rows)), pa.uint64()))
    matrix = resident_of(rows, "7", EMBEDDER.dimensions)
    query = EMBEDDER.embed(["beta"])[0]
    assert [one.row_id for one in matrix.nearest(query, Scope("green"), 9)] == [2, 1]
    assert matrix.nearest(query, Scope("blue"), 9) == []
    assert [one.row_id for one in matrix.nearest(query, Scope("blue", frozenset({"staff"})), 9)] == [0, 3]
    assert matrix.version == "7"
