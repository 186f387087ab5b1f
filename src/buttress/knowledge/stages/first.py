"""The first stages: dense search by the question's vector, and BM25 by its words, side by side.

Both search what the scope may see, and nothing else.
"""

import asyncio
from functools import partial

import msgspec

from buttress.knowledge.errors import EmbedderBroken, SearchFailed
from buttress.knowledge.index.resident import Residents
from buttress.knowledge.index.table import Table
from buttress.knowledge.index.visibility import visible_clause
from buttress.knowledge.ports import Embedder, Vectors
from buttress.knowledge.search_types import FirstStages, Hit
from buttress.knowledge.stages.question import Question
from buttress.knowledge.stages.running import Stages
from buttress.knowledge.types import KnowledgeBase


class Place(msgspec.Struct, frozen=True):
    """Where to search: one version of the table of a knowledge base."""

    base: KnowledgeBase
    table: Table


class First:
    """Runs the first stages with one embedder; vectors of large knowledge bases are kept in memory."""

    def __init__(self, embedder: Embedder, residents: Residents) -> None:
        self._embedder = embedder
        self._residents = residents

    async def find(self, place: Place, question: Question, stages: Stages) -> FirstStages:
        """Return what both stages find.

        Raises:
            SearchFailed: both were skipped; it says why.
        """
        embedded = await stages.attempt("embed", partial(asyncio.to_thread, self._embedded, question.text))
        vector = None if embedded is None else embedded[0]
        async with asyncio.TaskGroup() as group:
            dense = group.create_task(self._dense(place, question, vector, stages))
            bm25 = group.create_task(self._bm25(place, question, vector, stages))
        first = FirstStages(dense.result(), bm25.result())
        if first.dense is None and first.bm25 is None:
            raise SearchFailed(f"nothing could be searched: {stages.skipped}")
        return first

    def _embedded(self, text: str) -> Vectors:
        """Return the vector of `text`, as the one row there is.

        Raises:
            EmbedderBroken: it is none that anything could be compared with.
        """
        import numpy as np  # noqa: PLC0415 - heavy

        rows = self._embedder.embed([text])
        if rows.shape != (1, self._embedder.dimensions):
            told = f"{rows.size} numbers, not {self._embedder.dimensions}"
            raise EmbedderBroken(f"{self._embedder.name} gave {told}, for the question")
        if not np.isfinite(rows).all():
            raise EmbedderBroken(f"{self._embedder.name} gave what is no number, for the question")
        return rows

    async def _dense(
        self, place: Place, question: Question, vector: "Vectors | None", stages: Stages
    ) -> list[Hit] | None:
        if vector is None:
            return None
        return await stages.attempt("dense", partial(self._near, place, question, vector))

    async def _near(self, place: Place, question: Question, vector: Vectors) -> list[Hit]:
        base, table, scope = place.base, place.table, question.scope
        rows, version = await table.count(), await table.version()
        matrix = await self._residents.of(base.name, version, rows, table.matrix)
        if matrix is None:
            return await table.vector_search(vector, visible_clause(scope, base), base.search.depth)
        return await asyncio.to_thread(matrix.nearest, vector, scope, base.search.depth, base)

    async def _bm25(
        self, place: Place, question: Question, vector: "Vectors | None", stages: Stages
    ) -> list[Hit] | None:
        if not question.keywords:  # words that are too long to be in the index
            return []
        clause, depth = visible_clause(question.scope, place.base), place.base.search.depth
        search = partial(place.table.text_search, question.keywords, clause, depth, vector)
        return await stages.attempt("bm25", search, question.note)
