"""How rare words are."""

import asyncio
import threading
from collections.abc import Iterable
from pathlib import Path

import pytest

from buttress.knowledge.errors import IndexFailed
from buttress.knowledge.index.tables import open_index
from buttress.knowledge.stages.terms import TermStatistics, count_terms
from buttress.knowledge.stages.vocabulary import Vocabulary
from buttress.testing.documents import Written, rows_of_all
from buttress.testing.embedding import HashedWords
from tests.waiting import until


def break_rows(folder: Path) -> None:
    """Write nonsense over the rows."""
    for path in folder.rglob("data/*.lance"):
        path.write_bytes(b"broken")


async def test_few_rows_are_counted_anew_with_every_change(tmp_path: Path) -> None:
    """Each knowledge base by itself."""
    words, vocabulary = HashedWords(), Vocabulary()
    index = await open_index(tmp_path)
    table = await index.make("garden", words.fingerprint, words.dimensions)
    await table.replace(rows_of_all([Written(path="a.md", texts=("soil", "soil and moss"))], words))
    assert await vocabulary.of("garden", table) == TermStatistics(2, {"soil": 2, "moss": 1})
    await table.replace(rows_of_all([Written(path="b.md", texts=("moss",))], words))
    again = await index.table("garden", words.fingerprint, words.dimensions)
    assert await vocabulary.of("garden", again) == TermStatistics(3, {"soil": 2, "moss": 2})


async def test_what_a_search_had_no_time_for_is_there_for_the_next_one(tmp_path: Path) -> None:
    """It is counted once, whoever waits for it; meanwhile words are equal."""
    begun, may_go_on, counted = threading.Event(), threading.Event(), list[TermStatistics]()

    def count(texts: Iterable[str]) -> TermStatistics:
        begun.set()
        may_go_on.wait(60)
        counted.append(count_terms(texts))
        return counted[-1]

    words, vocabulary = HashedWords(), Vocabulary(count)
    index = await open_index(tmp_path)
    table = await index.make("garden", words.fingerprint, words.dimensions)
    await table.replace(rows_of_all([Written(path="a.md", texts=("moss",))], words))
    async with asyncio.TaskGroup() as group:
        late = group.create_task(vocabulary.of("garden", table))
        await until(begun.is_set)
        late.cancel()
    assert await vocabulary.of("garden", table) == TermStatistics(0, {})
    may_go_on.set()

    async def is_known() -> bool:
        return await vocabulary.of("garden", table) == TermStatistics(1, {"moss": 1})

    await until(is_known)
    assert len(counted) == 1


async def test_an_index_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    """A search goes on without."""
    words = HashedWords()
    index = await open_index(tmp_path)
    table = await index.make("garden", words.fingerprint, words.dimensions)
    await table.replace(rows_of_all([Written(path="a.md", texts=("roses",))], words))
    break_rows(tmp_path)
    fresh = await (await open_index(tmp_path)).table("garden", words.fingerprint, words.dimensions)
    with pytest.raises(IndexFailed):
        await Vocabulary().of("garden", fresh)
