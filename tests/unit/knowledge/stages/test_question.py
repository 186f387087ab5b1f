"""A question, made ready to be searched."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.kernel.scope import Scope
from buttress.knowledge.errors import QueryInvalid
from buttress.knowledge.search_types import Query
from buttress.knowledge.stages.question import MAX_CHARACTERS, keywords_of, read_query
from buttress.knowledge.types import FolderSource, KnowledgeBase

BASE = KnowledgeBase(name="garden", sources=(FolderSource(folder="garden", readers=("*",)),))


def query(text: str, limit: int | None = None) -> Query:
    """Return a query to the garden."""
    return Query(knowledge="garden", text=text, scope=Scope("green"), limit=limit)


def test_the_limit_is_the_knowledge_bases_unless_asked_otherwise() -> None:
    assert read_query(query("x"), BASE).limit == BASE.search.limit
    assert read_query(query("x", limit=3), BASE).limit == 3


@pytest.mark.parametrize("limit", [-1, 0, 101, 2**63])
def test_a_limit_out_of_bounds_is_refused(limit: int) -> None:
    """And the message says which are possible."""
    with pytest.raises(QueryInvalid, match=f"{limit} passages were asked for, 1 to 100"):
        read_query(query("x", limit=limit), BASE)


@given(st.text(max_size=200))
def test_any_text_is_a_question_or_refused(text: str) -> None:
    """What is searched for is words and blanks, whatever was typed."""
    try:
        question = read_query(query(text), BASE)
    except QueryInvalid:
        assert not any(character.isalnum() for character in text)
    else:
        assert all(one.isalnum() or one == " " for one in question.keywords)
        question.text.encode()


@pytest.mark.parametrize(
    ("text", "keywords", "cut"),
    [
        pytest.param('+a -b "c d" e:f^2 (g', "a b c d e f 2 g", False, id="syntax is no word"),
        pytest.param("cell " * 9, "cell cell cell cell", True, id="four repeats at most"),
        pytest.param("x" * 40 + " y " + "x" * 39, "y " + "x" * 39, True, id="a word too long for the index"),
        pytest.param("й" * 20 + " й", "й", True, id="one whose letters take two bytes"),
        pytest.param("get_" * 9 + "user" * 4, "get get get get " + "user" * 4, True, id="parts of a name"),
        pytest.param("", "", False, id="nothing"),
    ],
)
def test_keywords(text: str, keywords: str, cut: bool) -> None:  # noqa: FBT001 - a column of the table
    found, note = keywords_of(text)
    assert found == keywords
    assert bool(note) == cut


def test_a_long_text_is_searched_by_its_first_words() -> None:
    found, note = keywords_of(" ".join(f"w{number}" for number in range(30_000)))
    assert len(found.split()) == 128
    assert "128 words" in note


def test_of_a_hundred_kilobytes_the_beginning_is_looked_for() -> None:
    """And that is noted; what is embedded is the model's own matter."""
    question = read_query(query("soil " * 20_000 + "rake"), BASE)
    assert question.keywords == "soil soil soil soil"
    assert "4 words of a longer text" in question.note
    assert len(question.beginning) == MAX_CHARACTERS
    assert question.text.endswith("rake")
