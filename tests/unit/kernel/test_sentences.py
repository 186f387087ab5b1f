"""Sentences: tables of where they end, and the promise that nothing is lost."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.kernel.sentences import sentence_spans, split_sentences

TEXTS = st.text(alphabet=st.sampled_from("ab Z.!?\n\t[1]\"'。-•|"), max_size=80) | st.text(max_size=60)


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        pytest.param("", [], id="nothing"),
        pytest.param("  \n ", [], id="only white space"),
        pytest.param("One. Two! Three?", ["One.", "Two!", "Three?"], id="the three marks"),
        pytest.param(
            "Ask Dr. Smith. He knows.", ["Ask Dr. Smith.", "He knows."], id="an abbreviation goes on"
        ),
        pytest.param("It costs $3.50 a month.", ["It costs $3.50 a month."], id="a number goes on"),
        pytest.param("See J. Doe.", ["See J. Doe."], id="an initial goes on"),
        pytest.param("So do I. You too.", ["So do I.", "You too."], id="the word I ends"),
        pytest.param(
            "He said “No.” Then left.", ["He said “No.”", "Then left."], id="a closing quote belongs"
        ),
        pytest.param(
            "Yes. [1] No. [2][3]", ["Yes. [1]", "No. [2][3]"], id="markers belong to what they follow"
        ),
        pytest.param("a v. b. and so on.", ["a v. b. and so on."], id="a small letter goes on"),
        pytest.param("Title\n\nText here", ["Title", "Text here"], id="a blank line ends"),
        pytest.param(
            "To do:\n- first\n- second", ["To do:", "- first", "- second"], id="list items stand alone"
        ),
        pytest.param("一。二！", ["一。", "二！"], id="wide marks need no space"),
    ],
)
def test_a_sentence_ends(text: str, sentences: list[str]) -> None:
    assert split_sentences(text) == sentences


@given(TEXTS)
def test_every_character_that_is_not_white_space_is_in_exactly_one_sentence(text: str) -> None:
    spans = sentence_spans(text)
    assert all(start < end for start, end in spans)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    inside = {index for start, end in spans for index in range(start, end)}
    assert {index for index, character in enumerate(text) if not character.isspace()} <= inside


@given(TEXTS)
def test_a_sentence_has_no_white_space_at_its_ends(text: str) -> None:
    assert all(sentence == sentence.strip() for sentence in split_sentences(text))


@pytest.mark.parametrize("text", ["." * 200_000 + "a", "a. " * 100_000, "\n" * 200_000, "[1]" * 70_000])
def test_long_and_odd_texts_take_time_in_proportion_to_their_length(text: str) -> None:
    assert sentence_spans(text) == sentence_spans(text)
