"""The first lists of queries, found once, inside the scope."""

import pytest

from buttress.kernel.scope import Scope
from buttress.knowledge.measuring.finding import Place, find_lists
from buttress.knowledge.measuring.types import LabelledQuery, Labels, Relevant
from buttress.knowledge.search import Searcher
from tests.unit.knowledge.measuring.conftest import GARDEN, GREEN

LABELS = Labels(
    (
        LabelledQuery("Do roses want sun?", (Relevant("roses.md", quote="Roses want sun."),)),
        LabelledQuery("What do gardeners earn?", (Relevant("wages.md", 2.0),)),
    ),
    "labels",
)


async def test_both_lists_and_what_they_answer(searcher: Searcher) -> None:
    told: list[tuple[int, int]] = []
    found = await find_lists(Place(searcher, GARDEN, GREEN), LABELS, lambda *one: told.append(one))
    roses, wages = found
    assert roses.first.dense
    assert roses.first.bm25
    assert roses.reranked is None
    assert roses.answered[roses.first.bm25[0].chunk_id] == ("roses.md\nRoses want sun.",)
    assert wages.gains == {"wages.md": 2.0}
    assert told == [(1, 2), (2, 2)]


@pytest.mark.parametrize(
    ("groups", "seen"),
    [pytest.param((), False, id="everybody"), pytest.param(("group:staff",), True, id="a reader")],
)
async def test_only_what_the_scope_sees_is_found(
    searcher: Searcher, groups: tuple[str, ...], *, seen: bool
) -> None:
    scope = Scope("green", frozenset(groups))
    _, wages = await find_lists(Place(searcher, GARDEN, scope), LABELS)
    assert (("wages.md",) in wages.answered.values()) == seen


async def test_the_re_ranker_looks_at_all_that_was_found(searcher: Searcher) -> None:
    roses, _ = await find_lists(Place(searcher, GARDEN, GREEN, "late"), LABELS)
    assert roses.reranked is not None
    assert set(roses.reranked) == set(roses.answered)
