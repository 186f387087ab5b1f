"""An index without headings: made for a while, of a sample, seen by whoever measures."""

from buttress.kernel.chance import SeededChance
from buttress.kernel.ids import ChunkId
from buttress.knowledge.index.tables import Index
from buttress.knowledge.index.visibility import visible_clause
from buttress.knowledge.measuring.unheaded import MOST_CHUNKS, Sample, sampled, unheaded_index
from buttress.knowledge.search_types import Placed
from buttress.testing.embedding import HashedWords
from tests.unit.knowledge.measuring.conftest import GARDEN, GREEN


async def test_headings_are_gone_and_their_sections_stay(garden: Index, words: HashedWords) -> None:
    table = await garden.table("garden", words.fingerprint, words.dimensions)
    places = await table.places(visible_clause(GREEN))
    assert {one.document for one in places} == {"roses.md", "moss.md"}
    told: list[tuple[int, int]] = []
    sample = Sample(table, GREEN, places)
    async with unheaded_index("garden", sample, words, lambda *one: told.append(one)) as index:
        made = await index.table("garden", words.fingerprint, words.dimensions)
        clause = visible_clause(GREEN, GARDEN)
        found = await made.candidates(await made.text_search("moss growing shade", clause, 9, None))
        assert {one.searched: one.passage.section for one in found} == {
            "Moss wants shade.": ("Keeping moss",)
        }
        assert await made.count() == 3
    assert told[-1] == (3, 3)
    assert "Moss wants shade." in words.embedded


async def test_the_knowledge_base_stays_as_it_is(garden: Index, words: HashedWords) -> None:
    table = await garden.table("garden", words.fingerprint, words.dimensions)
    sample = Sample(table, GREEN, await table.places(visible_clause(GREEN)))
    async with unheaded_index("garden", sample, words, lambda *_: None):
        pass
    assert await table.count() == 4


def test_whole_documents_are_drawn_until_there_are_enough() -> None:
    places = [
        Placed(number, ChunkId(str(number)), f"{number // 10}.md", ()) for number in range(2 * MOST_CHUNKS)
    ]
    found = sampled(places, SeededChance(1))
    assert len(found) == MOST_CHUNKS
    assert len({one.document for one in found}) == MOST_CHUNKS // 10
    assert found == sampled(reversed(places), SeededChance(1))
