"""Texts in the form in which quotations are found."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from buttress.guardrails.folding import find, fold, normalised


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        pytest.param("  A  big\n\tCat ", "a big cat", id="case and white space"),
        pytest.param("“A” ‘b’ – c", "\"a\" 'b' - c", id="quotes and dashes"),
        pytest.param("**bold** text", "bold text", id="emphasis"),
        pytest.param("It is so [1], they say [2, 3].", "it is so, they say.", id="markers"),
        pytest.param("Straße, ﬁne, ½", "strasse, fine, 1⁄2", id="one character that is several"),
        pytest.param("soft\u00adhyphen zero\u200bwidth", "softhyphen zerowidth", id="what nobody sees"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_fold(text: str, folded: str) -> None:
    assert fold(text).text == folded


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("- A key.", "a key", id="a bullet"),
        pytest.param("1. Press it!", "press it", id="a step"),
        pytest.param("“It is so.”", "it is so", id="quotes around it"),
        pytest.param("- - “- a”", "a", id="all of it, again and again"),
        pytest.param("...", "", id="nothing but stops"),
    ],
)
def test_normalised(text: str, words: str) -> None:
    assert normalised(text) == words


@pytest.mark.parametrize(
    ("needle", "haystack", "found"),
    [
        pytest.param("big cat", "A BIG\ncat.", "BIG\ncat", id="over a line end"),
        pytest.param("yes", "yesterday and Yes", "Yes", id="whole words only"),
        pytest.param("1", "½", None, id="not a part of a character"),
        pytest.param("s", "ß", None, id="nor the half of a letter"),
        pytest.param("", "anything", None, id="nothing is nowhere"),
        pytest.param("dog", "", None, id="in nothing there is nothing"),
    ],
)
def test_find(needle: str, haystack: str, found: str | None) -> None:
    place = find(needle, fold(haystack))
    assert (None if place is None else haystack[slice(*place)]) == found


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=40), st.text(max_size=10), st.text(max_size=10))
@example("a", "[1", "]")
@example("½", "", "x")
def test_what_is_found_folds_to_what_was_looked_for(text: str, before: str, behind: str) -> None:
    needle = normalised(text)
    for haystack in (text, f"{before} {text} {behind}", f"{before}{text}{behind}"):
        place = find(needle, fold(haystack))
        if place is not None:
            assert normalised(haystack[slice(*place)]) == needle


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_normalising_twice_changes_nothing(text: str) -> None:
    assert normalised(normalised(text)) == normalised(text)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_every_folded_character_has_its_place(text: str) -> None:
    folded = fold(text)
    assert len(folded.places) == len(folded.text)
    assert list(folded.places) == sorted(folded.places)
    assert all(0 <= place < len(text) for place in folded.places)
