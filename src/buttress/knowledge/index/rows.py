"""The rows of the index: what is held of a document, and its way into LanceDB's columns and back. Pure."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from buttress.kernel.ids import ChunkId, DocumentId
from buttress.kernel.passages import Passage
from buttress.knowledge.index.resident import Matrix, Rows, matrix_of
from buttress.knowledge.index.visibility import Access, reader_mark, source_mark, tenant_mark
from buttress.knowledge.ports import Vectors
from buttress.knowledge.search_types import Candidate, Hit, Placed
from buttress.knowledge.types import Chunk

if TYPE_CHECKING:
    import pyarrow as pa
    from lancedb.index import FTS, Bitmap, LabelList

SCHEMA_VERSION = 2
"""Raised whenever the columns change: tables of another version are built anew."""

SHOWN = (
    "chunk_id", "document_id", "document", "title", "section",
    "page", "page_end", "start", "end", "text", "searched", "before",
)  # fmt: skip
"""The columns that a candidate is made of."""

LONGEST_WORD_BYTES = 39
"""Of longer words the text index keeps nothing: nearly all are data that somebody pasted."""

RESIDENT = ("chunk_id", "tenant", "source", "readers", "vector")
"""The columns that a matrix is made of."""

_TEXTS = (
    "chunk_id", "document_id", "document", "title", "text", "searched", "before", "embed_key", "tenant",
    "source", "state",
)  # fmt: skip
_NUMBERS = ("page", "page_end", "start", "end")


class DocumentRows(msgspec.Struct, frozen=True, kw_only=True):
    """All that the index holds of one document; `vectors` are those of its chunks, in their order.

    `tokens` are what is stored of the chunks' token vectors (`reranking.reduced`); there are none where
    nobody re-ranks by them. `state` names what the rows were made from: equal states, equal rows.
    """

    document_id: DocumentId
    document: str
    title: str
    tenant: str
    readers: tuple[str, ...]
    source: str = ""
    state: str
    chunks: tuple[Chunk, ...]
    vectors: tuple[Vectors, ...]
    tokens: tuple[bytes, ...] = ()


class Stored(msgspec.Struct, frozen=True):
    """What the model made of a chunk: its vector, and its tokens' as they are kept (empty: they are not)."""

    vector: Vectors
    tokens: bytes = b""


def schema_of(dimensions: int) -> "pa.Schema":
    """Return the columns of a table of vectors of so many numbers."""
    import pyarrow as pa  # noqa: PLC0415 - heavy

    return pa.schema(
        [
            *((name, pa.string()) for name in _TEXTS),
            *((name, pa.int32()) for name in _NUMBERS),
            ("section", pa.list_(pa.string())),
            ("readers", pa.list_(pa.string())),
            ("tokens", pa.binary()),
            ("vector", pa.list_(pa.float32(), dimensions)),
        ]
    )


def column_indices() -> "dict[str, FTS | Bitmap | LabelList]":
    """Return the index of each column that has one; rows that are not in it yet are scanned."""
    from lancedb.index import FTS, Bitmap, LabelList  # noqa: PLC0415 - heavy

    # Positions are left out: phrases are never asked for, and they double the index.
    text = FTS(
        base_tokenizer="simple",
        language="English",
        max_token_length=LONGEST_WORD_BYTES + 1,  # it keeps what has fewer bytes
        stem=True,
        remove_stop_words=True,
        ascii_folding=True,
    )
    # Who may see a row: of 50,000 rows the condition takes 0.4 ms of a BM25 search with these, 3 ms without.
    return {"searched": text, "tenant": Bitmap(), "readers": LabelList(), "source": Bitmap()}


def arrow_of(documents: Sequence[DocumentRows], schema: "pa.Schema") -> "pa.Table":
    """Return the rows of `documents` as columns of `schema`."""
    import numpy as np  # noqa: PLC0415 - heavy
    import pyarrow as pa  # noqa: PLC0415 - heavy

    rows = [row for one in documents for row in _rows(one)]
    vectors = np.stack([vector for one in documents for vector in one.vectors]).astype(np.float32)
    without_vector = pa.schema([field for field in schema if field.name != "vector"])
    table = pa.Table.from_pylist(rows, schema=without_vector)
    width = schema.field("vector").type.list_size
    return table.append_column("vector", pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), width))


