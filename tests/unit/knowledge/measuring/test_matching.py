"""Which labels a passage answers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.kernel.ids import ChunkId
from buttress.knowledge.measuring.matching import answered_by, gains_of, in_order, key_of
from buttress.knowledge.measuring.types import LabelledQuery, Relevant
from tests.unit.knowledge.measuring.conftest import PassageMaker

WHOLE = Relevant("a.md")
QUOTED = Relevant("a.md", quote="Gifts may be returned within thirty days of the day they were given.")
SECTION = Relevant("a.md", section=("Returns", "Gifts"))
OTHER = ("a.md\n",)


@pytest.mark.parametrize(
    ("labels", "document", "text", "section", "keys"),
    [
        pytest.param([WHOLE], "a.md", "x", (), (key_of(WHOLE),), id="any passage of a document"),
        pytest.param([WHOLE], "b.md", "x", (), ("b.md",), id="another document"),
        pytest.param([QUOTED], "a.md", "Hello there.", (), OTHER, id="another place of the document"),
        pytest.param(
            [QUOTED],
            "a.md",
            "(1) Gifts may be RETURNED within thirty days of the day they",
            (),
            (key_of(QUOTED),),
            id="most of the quote, the chunk ends in it",
        ),
        pytest.param([QUOTED], "a.md", "they were given.", (), OTHER, id="the quote's last words"),
        pytest.param([SECTION], "a.md", "", ("Returns", "Gifts", "Late"), (key_of(SECTION),), id="below it"),
        pytest.param([SECTION], "a.md", "", ("Returns",), OTHER, id="above it"),
        pytest.param([SECTION], "a.md", "", ("Gifts",), OTHER, id="another section of the last name"),
        pytest.param(
            [WHOLE, SECTION], "a.md", "", ("Returns", "Gifts"), (key_of(WHOLE), key_of(SECTION)), id="both"
        ),
    ],
)
def test_what_a_passage_answers(
    make_passage: PassageMaker,
    labels: list[Relevant],
    document: str,
    text: str,
    section: tuple[str, ...],
    keys: tuple[str, ...],
) -> None:
    assert answered_by(make_passage("c", document, text, section), labels) == keys


def test_a_document_ranks_where_its_best_passage_does() -> None:
    answered = {ChunkId("1"): ("b",), ChunkId("2"): ("a",), ChunkId("3"): ("b",), ChunkId("4"): ("c",)}
    assert in_order([ChunkId(one) for one in "1234"], answered) == ["b", "a", "c"]


@given(st.permutations("1234"))
def test_each_document_has_one_rank(order: list[str]) -> None:
    answered = {ChunkId("1"): ("b",), ChunkId("2"): ("a", "b"), ChunkId("3"): ("b",), ChunkId("4"): ("c",)}
    ranked = in_order([ChunkId(one) for one in order], answered)
    assert sorted(ranked) == ["a", "b", "c"]


def test_grades_are_the_gains() -> None:
    labelled = LabelledQuery("?", (Relevant("a.md", 2.0), Relevant("b.md", 1.0, "x y z")))
    assert gains_of(labelled) == {"a.md": 2.0, "b.md\nx y z": 1.0}
