"""One version of a knowledge base's rows in LanceDB: reading it, and making the next one."""

import asyncio
import importlib
import re
from collections.abc import Callable, Coroutine, Iterable, Sequence
from datetime import timedelta
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from buttress.kernel.ids import ChunkId, DocumentId
from buttress.knowledge.errors import IndexFailed
from buttress.knowledge.index.products import cosines
from buttress.knowledge.index.resident import Matrix
from buttress.knowledge.index.rows import (
    RESIDENT,
    SHOWN,
    DocumentRows,
    Stored,
    arrow_of,
    candidate_of,
    hits_of,
    placed_of,
    resident_of,
    stored_of,
    vectors_of,
)
from buttress.knowledge.index.visibility import any_of
from buttress.knowledge.ports import Vectors
from buttress.knowledge.search_types import Candidate, Hit, Placed

if TYPE_CHECKING:
    import pyarrow as pa
    from lancedb.query import AsyncFTSQuery
    from lancedb.table import AsyncTable

MADE = b"buttress.made"
"""Tells a table from an earlier one of its name, whose versions had the same numbers."""

_TEXT_INDEX = "searched_idx"
_KEYS_AT_ONCE = 1_000
_TIDY_FROM_ROWS = 100  # a query costs 0.04 ms more for each row that waits
_TIDY_FROM_FRAGMENTS = 20
_TIDY_MEANWHILE_ROWS = 2_000
_KEEP_VERSIONS_FOR = timedelta(minutes=10)  # longer than any search holds on to one

P = ParamSpec("P")
T = TypeVar("T")

_PLACE = re.compile(r",? \S+\.rs:\d+(:\d+)?")
_FULL_HINT = "Make room on the disk, then sync again; what was committed stays, and nothing is found in part."