def vectors_of(rows: "pa.Table", dimensions: int) -> Vectors:
    """Return the vectors in `rows`, each of so many numbers."""
    import numpy as np  # noqa: PLC0415 - heavy

    parts = [part.flatten().to_numpy() for part in rows["vector"].chunks] or [np.empty(0, np.float32)]
    vectors: Vectors = np.concatenate(parts).reshape(-1, dimensions)
    return vectors


def stored_of(rows: "pa.Table", dimensions: int) -> list[Stored]:
    """Return what the model made of each of `rows`, in their order; tokens where those were read."""
    vectors = vectors_of(rows, dimensions)
    if "tokens" not in rows.column_names:
        return [Stored(vector) for vector in vectors]
    return [Stored(*one) for one in zip(vectors, rows["tokens"].to_pylist(), strict=True)]


def resident_of(rows: "pa.Table", version: str, dimensions: int) -> Matrix:
    """Return the vectors in `rows`, which are all of a version, as they are kept in memory."""
    known: dict[tuple[str, tuple[str, ...], str], Access] = {}
    columns = (rows[name].to_pylist() for name in ("tenant", "readers", "source"))
    accesses = [
        known.setdefault((tenant, tuple(readers), source), Access(tenant, frozenset(readers), source))
        for tenant, readers, source in zip(*columns, strict=True)
    ]
    every = Rows(
        vectors=vectors_of(rows, dimensions),
        row_ids=rows["_rowid"].to_numpy(),
        chunk_ids=rows["chunk_id"].to_pylist(),
        accesses=accesses,
    )
    return matrix_of(version, every)


def hits_of(rows: "pa.Table", scores: Iterable[float], cosines: Iterable[float | None]) -> list[Hit]:
    """Return `rows` that were found, best first; those of equal scores by their ids."""
    columns = (rows["_rowid"].to_pylist(), rows["chunk_id"].to_pylist(), scores, cosines)
    hits = [Hit(*one) for one in zip(*columns, strict=True)]
    return sorted(hits, key=lambda one: (-one.score, one.chunk_id))


def candidate_of(row: dict[str, Any], hit: Hit) -> Candidate:
    """Return the candidate of a hit, whose row is `row`."""
    beside = {name: row[name] for name in SHOWN if name not in ("searched", "before")}
    shown = beside | {"section": tuple(row["section"])}
    cosine = 0.0 if hit.cosine is None else max(-1.0, min(1.0, hit.cosine))
    passage = Passage(**shown, score=hit.score, cosine=cosine, coverage=0.0)
    return Candidate(passage, row["searched"], row["before"])


def placed_of(rows: "pa.Table") -> list[Placed]:
    """Return where each of `rows` stands."""
    columns = (rows[name].to_pylist() for name in ("_rowid", "chunk_id", "document", "section"))
    return [
        Placed(row_id, ChunkId(chunk_id), document, tuple(section))
        for row_id, chunk_id, document, section in zip(*columns, strict=True)
    ]


def _rows(document: DocumentRows) -> list[dict[str, object]]:
    shared = {
        "document_id": document.document_id,
        "document": document.document,
        "title": document.title,
        "tenant": tenant_mark(document.tenant),
        "source": source_mark(document.tenant, document.source),
        "readers": [reader_mark(one) for one in document.readers],
        "state": document.state,
    }
    tokens = document.tokens or (b"",) * len(document.chunks)
    return [
        shared | _chunk_columns(chunk) | {"tokens": kept or None}
        for chunk, kept in zip(document.chunks, tokens, strict=True)
    ]


def _chunk_columns(chunk: Chunk) -> dict[str, object]:
    return {
        "chunk_id": chunk.chunk_id,
        "section": list(chunk.section),
        "page": chunk.page,
        "page_end": chunk.page_end,
        "start": chunk.start,
        "end": chunk.end,
        "text": chunk.text,
        "searched": chunk.embedded,
        "before": chunk.before,
        "embed_key": chunk.embed_key,
    }
