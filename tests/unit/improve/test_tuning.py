"""Tuning from queries to a choice: labelled, made of headings, written by a model."""

from pathlib import Path

import msgspec
import pytest

from buttress.improve.tuning import ToTune, TuningParts, tune
from buttress.kernel.chance import SeededChance
from buttress.kernel.clock import SystemClock
from buttress.kernel.scope import Scope
from buttress.knowledge.index.tables import Index, open_index
from buttress.knowledge.measuring.errors import NothingToAsk
from buttress.knowledge.measuring.reading import ReadingReranker
from buttress.knowledge.measuring.types import LabelledQuery, Labels, Relevant
from buttress.knowledge.types import FolderSource, KnowledgeBase, SearchSettings
from buttress.testing.documents import Written, rows_of_all
from buttress.testing.embedding import HashedWords

BASE = KnowledgeBase(name="garden", tenant="green", sources=(FolderSource(folder="garden", readers=("*",)),))
GREEN = Scope("green")
PLANTS = ("roses", "moss", "ferns", "tulips", "oaks", "elms")
LONG = (
    "{} stand in beds beside walls, paths, ponds, hedges, lawns; gardeners water them mornings, evenings, "
    "never noon, always slowly."
)


def _written(plant: str) -> Written:
    return Written(
        path=f"{plant}.md",
        texts=(f"Growing {plant} well\n{LONG.format(plant.title())}", f"Cut {plant} in March."),
        section=(f"Growing {plant} well",),
    )


@pytest.fixture
def words() -> HashedWords:
    return HashedWords(256)


@pytest.fixture
async def index(tmp_path: Path, words: HashedWords) -> Index:
    opened = await open_index(tmp_path)
    table = await opened.make("garden", words.fingerprint, words.dimensions)
    hidden = Written(path="wages.md", texts=("Gardeners earn much.",), readers=("group:staff",))
    await table.replace(rows_of_all([*map(_written, PLANTS), hidden], words))
    return opened


def _parts(index: Index, words: HashedWords) -> TuningParts:
    return TuningParts(
        index=index,
        embedder=words,
        rerankers={"late": ReadingReranker(words)},
        clock=SystemClock(),
        chance=SeededChance(1),
    )


async def test_labels_are_asked_and_what_is_missing_told(index: Index, words: HashedWords) -> None:
    queries = [LabelledQuery(f"When are {plant} cut?", (Relevant(plant),)) for plant in PLANTS]
    queries.append(LabelledQuery("What do gardeners earn?", (Relevant("wages.md"),)))
    asked = ToTune(base=BASE, scope=GREEN, labels=Labels(tuple(queries), "labels"), rerank="late")
    told: list[str] = []
    found = await tune(asked, _parts(index, words), lambda what, *_: told.append(what))
    assert "`wages.md`" in found.labels.notes[0]
    assert (found.knowledge, found.choice.count, found.choice.recipes) == ("garden", 7, 132)
    assert found.choice.default.mean == pytest.approx(6 / 7, abs=0.01)
    assert found.choice.search.calibration is not None
    assert set(told) == {"queries searched", "queries ranked"}


async def test_without_labels_headings_are_asked_and_do_not_give_themselves_away(
    index: Index, words: HashedWords
) -> None:
    asked = ToTune(base=BASE, scope=GREEN, labels=None, rerank="none")
    found = await tune(asked, _parts(index, words))
    assert found.labels.origin == "headings"
    assert {one.query for one in found.labels.queries} == {f"Growing {one} well" for one in PLANTS}
    assert found.choice.search.calibration is None
    assert any(text.startswith("Roses stand in beds") for text in words.embedded)


async def test_a_model_writes_queries(index: Index, words: HashedWords) -> None:
    prompts: list[str] = []

    async def ask(prompt: str) -> str:
        prompts.append(prompt)
        plant = next(one for one in PLANTS if one in prompt.casefold())
        return "" if plant == "moss" else f"Question: Where do {plant} stand?"

    asked = ToTune(base=BASE, scope=GREEN, labels=None, rerank="none")
    found = await tune(asked, msgspec.structs.replace(_parts(index, words), ask=ask))
    assert found.labels.origin == "model"
    assert {one.query for one in found.labels.queries} == {
        f"Where do {one} stand?" for one in PLANTS if one != "moss"
    }
    assert len(prompts) == len(PLANTS)  # short passages are not worth a call
    assert not any("earn" in one for one in prompts)
    assert found.choice.default.mean == 1


async def test_a_model_that_writes_nothing(index: Index, words: HashedWords) -> None:
    async def ask(_: str) -> str:
        return ""

    parts = msgspec.structs.replace(_parts(index, words), ask=ask)
    with pytest.raises(NothingToAsk, match="of 6 passages"):
        await tune(ToTune(base=BASE, scope=GREEN, labels=None, rerank="none"), parts)


async def test_documents_without_headings_cannot_be_asked_for(tmp_path: Path, words: HashedWords) -> None:
    index = await open_index(tmp_path)
    table = await index.make("garden", words.fingerprint, words.dimensions)
    await table.replace(rows_of_all([Written(path="a.md", texts=("Roses.",))], words))
    with pytest.raises(NothingToAsk, match="no section of `garden`"):
        await tune(ToTune(base=BASE, scope=GREEN, labels=None, rerank="none"), _parts(index, words))


async def test_other_settings_of_the_search_stay(index: Index, words: HashedWords) -> None:
    base = KnowledgeBase(
        name="garden", tenant="green", sources=BASE.sources, search=SearchSettings(limit=3, min_score=0.1)
    )
    found = await tune(ToTune(base=base, scope=GREEN, labels=None, rerank="none"), _parts(index, words))
    assert (found.choice.search.limit, found.choice.search.min_score) == (3, 0.1)
