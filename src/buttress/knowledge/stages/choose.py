"""Choosing: the best passages that say something new, and no more of one document than is wanted."""

import asyncio
from collections.abc import Sequence
from itertools import islice

from buttress.knowledge.index.table import Table
from buttress.knowledge.ranking.dedup import distinct
from buttress.knowledge.ranking.diversity import diverse
from buttress.knowledge.search_types import Candidate, Hit
from buttress.knowledge.types import SearchSettings

POOL = 4
"""With diversity, so many times as many passages are chosen from as are returned."""


async def choose(
    table: Table, ranking: Sequence[Hit], settings: SearchSettings, limit: int
) -> list[Candidate]:
    """Return the `limit` best of `ranking`, best first; reads no more rows than that takes."""
    if not settings.diversity:
        return await _best(table, ranking, settings, limit)
    pool = await _best(table, ranking, settings, POOL * limit)
    by_id = {one.chunk_id: one for one in ranking}
    vectors = await table.vectors([by_id[one.passage.chunk_id] for one in pool])
    return await asyncio.to_thread(diverse, pool, vectors, settings.diversity, limit)


async def _best(
    table: Table, ranking: Sequence[Hit], settings: SearchSettings, limit: int
) -> list[Candidate]:
    count = 2 * limit
    while True:
        candidates = await table.candidates(ranking[:count])
        best = await asyncio.to_thread(_distinct, candidates, settings.per_document, limit)
        if len(best) == limit or count >= len(ranking):
            return best
        count *= 4


def _distinct(candidates: Sequence[Candidate], per_document: int, limit: int) -> list[Candidate]:
    return list(islice(distinct(candidates, per_document), limit))
