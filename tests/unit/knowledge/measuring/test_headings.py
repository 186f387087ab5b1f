"""Queries out of headings: those that tell their section from all others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.kernel.chance import SeededChance
from buttress.kernel.ids import ChunkId
from buttress.knowledge.measuring.headings import MOST_QUERIES, heading_queries, without_headings
from buttress.knowledge.measuring.types import Relevant
from buttress.knowledge.search_types import Placed


def _placed(number: int, document: str, *section: str) -> Placed:
    return Placed(number, ChunkId(str(number)), document, section)


def test_a_distinct_heading_asks_for_its_section() -> None:
    places = [
        _placed(1, "a.md", "Returning gifts", "Late returns"),
        _placed(2, "b.md", "Opening hours", "Introduction"),
        _placed(3, "c.md", "Opening hours"),
    ]
    labels = heading_queries(places, SeededChance(1))
    asked = {one.query: one.relevant for one in labels.queries}
    assert asked == {
        "Returning gifts": (Relevant("a.md", section=("Returning gifts",)),),
        "Late returns": (Relevant("a.md", section=("Returning gifts", "Late returns")),),
    }
    assert labels.origin == "headings"
    assert labels.notes == ("2 of 5 headings are asked for: the others are not distinct",)


@pytest.mark.parametrize(
    "heading",
    [
        pytest.param("Introduction", id="one word"),
        pytest.param("What is it?", id="words that say nothing"),
        pytest.param("3.1 7.2", id="numbers"),
        pytest.param("", id="nothing"),
        pytest.param(" ".join(f"word{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"), id="a paragraph"),
    ],
)
def test_headings_that_nobody_would_ask_for(heading: str) -> None:
    assert not heading_queries([_placed(1, "a.md", heading)], SeededChance(1)).queries


def test_not_more_than_are_of_use() -> None:
    letters = "abcdefghijklmnopqrstuvwxyz"
    places = [
        _placed(number, f"{number}.md", f"{one}word {other}thing")
        for number, (one, other) in enumerate((one, other) for one in letters for other in letters)
    ]
    labels = heading_queries(places, SeededChance(1))
    assert len(labels.queries) == MOST_QUERIES
    assert labels == heading_queries(reversed(places), SeededChance(1))


TEXT = "Returning gifts\n\nLate returns\nA late return of gifts costs $5.\n"


def test_headings_are_taken_out_of_a_text() -> None:
    assert without_headings(TEXT, ("Returning Gifts", "Late returns")).split() == [
        "A", "late", "return", "of", "gifts", "costs", "$5.",
    ]  # fmt: skip


@given(st.text(), st.lists(st.text(), max_size=3))
def test_only_whole_lines_go(text: str, section: list[str]) -> None:
    assert set(without_headings(text, section).split("\n")) <= {*text.split("\n"), ""}
