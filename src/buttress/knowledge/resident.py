"""Vectors kept in memory: exact search over 100,000 rows in milliseconds, where a scan of the disk takes 180.

A matrix is of one version of a table. It holds no text: who may see a row is decided here before anything is
scored, by the same rule as in the index's conditions, and what was found is read from the table.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

import msgspec

from buttress.kernel.ids import ChunkId
from buttress.kernel.scope import Scope
from buttress.knowledge.ports import Vectors
from buttress.knowledge.search_types import Hit
from buttress.knowledge.visibility import Access, sees

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class Matrix(msgspec.Struct, frozen=True, kw_only=True):
    """The vectors of every row; row n is `row_ids[n]` in the table, and open to `accesses[access_of[n]]`.

    Chunk ids are kept as bytes of one length: as Python's strings they would double the memory.
    """

    version: str
    vectors: Vectors
    row_ids: "npt.NDArray[np.uint64]"
    chunk_ids: "npt.NDArray[np.bytes_]"
    accesses: Sequence[Access]
    access_of: "npt.NDArray[np.int32]"

    def nearest(self, vector: Vectors, scope: Scope, depth: int) -> list[Hit]:
        """Return the `depth` nearest rows that `scope` may see, best first; scores are cosines."""
        import numpy as np  # noqa: PLC0415 - heavy

        opened = sees(scope)
        visible = np.array([opened(one) for one in self.accesses], bool)
        rows = np.flatnonzero(visible[self.access_of])
        # Gathering rows costs as much as multiplying them: done only when it saves half of the work.
        some = 2 * len(rows) < len(self.vectors)
        cosines = self.vectors[rows] @ vector if some else (self.vectors @ vector)[rows]
        best = np.argpartition(-cosines, depth - 1)[:depth] if len(rows) > depth else np.arange(len(rows))
        ids = zip(self.row_ids[rows[best]].tolist(), self.chunk_ids[rows[best]].tolist(), strict=True)
        hits = [
            Hit(row_id, ChunkId(chunk_id.decode()), cosine, cosine)
            for (row_id, chunk_id), cosine in zip(ids, cosines[best].tolist(), strict=True)
        ]
        return sorted(hits, key=lambda one: (-one.score, one.chunk_id))


class Residents:
    """The matrices of a process's knowledge bases, each loaded again when its table has a new version."""

    def __init__(self, from_rows: int, most_rows: int) -> None:
        self._from_rows = from_rows
        self._most_rows = most_rows
        self._matrices: dict[str, Matrix] = {}
        self._loading = asyncio.Lock()

    async def of(
        self, knowledge: str, version: str, rows: int, load: Callable[[], Awaitable[Matrix]]
    ) -> Matrix | None:
        """Return the matrix of this version, kept or loaded; None where the disk is to be searched.

        That is: there are few rows, or too many beside the others, or somebody loads a matrix just now.
        """
        known = self._matrices.get(knowledge)
        if known is not None and known.version == version:
            return known
        if self._loading.locked() or not self._fits(knowledge, rows):
            return None
        async with self._loading:
            self._matrices.pop(knowledge, None)
            matrix = self._matrices[knowledge] = await load()
        return matrix

    def _fits(self, knowledge: str, rows: int) -> bool:
        others = sum(len(one.vectors) for name, one in self._matrices.items() if name != knowledge)
        return rows >= self._from_rows and others + rows <= self._most_rows
