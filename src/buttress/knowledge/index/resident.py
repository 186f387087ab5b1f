"""Vectors kept in memory: exact search over 100,000 rows in milliseconds, where a scan of the disk takes 180.

A matrix is of one version of a table. It holds no text: who may see a row is decided here before anything is
scored, by the same rule as in the index's conditions, and what was found is read from the table.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec

from buttress.kernel.ids import ChunkId
from buttress.kernel.scope import Scope
from buttress.knowledge.index.products import cosines
from buttress.knowledge.index.visibility import Access, sees
from buttress.knowledge.ports import Vectors
from buttress.knowledge.search_types import Hit
from buttress.knowledge.types import KnowledgeBase

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Span = tuple[int, int]

PATIENCE_S = 0.5
"""How long a search waits for a matrix that it began to load; then it looks on the disk."""


class Matrix(msgspec.Struct, frozen=True, kw_only=True):
    """The vectors of every row; row n is `row_ids[n]` in the table.

    Rows that are open to the same people lie together: `groups` says to whom, and from which row to which.
    So what a small tenant may see costs what it has, whatever the others have. Chunk ids are kept as bytes of
    one length: as Python's strings they would double the memory.
    """

    version: str
    vectors: Vectors
    row_ids: "npt.NDArray[np.uint64]"
    chunk_ids: "npt.NDArray[np.bytes_]"
    groups: Sequence[tuple[Access, Span]]

    def nearest(
        self, vector: Vectors, scope: Scope, depth: int, base: KnowledgeBase | None = None
    ) -> list[Hit]:
        """Return the `depth` nearest rows that `scope` may see, best first; scores are cosines.

        `base` is what is declared now: see `visible_clause`.
        """
        import numpy as np  # noqa: PLC0415 - heavy

        opened = sees(scope, base)
        spans = _joined([span for access, span in self.groups if opened(access)])
        if not spans:
            return []
        near = np.concatenate([cosines(self.vectors[start:end], vector) for start, end in spans])
        rows = np.concatenate([np.arange(start, end) for start, end in spans])
        best = np.argpartition(-near, depth - 1)[:depth] if len(rows) > depth else np.arange(len(rows))
        ids = zip(self.row_ids[rows[best]].tolist(), self.chunk_ids[rows[best]].tolist(), strict=True)
        hits = [
            Hit(row_id, ChunkId(chunk_id.decode()), score, score)
            for (row_id, chunk_id), score in zip(ids, near[best].tolist(), strict=True)
        ]
        return sorted(hits, key=lambda one: (-one.score, one.chunk_id))


class Rows(msgspec.Struct, frozen=True, kw_only=True):
    """All rows of a version in any order: for each its vector, where it is, and to whom it is open."""

    vectors: Vectors
    row_ids: "npt.NDArray[np.uint64]"
    chunk_ids: Sequence[str]
    accesses: Sequence[Access]


def matrix_of(version: str, rows: Rows) -> Matrix:
    """Return `rows` of a version as they are searched."""
    import numpy as np  # noqa: PLC0415 - heavy

    numbers: dict[Access, int] = {}
    group_of = np.array([numbers.setdefault(one, len(numbers)) for one in rows.accesses], np.int32)
    order = np.argsort(group_of, kind="stable")
    ends = np.bincount(group_of, minlength=len(numbers)).cumsum().tolist()
    return Matrix(
        version=version,
        vectors=rows.vectors[order],
        row_ids=rows.row_ids[order],
        chunk_ids=np.array(rows.chunk_ids, "S")[order],
        groups=list(zip(numbers, pairwise([0, *ends]), strict=True)),
    )


def _joined(spans: Sequence[Span]) -> list[Span]:
    """Return ascending `spans` with those that touch as one."""
    joined: list[Span] = []
    for start, end in spans:
        if joined and joined[-1][1] == start:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


class Residents:
    """The matrices of a process's knowledge bases, each loaded again when its table has a new version.

    A load goes on in a thread of its own when the search that began it has no more time for it.
    """

    def __init__(self, from_rows: int, most_rows: int, patience_s: float = PATIENCE_S) -> None:
        self._from_rows = from_rows
        self._most_rows = most_rows
        self._patience_s = patience_s
        self._matrices: dict[str, Matrix] = {}
        self._is_loading = False

    async def of(
        self, knowledge: str, version: str, rows: int, load: Callable[[], Coroutine[None, None, Matrix]]
    ) -> Matrix | None:
        """Return the matrix of this version, kept or loaded; None where the disk is to be searched.

        That is: there are few rows, or too many beside the others, or a matrix is being loaded just now.
        """
        known = self._matrices.get(knowledge)
        if known is not None and known.version == version:
            return known
        if self._is_loading or not self._fits(knowledge, rows):
            return None
        self._is_loading = True
        self._matrices.pop(knowledge, None)
        loading = asyncio.get_running_loop().run_in_executor(None, self._load, knowledge, load)
        loading.add_done_callback(_seen)
        await asyncio.wait({loading}, timeout=self._patience_s)
        return loading.result() if loading.done() else None

    def _load(self, knowledge: str, load: Callable[[], Coroutine[None, None, Matrix]]) -> Matrix:
        try:
            matrix = self._matrices[knowledge] = asyncio.run(load())
        finally:
            self._is_loading = False
        return matrix

    def _fits(self, knowledge: str, rows: int) -> bool:
        others = sum(len(one.vectors) for name, one in self._matrices.items() if name != knowledge)
        return rows >= self._from_rows and others + rows <= self._most_rows


def _seen(loading: asyncio.Future[Matrix]) -> None:
    """Take note of an error that nobody waits for any more: the next search begins again."""
    if not loading.cancelled():
        loading.exception()
