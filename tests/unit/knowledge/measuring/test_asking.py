"""Questions that a model writes."""

import pytest

from buttress.kernel.chance import SeededChance
from buttress.kernel.ids import ChunkId
from buttress.knowledge.measuring.asking import (
    MOST_QUERIES,
    drawn,
    is_worth_asking,
    prompt_for,
    query_in,
)
from buttress.knowledge.measuring.types import LabelledQuery, Relevant
from buttress.knowledge.search_types import Placed
from tests.unit.knowledge.measuring.conftest import PassageMaker

TEXT = "Gifts may be returned within thirty days, unworn, with the slip that came in the parcel. " * 2


@pytest.mark.parametrize(
    ("answer", "question"),
    [
        pytest.param("How long may I return a gift?", "How long may I return a gift?", id="a question"),
        pytest.param('\n1. "May I return it?"\n2. Or not?', "May I return it?", id="a list of them"),
        pytest.param("Question: May I return it?", "May I return it?", id="with its name"),
        pytest.param("- “May I return it?”", "May I return it?", id="other quotation marks"),
    ],
)
def test_the_question_in_an_answer(make_passage: PassageMaker, answer: str, question: str) -> None:
    passage = make_passage("c", "a.md", TEXT)
    assert query_in(answer, passage) == LabelledQuery(question, (Relevant("a.md", quote=TEXT),))


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param("", id="nothing"),
        pytest.param("Gifts", id="one word"),
        pytest.param("why " * 200, id="an essay"),
    ],
)
def test_what_is_no_question(make_passage: PassageMaker, answer: str) -> None:
    assert query_in(answer, make_passage("c", "a.md", TEXT)) is None


def test_short_passages_are_not_worth_a_call(make_passage: PassageMaker) -> None:
    assert not is_worth_asking(make_passage("c", "a.md", "Gifts may be returned."))
    long = "Every gardener waters seven roses, three lilies, nine tulips before breakfast; afterwards oaks, "
    assert is_worth_asking(make_passage("c", "a.md", long + "elms, pines, birches, willows, larches."))


def test_a_prompt_holds_the_passage_between_lines(make_passage: PassageMaker) -> None:
    prompt = prompt_for(make_passage("c", "a.md", TEXT * 100))
    assert "-----\nGifts may be returned" in prompt
    assert len(prompt) < 4_600


def test_passages_are_drawn_evenly_and_repeatably() -> None:
    places = [Placed(number, ChunkId(f"{number:04}"), "a.md", ()) for number in range(1_000)]
    found = drawn(places, SeededChance(1))
    assert len(found) == 2 * MOST_QUERIES
    assert found == drawn(list(reversed(places)), SeededChance(1))
    assert 300 < sum(one.row_id for one in found) / len(found) < 700
