"""The index: one LanceDB table for each knowledge base and embedder, in one folder. The adapter of LanceDB.

A table's name says what it is of: `NAME.FINGERPRINT.vN`, the knowledge base, the embedder, the schema. So
another embedder, or a later Buttress with other columns, never reads rows it would misunderstand. A search
opens the table anew (0.3 ms): it sees the newest commit of any process, and all its stages see the same one.

lancedb and pyarrow are imported when an index is opened, never before: they take a second and 160 MB.
"""

import asyncio
import importlib.util
import os
import secrets
import sys
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import msgspec

from buttress.kernel.ids import DocumentId
from buttress.kernel.passages import Passage
from buttress.knowledge.errors import EmbedderChanged, ExtraMissing, IndexFailed, NotIngested
from buttress.knowledge.ports import Vectors
from buttress.knowledge.resident import Matrix
from buttress.knowledge.search_types import Candidate, Hit
from buttress.knowledge.types import Chunk
from buttress.knowledge.visibility import Access, any_of, reader_mark, tenant_mark

if TYPE_CHECKING:
    import pyarrow as pa
    from lancedb.db import AsyncConnection
    from lancedb.index import FTS, Bitmap, LabelList
    from lancedb.table import AsyncTable

SCHEMA_VERSION = 1
"""Raised whenever the columns change: tables of another version are built anew."""

_TEXT_INDEX = "searched_idx"
_SHOWN = [
    "chunk_id", "document_id", "document", "title", "section",
    "page", "page_end", "start", "end", "text",
]  # fmt: skip
_MADE = b"buttress.made"  # tells a table from an earlier one of its name, whose versions had the same numbers
_REST_CLIENT = "lance_namespace_urllib3_client"
_KEYS_AT_ONCE = 1_000
_TIDY_FROM_ROWS = 100  # a query costs 0.04 ms more for each row that waits
_TIDY_FROM_FRAGMENTS = 20
_TIDY_MEANWHILE_ROWS = 2_000
_KEEP_VERSIONS_FOR = timedelta(minutes=10)  # longer than any search holds on to one


P = ParamSpec("P")
T = TypeVar("T")