def translated(method: Callable[P, Coroutine[None, None, T]]) -> Callable[P, Coroutine[None, None, T]]:
    """Make LanceDB's errors ours: files that are missing, broken or out of reach, a full disk."""

    @wraps(method)
    async def translated(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await method(*args, **kwargs)
        except (RuntimeError, ValueError, OSError) as error:
            raise index_failed(error) from error

    return translated


def index_failed(error: Exception) -> IndexFailed:
    """Return what LanceDB complains of in one line, less the place in its code; and what to do."""
    reason = _PLACE.sub("", (str(error).strip().splitlines() or [type(error).__name__])[0])[:300]
    hint = _FULL_HINT if "No space left on device" in reason else None
    return IndexFailed(f"the index could not be used: {reason}", hint=hint)


class Table:
    """One version of a knowledge base's rows, and the way to make the next one.

    Reading is safe at any time and from any process. Writing is for one process at a time: hold the lock of
    the knowledge base. What was read before a write stays as it was: take a new `Table` to see it.
    """

    def __init__(self, table: "AsyncTable", dimensions: int) -> None:
        self._table = table
        self._dimensions = dimensions

    @translated
    async def vector_search(self, vector: Vectors, clause: str, depth: int) -> list[Hit]:
        """Return the `depth` rows nearest to `vector` (one of length 1) of those that meet `clause`.

        Exact, over the rows left by the condition: a filter never costs recall. Scores are cosines.
        """
        query = self._table.query().nearest_to(vector).column("vector").distance_type("cosine")
        found = query.bypass_vector_index().where(clause).with_row_id().select(["chunk_id", "_distance"])
        rows = await found.limit(depth).to_arrow()
        return hits_of(rows, cosines := [1.0 - one for one in rows["_distance"].to_pylist()], cosines)

    @translated
    async def text_search(self, text: str, clause: str, depth: int, vector: "Vectors | None") -> list[Hit]:
        """Return the `depth` rows that match the words of `text` best (BM25), of those that meet `clause`.

        `text` is plain words: nothing in it is syntax. With `vector` the hits get their cosines, too.
        """
        columns = ["chunk_id", "_score", *(["vector"] if vector is not None else [])]
        rows = await self._matching(text, clause).with_row_id().select(columns).limit(depth).to_arrow()
        return hits_of(rows, rows["_score"].to_pylist(), self._cosines(rows, vector))

    @translated
    async def texts_with(self, words: str, clause: str, most: int) -> list[str]:
        """Return what is searched of the `most` rows that match `words` best, of those that meet `clause`."""
        rows = await self._matching(words, clause).select(["searched"]).limit(most).to_arrow()
        texts: list[str] = rows["searched"].to_pylist()
        return texts

    def _matching(self, words: str, clause: str) -> "AsyncFTSQuery":
        """Return the query for rows that hold any of `words`. Nothing in them is syntax."""
        match_query = importlib.import_module("lancedb.query").MatchQuery
        return self._table.query().nearest_to_text(match_query(words, "searched")).where(clause)

    def _cosines(self, rows: "pa.Table", vector: "Vectors | None") -> Sequence[float | None]:
        if vector is None or not rows.num_rows:
            return [None] * rows.num_rows
        products: list[float] = cosines(vectors_of(rows, self._dimensions), vector).tolist()
        return products

    @translated
    async def candidates(self, hits: Sequence[Hit]) -> list[Candidate]:
        """Return all that is shown of `hits`, which were found in this version, in their order."""
        if not hits:
            return []
        taken = self._table.take_row_ids([one.row_id for one in hits]).with_row_id().select(list(SHOWN))
        rows = {row["_rowid"]: row for row in await taken.to_list()}
        return [candidate_of(rows[one.row_id], one) for one in hits]

    @translated
    async def tokens(self, hits: Sequence[Hit]) -> dict[ChunkId, bytes]:
        """Return what is stored of the tokens of `hits`, which were found in this version; see `Stored`.

        Those of which nothing is stored are left out.
        """
        if not hits:
            return {}
        taken = self._table.take_row_ids([one.row_id for one in hits]).select(["chunk_id", "tokens"])
        rows = await taken.to_arrow()
        pairs = zip(rows["chunk_id"].to_pylist(), rows["tokens"].to_pylist(), strict=True)
        return {ChunkId(chunk_id): tokens for chunk_id, tokens in pairs if tokens}

    @translated
    async def vectors(self, hits: Sequence[Hit]) -> Vectors:
        """Return the vectors of `hits`, which were found in this version: a row for each, in their order."""
        taken = self._table.take_row_ids([one.row_id for one in hits]).with_row_id().select(["vector"])
        rows = await taken.to_arrow()
        places = {row_id: place for place, row_id in enumerate(rows["_rowid"].to_pylist())}
        return vectors_of(rows, self._dimensions)[[places[one.row_id] for one in hits]]

    @translated
    async def matrix(self) -> Matrix:
        """Return the vectors of this version, to be kept in memory: 1.5 kB a row of 384 dimensions."""
        version = await self.version()
        kept = self._table.query().with_row_id().select(list(RESIDENT))
        rows = await kept.to_arrow()
        return await asyncio.to_thread(resident_of, rows, version, self._dimensions)

    @translated
    async def states(self) -> dict[DocumentId, str]:
        """Return the state of every document that has rows; an empty one where its rows disagree."""
        rows = await self._table.query().select(["document_id", "state"]).to_arrow()
        states: dict[DocumentId, str] = {}
        pairs = zip(rows["document_id"].to_pylist(), rows["state"].to_pylist(), strict=True)
        for document, state in pairs:
            states[document] = state if states.get(document, state) == state else ""
        return states

    @translated
    async def known(self, embed_keys: Iterable[str], *, with_tokens: bool = False) -> dict[str, Stored]:
        """Return what the model made of texts that are stored already, by the key of what was embedded.

        With `with_tokens` only what there are tokens of, and with them.
        """
        keys = sorted(set(embed_keys))
        known: dict[str, Stored] = {}
        for first in range(0, len(keys), _KEYS_AT_ONCE):
            clause = any_of("embed_key", keys[first : first + _KEYS_AT_ONCE])
            if with_tokens:
                clause += " AND tokens IS NOT NULL"
            columns = ["embed_key", "vector", *(["tokens"] if with_tokens else [])]
            rows = await self._table.query().where(clause).select(columns).to_arrow()
            stored = stored_of(rows, self._dimensions)
            known.update(zip(rows["embed_key"].to_pylist(), stored, strict=True))
        return known

    @translated
    async def sample(self, most: int) -> list[str]:
        """Return the searched texts of at most `most` rows, spread evenly over the table."""
        count = await self.count()
        step = max(1, -(-count // most))
        if not count:
            return []
        rows = await self._table.take_offsets(list(range(0, count, step))).select(["searched"]).to_arrow()
        texts: list[str] = rows["searched"].to_pylist()
        return texts

    @translated
    async def places(self, clause: str) -> list[Placed]:
        """Return where every row stands of those that meet `clause`, in no order."""
        kept = self._table.query().where(clause).with_row_id()
        rows = await kept.select(["chunk_id", "document", "section"]).to_arrow()
        return await asyncio.to_thread(placed_of, rows)

    @translated
    async def count(self, clause: str | None = None) -> int:
        """Return the number of rows, or of those that meet `clause`."""
        return await self._table.count_rows(clause)

    @translated
    async def version(self) -> str:
        """Return the name of this version: each commit has another one, also of a table that is made anew."""
        made = ((await self._table.schema()).metadata or {}).get(MADE, b"").decode()
        return f"{made}.{await self._table.version()}"

    @translated
    async def replace(self, documents: Sequence[DocumentRows]) -> None:
        """Make `documents` what is found of them, in one commit: others see all of the old or of the new."""
        clause = any_of("document_id", (one.document_id for one in documents))
        rows = arrow_of(documents, await self._table.schema())
        if not await self.count(clause):
            await self._table.add(rows)
            return
        merge = self._table.merge_insert("chunk_id").when_matched_update_all().when_not_matched_insert_all()
        await merge.when_not_matched_by_source_delete(clause).execute(rows)

    @translated
    async def remove(self, documents: Iterable[DocumentId]) -> None:
        """Remove every row of `documents`, in one commit."""
        await self._table.delete(any_of("document_id", documents))

    @translated
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
