"""Citing: a number of a piece leads to the part of it that the sentence stands on."""

import pytest

from buttress.gateway.mapping.citing import Citer
from buttress.kernel.passages import CitationState
from buttress.prompts.cutting import plain_reading
from buttress.prompts.reading_types import Piece
from tests.unit.gateway.shelf import a_document

PAGES = ("Refunds take three days.", "The town of Basel lies on the Rhine.", "Basil stands in the sun.")
READING = a_document(*PAGES)
WHOLE = Piece(number=1, start=0, end=len(READING.text), page=1, page_end=3)


@pytest.mark.parametrize(
    ("sentence", "page", "state"),
    [
        pytest.param("Basil stands in the sun. [1]", 3, CitationState.VERBATIM, id="in these words"),
        pytest.param("Refunds take three days [1].", 1, CitationState.VERBATIM, id="on another page"),
        pytest.param("Basel lies on the Danube. [1]", 2, CitationState.UNSUPPORTED, id="not borne out"),
    ],
)
def test_a_number_leads_to_the_nearest_part(sentence: str, page: int, state: CitationState) -> None:
    (citation,) = Citer(READING, (WHOLE,), 0.5).sentence(sentence).citations
    assert (citation.page, citation.state, citation.number) == (page, state, 1)
    assert READING.text[citation.start : citation.end] == citation.quote


def test_the_part_that_has_the_sentence_comes_before_one_with_more_of_its_words() -> None:
    words = "The sun stands where basil is, and basil is in the sun where it stands"
    reading = a_document(words, "Basil is in the sun.", path="sun.md")
    whole = Piece(number=1, start=0, end=len(reading.text))
    (citation,) = Citer(reading, (whole,), 0.5).sentence("Basil is in the sun. [1]").citations
    assert (citation.page, citation.state) == (2, CitationState.VERBATIM)


def test_a_number_that_no_piece_has_leads_nowhere() -> None:
    found = Citer(READING, (WHOLE,), 0.5).sentence("Basil stands in the sun. [7]")
    assert (found.citations, found.standing) == ((), "unsupported")


def test_a_part_that_is_in_two_pieces_is_cited_as_far_as_it_is_in_the_piece() -> None:
    text = "One thing is here. Another thing is there."
    reading = a_document(text)
    pieces = (Piece(number=1, start=0, end=18), Piece(number=2, start=19, end=len(text)))
    (citation,) = Citer(reading, pieces, 0.5).sentence("Another thing is there. [2]").citations
    assert (citation.start, citation.state) == (19, CitationState.VERBATIM)


def test_of_a_text_that_came_with_the_question_nothing_is_cited() -> None:
    found = Citer(plain_reading("A text."), (WHOLE,), 0.5).sentence("A text. [1]")
    assert (found.text, found.citations) == ("A text.", ())