def _translated(method: Callable[P, Coroutine[None, None, T]]) -> Callable[P, Coroutine[None, None, T]]:
    """Make LanceDB's errors ours: files that are missing, broken or out of reach, a full disk."""

    @wraps(method)
    async def translated(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await method(*args, **kwargs)
        except (RuntimeError, ValueError, OSError) as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise IndexFailed(f"the index could not be used: {reason[:300]}") from error

    return translated


class DocumentRows(msgspec.Struct, frozen=True, kw_only=True):
    """All that the index holds of one document; `vectors` are those of its chunks, in their order.

    `state` names what the rows were made from: equal states, equal rows.
    """

    document_id: DocumentId
    document: str
    title: str
    tenant: str
    readers: tuple[str, ...]
    state: str
    chunks: tuple[Chunk, ...]
    vectors: tuple[Vectors, ...]


class Table:
    """One version of a knowledge base's rows, and the way to make the next one.

    Reading is safe at any time and from any process. Writing is for one process at a time: hold the lock of
    the knowledge base. What was read before a write stays as it was: take a new `Table` to see it.
    """

    def __init__(self, table: "AsyncTable", dimensions: int) -> None:
        self._table = table
        self._dimensions = dimensions

    @_translated
    async def vector_search(self, vector: Vectors, clause: str, depth: int) -> list[Hit]:
        """Return the `depth` rows nearest to `vector` (one of length 1) of those that meet `clause`.

        Exact, over the rows left by the condition: a filter never costs recall. Scores are cosines.
        """
        query = self._table.query().nearest_to(vector).column("vector").distance_type("cosine")
        found = query.bypass_vector_index().where(clause).with_row_id().select(["chunk_id", "_distance"])
        rows = await found.limit(depth).to_arrow()
        return _hits(rows, cosines := [1.0 - one for one in rows["_distance"].to_pylist()], cosines)

    @_translated
    async def text_search(self, text: str, clause: str, depth: int, vector: "Vectors | None") -> list[Hit]:
        """Return the `depth` rows that match the words of `text` best (BM25), of those that meet `clause`.

        `text` is plain words: nothing in it is syntax. With `vector` the hits get their cosines, too.
        """
        match_query = importlib.import_module("lancedb.query").MatchQuery
        matched = self._table.query().nearest_to_text(match_query(text, "searched")).where(clause)
        columns = ["chunk_id", "vector", "_score"]
        rows = await matched.with_row_id().select(columns).limit(depth).to_arrow()
        return _hits(rows, rows["_score"].to_pylist(), self._cosines(rows, vector))

    def _cosines(self, rows: "pa.Table", vector: "Vectors | None") -> Sequence[float | None]:
        if vector is None or not rows.num_rows:
            return [None] * rows.num_rows
        products: list[float] = (_matrix(rows, self._dimensions) @ vector).tolist()
        return products

    @_translated
    async def candidates(self, hits: Sequence[Hit]) -> list[Candidate]:
        """Return all that is shown of `hits`, which were found in this version, in their order."""
        if not hits:
            return []
        taken = (
            self._table.take_row_ids([one.row_id for one in hits]).with_row_id().select([*_SHOWN, "searched"])
        )
        rows = {row["_rowid"]: row for row in await taken.to_list()}
        return [_candidate(rows[one.row_id], one) for one in hits]

    @_translated
    async def matrix(self) -> Matrix:
        """Return the vectors of this version, to be kept in memory: 1.5 kB a row of 384 dimensions."""
        version = await self.version()
        kept = self._table.query().with_row_id().select(["chunk_id", "tenant", "readers", "vector"])
        rows = await kept.to_arrow()
        return await asyncio.to_thread(_resident, rows, version, self._dimensions)

    @_translated
    async def states(self) -> dict[DocumentId, str]:
        """Return the state of every document that has rows; an empty one where its rows disagree."""
        rows = await self._table.query().select(["document_id", "state"]).to_arrow()
        states: dict[DocumentId, str] = {}
        pairs = zip(rows["document_id"].to_pylist(), rows["state"].to_pylist(), strict=True)
        for document, state in pairs:
            states[document] = state if states.get(document, state) == state else ""
        return states

    @_translated
    async def known_vectors(self, embed_keys: Iterable[str]) -> dict[str, Vectors]:
        """Return the vectors that are stored already, by the key of what was embedded."""
        keys = sorted(set(embed_keys))
        known: dict[str, Vectors] = {}
        for first in range(0, len(keys), _KEYS_AT_ONCE):
            clause = any_of("embed_key", keys[first : first + _KEYS_AT_ONCE])
            rows = await self._table.query().where(clause).select(["embed_key", "vector"]).to_arrow()
            matrix = _matrix(rows, self._dimensions)
            known.update(zip(rows["embed_key"].to_pylist(), matrix, strict=True))
        return known

    @_translated
    async def sample(self, most: int) -> list[str]:
        """Return the searched texts of at most `most` rows, spread evenly over the table."""
        count = await self.count()
        step = max(1, -(-count // most))
        if not count:
            return []
        rows = await self._table.take_offsets(list(range(0, count, step))).select(["searched"]).to_arrow()
        texts: list[str] = rows["searched"].to_pylist()
        return texts

    @_translated
    async def count(self, clause: str | None = None) -> int:
        """Return the number of rows, or of those that meet `clause`."""
        return await self._table.count_rows(clause)

    @_translated
    async def version(self) -> str:
        """Return the name of this version: each commit has another one, also of a table that is made anew."""
        made = ((await self._table.schema()).metadata or {}).get(_MADE, b"").decode()
        return f"{made}.{await self._table.version()}"

    @_translated
    async def replace(self, documents: Sequence[DocumentRows]) -> None:
        """Make `documents` what is found of them, in one commit: others see all of the old or of the new."""
        clause = any_of("document_id", (one.document_id for one in documents))
        rows = _arrow(documents, await self._table.schema())
        if not await self.count(clause):
            await self._table.add(rows)
            return
        merge = self._table.merge_insert("chunk_id").when_matched_update_all().when_not_matched_insert_all()
        await merge.when_not_matched_by_source_delete(clause).execute(rows)

    @_translated
    async def remove(self, documents: Iterable[DocumentId]) -> None:
        """Remove every row of `documents`, in one commit."""
        await self._table.delete(any_of("document_id", documents))

    @_translated
    async def tidy(self, *, more_to_come: bool = False) -> bool:
        """Bring the indices up to date when enough rows wait for it; say whether that was done.

        Rows are found before that, too, by a scan. With `more_to_come` it is put off until the scan hurts: a
        tenth of all rows, or two thousand. Files of versions older than ten minutes are removed.
        """
        stats = await self._table.index_stats(_TEXT_INDEX)
        waiting = stats.num_unindexed_rows if stats else 0
        if more_to_come:
            is_due = waiting >= max(_TIDY_MEANWHILE_ROWS, await self.count() // 10)
        else:
            is_due = waiting >= _TIDY_FROM_ROWS or await self._fragments() >= _TIDY_FROM_FRAGMENTS
        if is_due:
            await self._table.optimize(cleanup_older_than=_KEEP_VERSIONS_FOR)
        return is_due

    async def _fragments(self) -> int:
        statistics: Any = await self._table.stats()  # its type says an object; it is a dict
        fragments: int = statistics["fragment_stats"]["num_fragments"]
        return fragments


class Index:
    """The tables of one folder."""

    def __init__(self, connection: "AsyncConnection") -> None:
        self._connection = connection

    @_translated
    async def table(self, knowledge: str, fingerprint: str, dimensions: int) -> Table:
        """Return the newest version of what was indexed of `knowledge` with the embedder of `fingerprint`.

        Raises:
            NotIngested: there is nothing.
            EmbedderChanged: there is, with another embedder.
        """
        name = _name(knowledge, fingerprint)
        names = await self._names(knowledge)
        if name in names and (table := await self._opened(name)):
            return Table(table, dimensions)
        if names and names != [name]:
            raise EmbedderChanged(
                f"knowledge base `{knowledge}` was ingested with another embedding model or schema",
                hint=f"Ingest it anew: buttress ingest {knowledge}",
            )
        raise NotIngested(
            f"knowledge base `{knowledge}` was not ingested yet",
            hint=f"Read its documents first: buttress ingest {knowledge}",
        )

    @_translated
    async def make(self, knowledge: str, fingerprint: str, dimensions: int) -> Table:
        """Return the table for writing; made with its indices if they are not there. Hold the lock."""
        name = _name(knowledge, fingerprint)
        table = await self._opened(name)
        if table is None:
            schema = _schema(dimensions).with_metadata({_MADE: secrets.token_hex(8)})
            table = await self._connection.create_table(name, schema=schema)
        there = {column for one in await table.list_indices() for column in one.columns}
        for column, config in _indices().items():
            if column not in there:
                await table.create_index(column, config=config)
        return Table(table, dimensions)

    @_translated
    async def drop(self, knowledge: str, *, but: str | None = None) -> int:
        """Remove what was indexed of `knowledge`, all but that of the embedder `but`; return how much."""
        kept = _name(knowledge, but) if but else None
        dropped = [name for name in await self._names(knowledge) if name != kept]
        for name in dropped:
            await self._connection.drop_table(name)
        return len(dropped)

    @_translated
    async def knowledge(self) -> set[str]:
        """Return the names of all knowledge bases that anything was indexed of."""
        return {_knowledge_of(name) for name in await self._all_names()}

    async def _opened(self, name: str) -> "AsyncTable | None":
        try:
            return await self._connection.open_table(name)
        except ValueError:
            return None  # whoever made it was killed before it was whole, or somebody drops it just now

    async def _names(self, knowledge: str) -> list[str]:
        return [name for name in await self._all_names() if _knowledge_of(name) == knowledge]

    async def _all_names(self) -> list[str]:
        names: list[str] = []
        while True:
            page = await self._connection.list_tables(page_token=names[-1] if names else None, limit=1_000)
            names += page.tables
            if not page.page_token:
                return names


async def open_index(folder: Path) -> Index:
    """Return the index in `folder`, which is made if need be. The first one in a process takes a second.

    Raises:
        ExtraMissing: lancedb is not installed.
    """
    await asyncio.to_thread(_import_lancedb)
    from lancedb import connect_async  # noqa: PLC0415 - heavy, loaded by now

    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    return Index(await connect_async(folder))


def _import_lancedb() -> None:
    # Its native part reads this once, when it is loaded, and would write warnings over what users see.
    os.environ.setdefault("LANCEDB_LOG", "error")  # noqa: TID251 - set, not read: there is no other way
    try:
        with _without_a_rest_client():
            importlib.import_module("lancedb.query")
    except ImportError as error:
        raise ExtraMissing(f"the index needs a package that is not installed: {error.name}") from error


@contextmanager
def _without_a_rest_client() -> Iterator[None]:
    """Keep lancedb from loading, for the block, a client of a service that we never ask.

    lancedb wants a few types out of that package, whose `__init__` loads the client, too: as long as all the
    rest takes. Whoever wants the client later gets it.
    """
    spec = importlib.util.find_spec(_REST_CLIENT)
    if spec is None or _REST_CLIENT in sys.modules:
        yield
        return
    sys.modules[_REST_CLIENT] = importlib.util.module_from_spec(spec)  # its path, and nothing run yet
    try:
        yield
    finally:
        del sys.modules[_REST_CLIENT]


def _name(knowledge: str, fingerprint: str) -> str:
    return f"{knowledge}.{fingerprint[:12]}.v{SCHEMA_VERSION}"


def _knowledge_of(name: str) -> str:
    return name.rsplit(".", 2)[0]


def _schema(dimensions: int) -> "pa.Schema":
    import pyarrow as pa  # noqa: PLC0415 - heavy

    texts = (
        "chunk_id",
        "document_id",
        "document",
        "title",
        "text",
        "searched",
        "embed_key",
        "tenant",
        "state",
    )
    numbers = ("page", "page_end", "start", "end")
    return pa.schema(
        [
            *((name, pa.string()) for name in texts),
            *((name, pa.int32()) for name in numbers),
            ("section", pa.list_(pa.string())),
            ("readers", pa.list_(pa.string())),
            ("vector", pa.list_(pa.float32(), dimensions)),
        ]
    )


def _indices() -> "dict[str, FTS | Bitmap | LabelList]":
    """Return the index of each column that has one; rows that are not in it yet are scanned."""
    from lancedb.index import FTS, Bitmap, LabelList  # noqa: PLC0415 - heavy

    # Positions are left out: phrases are never asked for, and they double the index.
    text = FTS(
        base_tokenizer="simple", language="English", stem=True, remove_stop_words=True, ascii_folding=True
    )
    # Who may see a row: of 50,000 rows the condition takes 0.4 ms of a BM25 search with these, 3 ms without.
    return {"searched": text, "tenant": Bitmap(), "readers": LabelList()}


def _arrow(documents: Sequence[DocumentRows], schema: "pa.Schema") -> "pa.Table":
    import numpy as np  # noqa: PLC0415 - heavy
    import pyarrow as pa  # noqa: PLC0415 - heavy

    rows = [row for one in documents for row in _rows(one)]
    vectors = np.stack([vector for one in documents for vector in one.vectors]).astype(np.float32)
    without_vector = pa.schema([field for field in schema if field.name != "vector"])
    table = pa.Table.from_pylist(rows, schema=without_vector)
    width = schema.field("vector").type.list_size
    return table.append_column("vector", pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), width))


def _rows(document: DocumentRows) -> list[dict[str, object]]:
    shared = {
        "document_id": document.document_id,
        "document": document.document,
        "title": document.title,
        "tenant": tenant_mark(document.tenant),
        "readers": [reader_mark(one) for one in document.readers],
        "state": document.state,
    }
    return [shared | _chunk_columns(chunk) for chunk in document.chunks]


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
        "embed_key": chunk.embed_key,
    }


def _matrix(rows: "pa.Table", dimensions: int) -> Vectors:
    import numpy as np  # noqa: PLC0415 - heavy

    parts = [part.flatten().to_numpy() for part in rows["vector"].chunks] or [np.empty(0, np.float32)]
    matrix: Vectors = np.concatenate(parts).reshape(-1, dimensions)
    return matrix


def _resident(rows: "pa.Table", version: str, dimensions: int) -> Matrix:
    import numpy as np  # noqa: PLC0415 - heavy

    accesses: dict[tuple[str, tuple[str, ...]], int] = {}
    pairs = zip(rows["tenant"].to_pylist(), rows["readers"].to_pylist(), strict=True)
    access_of = [accesses.setdefault((tenant, tuple(readers)), len(accesses)) for tenant, readers in pairs]
    return Matrix(
        version=version,
        vectors=_matrix(rows, dimensions),
        row_ids=rows["_rowid"].to_numpy(),
        chunk_ids=np.array(rows["chunk_id"].to_pylist(), "S"),
        accesses=[Access(tenant, frozenset(readers)) for tenant, readers in accesses],
        access_of=np.array(access_of, np.int32),
    )


def _candidate(row: dict[str, Any], hit: Hit) -> Candidate:
    shown = {name: row[name] for name in _SHOWN} | {"section": tuple(row["section"])}
    cosine = 0.0 if hit.cosine is None else max(-1.0, min(1.0, hit.cosine))
    return Candidate(Passage(**shown, score=hit.score, cosine=cosine, coverage=0.0), row["searched"])


def _hits(rows: "pa.Table", scores: Iterable[float], cosines: Iterable[float | None]) -> list[Hit]:
    columns = (rows["_rowid"].to_pylist(), rows["chunk_id"].to_pylist(), scores, cosines)
    hits = [Hit(*one) for one in zip(*columns, strict=True)]
    return sorted(hits, key=lambda one: (-one.score, one.chunk_id))
