"""Citation markers."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from buttress.guardrails.markers import (
    MarkedSentence,
    piece_spans,
    read_sentence,
    strip_markers,
    without_numbers,
)


@pytest.mark.parametrize(
    ("text", "plain", "numbers"),
    [
        pytest.param("It is so. [1]", "It is so.", (1,), id="behind the stop"),
        pytest.param("It is so [1].", "It is so.", (1,), id="before the stop"),
        pytest.param("It is so[1][2].", "It is so.", (1, 2), id="two"),
        pytest.param("It is so [1, 2; 5].", "It is so.", (1, 2, 5), id="a list"),
        pytest.param("It is so [1-3].", "It is so.", (1, 2, 3), id="a range"),
        pytest.param(
            "It is so [2\u20134, 9].", "It is so.", (2, 3, 4, 9), id="a range with a dash, and more"
        ),
        pytest.param("It [2] is [1] so [2].", "It is so.", (2, 1), id="each once, in order"),
        pytest.param("It is so [1-999].", "It is so.", (1, 999), id="a range too long to be meant"),
        pytest.param("It is so [3-1].", "It is so.", (3, 1), id="a range the wrong way round"),
        pytest.param("See [1](https://a.example).", "See [1](https://a.example).", (), id="a link is none"),
        pytest.param(
            "It is so [one] [] [1a] [12345].", "It is so [one] [] [1a] [12345].", (), id="none of these"
        ),
        pytest.param("[1]", "", (1,), id="nothing but a marker"),
        pytest.param("", "", (), id="nothing"),
    ],
)
def test_markers_are_read_and_taken_off(text: str, plain: str, numbers: tuple[int, ...]) -> None:
    assert read_sentence(text) == MarkedSentence(plain, numbers)


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        pytest.param("One is. [1] Two is. [2]", ["One is. [1]", "Two is. [2]"], id="behind the stop"),
        pytest.param("One is. [1, 2] Two is.", ["One is. [1, 2]", "Two is."], id="a list behind the stop"),
        pytest.param(
            "One is. [1-3][4] Two is.", ["One is. [1-3][4]", "Two is."], id="a range behind the stop"
        ),
        pytest.param("One is.\n[1]\nTwo is.", ["One is.\n[1]", "Two is."], id="on a line of its own"),
        pytest.param("[1] One is.", ["[1] One is."], id="before the first sentence"),
        pytest.param("One is. [1](a) is.", ["One is.", "[1](a) is."], id="a link begins a sentence"),
        pytest.param(
            "1. Press. [1]\n2. Wait. [1]", ["1. Press. [1]", "2. Wait. [1]"], id="steps keep their number"
        ),
        pytest.param("- One [1]\n- Two [2]", ["- One [1]", "- Two [2]"], id="items without a stop"),
        pytest.param(" \n ", [], id="white space"),
    ],
)
def test_an_answer_is_cut_with_its_markers(text: str, pieces: list[str]) -> None:
    assert [text[start:end] for start, end in piece_spans(text)] == pieces


TEXTS = st.lists(
    st.sampled_from(
        ["One is", ".", " ", "\n", "[1]", "[2, 3]", "[1-2]", "[", "]", "(", "1.", "- ", "is", "!", "。"]
    )
).map("".join)


@settings(max_examples=300, deadline=None)
@given(TEXTS | st.text())
def test_pieces_hold_every_character_that_is_not_white_space(text: str) -> None:
    spans = piece_spans(text)
    assert spans == sorted(spans)
    assert all(start < end for start, end in spans)
    assert all(before[1] <= behind[0] for before, behind in itertools.pairwise(spans))
    assert "".join("".join(text[start:end] for start, end in spans).split()) == "".join(text.split())


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(1, 99), max_size=5, unique=True))
def test_what_was_marked_is_read(numbers: list[int]) -> None:
    text = "It is so." + "".join(f" [{number}]" for number in numbers)
    assert read_sentence(text) == MarkedSentence("It is so.", tuple(numbers))
    assert strip_markers(text) == "It is so."


@pytest.mark.parametrize(
    ("text", "without", "left"),
    [
        pytest.param("So. [1]", (), "So. [1]", id="nothing to take out"),
        pytest.param("So. [9]", (9,), "So.", id="a whole marker"),
        pytest.param("So. [1][9] ", (9,), "So. [1] ", id="one of two"),
        pytest.param("So. [1, 9]", (9,), "So. [1]", id="one number of a marker"),
        pytest.param("So. [8-10]", (9,), "So. [8, 10]", id="one of a range"),
        pytest.param("So. [1]", (9,), "So. [1]", id="a number that is not there"),
        pytest.param("See [9](http://a.b).", (9,), "See [9](http://a.b).", id="a link is no marker"),
    ],
)
def test_numbers_are_taken_out(text: str, without: tuple[int, ...], left: str) -> None:
    assert without_numbers(text, without) == left
