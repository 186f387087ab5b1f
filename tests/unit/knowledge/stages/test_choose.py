"""Choosing what is returned."""

from pathlib import Path

import pytest

from buttress.kernel.scope import Scope
from buttress.knowledge.index.table import Table
from buttress.knowledge.index.tables import open_index
from buttress.knowledge.index.visibility import visible_clause
from buttress.knowledge.search_types import Hit
from buttress.knowledge.stages.choose import choose
from buttress.knowledge.types import SearchSettings
from buttress.testing.documents import Written, rows_of_all
from buttress.testing.embedding import HashedWords

SAME = "Roses are planted in October, in a sunny place, with much water and a little compost."


async def found_in(folder: Path, *written: Written) -> tuple[Table, list[Hit]]:
    """Return the documents, indexed, and all of them found, those nearest to roses first."""
    words = HashedWords()
    index = await open_index(folder)
    table = await index.make("garden", words.fingerprint, words.dimensions)
    await table.replace(rows_of_all(written, words))
    return table, await table.vector_search(words.embed(["roses"])[0], visible_clause(Scope("green")), 100)


@pytest.mark.parametrize("copies", [3, 30])
async def test_copies_are_passed_over_however_many(tmp_path: Path, copies: int) -> None:
    """More is read until there is enough, or nothing is left."""
    table, hits = await found_in(
        tmp_path,
        *(Written(path=f"{number}.md", texts=(SAME,)) for number in range(copies)),
        Written(path="b.md", texts=("Moss.", "Gloves.")),
    )
    best = await choose(table, hits, SearchSettings(), 2)
    assert [one.passage.text for one in best] == [SAME, best[1].passage.text]
    assert len(await choose(table, hits, SearchSettings(), 10)) == 3


async def test_the_cap_reaches_down_the_ranking(tmp_path: Path) -> None:
    """One long document does not take every place."""
    texts = tuple(f"roses {number}" for number in range(40))
    table, hits = await found_in(
        tmp_path, Written(path="a.md", texts=texts), Written(path="b.md", texts=("Moss and soil.",))
    )
    best = await choose(table, hits, SearchSettings(per_document=2), 3)
    assert [one.passage.document for one in best] == ["a.md", "a.md", "b.md"]


async def test_diversity_reads_vectors_and_keeps_the_order(tmp_path: Path) -> None:
    texts = ("roses want sun", "roses want sun 1", "roses want sun 2", "roses rakes")
    table, hits = await found_in(tmp_path, Written(path="a.md", texts=texts))
    best = await choose(table, hits, SearchSettings(diversity=0.8), 2)
    assert best[0].passage.chunk_id == hits[0].chunk_id
    assert best[1].passage.score <= best[0].passage.score
    assert await choose(table, [], SearchSettings(diversity=0.8), 2) == []
