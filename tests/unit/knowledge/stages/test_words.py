"""How much of a question a passage covers."""

import shutil
from math import log
from pathlib import Path

from buttress.kernel.clock import SystemClock
from buttress.kernel.scope import Scope
from buttress.kernel.words import AskedWord
from buttress.knowledge.index.tables import open_index
from buttress.knowledge.search_types import Query
from buttress.knowledge.stages.first import Place
from buttress.knowledge.stages.question import read_query
from buttress.knowledge.stages.running import Stages
from buttress.knowledge.stages.terms import TermStatistics, terms
from buttress.knowledge.stages.vocabulary import Vocabulary
from buttress.knowledge.stages.words import covering, weights_of, word_weights
from buttress.knowledge.types import FolderSource, KnowledgeBase
from buttress.testing.documents import Written, rows_of_all
from buttress.testing.embedding import HashedWords
from tests.unit.knowledge.passages import candidate


async def test_weights_that_cannot_be_counted_are_left_out(tmp_path: Path) -> None:
    """All words are equal then; it is said."""
    words = HashedWords()
    index = await open_index(tmp_path)
    table = await index.make("garden", words.fingerprint, words.dimensions)
    await table.replace(rows_of_all([Written(path="a.md", texts=("roses",))], words))
    shutil.rmtree(tmp_path)
    base = KnowledgeBase(name="garden", sources=(FolderSource(folder="garden", readers=("*",)),))
    stages = Stages(SystemClock(), lambda _: 30)
    assert await word_weights(Place(base, table), Vocabulary(), stages) == TermStatistics(0, {})
    assert stages.skipped.startswith("vocabulary: knowledge.index_failed")


def test_a_passage_is_told_what_it_covers() -> None:
    """By what was searched: the context counts, too."""
    weights = dict.fromkeys(terms("roses"), 0.7) | dict.fromkeys(terms("March"), 2.0)
    assert covering(candidate("Roses, cut in March."), weights).coverage == 1
    assert 0 < covering(candidate("Roses."), weights).coverage < 0.5
    assert covering(candidate("Moss."), weights).coverage == 0


def test_what_was_not_looked_up_tells_as_much_as_any_can() -> None:
    base = KnowledgeBase(name="garden", sources=(FolderSource(folder="garden", readers=("*",)),))
    asked = Query(knowledge="garden", text="Roses, cut in March?", scope=Scope("green"))
    known = [AskedWord(text="roses", weight=0.5, is_known=True)]
    weights = weights_of(read_query(asked, base), known, TermStatistics(10, dict.fromkeys(terms("cut"), 9)))
    assert weights == dict.fromkeys(terms("roses"), 0.5) | dict.fromkeys(terms("cut March"), log(22))
