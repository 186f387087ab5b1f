"""Whole sentences out of a stream."""

from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from buttress.guardrails.markers import piece_spans
from buttress.guardrails.sentences import MAX_SENTENCE_CHARACTERS, SentenceBuffer


def stream(*deltas: str) -> list[str]:
    buffer = SentenceBuffer()
    return [sentence for delta in deltas for sentence in buffer.feed(delta)] + buffer.finish()


def cut(text: str, cuts: list[int]) -> list[str]:
    edges = sorted({0, len(text), *(min(one, len(text)) for one in cuts)})
    return [text[start:end] for start, end in pairwise(edges)]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        pytest.param("One is. [1] Two is. [2]", ["One is. [1]", " Two is. [2]"], id="with their markers"),
        pytest.param(
            "One is. [1, 2]\n\nTwo is.\n", ["One is. [1, 2]", "\n\nTwo is.\n"], id="with white space"
        ),
        pytest.param("  One is.", ["  One is."], id="white space at the beginning"),
        pytest.param(
            "It costs $3.50 e.g. here.", ["It costs $3.50 e.g. here."], id="stops inside a sentence"
        ),
        pytest.param("Lead:\n- one\n- two [1]", ["Lead:", "\n- one", "\n- two [1]"], id="a list"),
        pytest.param("1. Press.\n2. Wait.", ["1. Press.", "\n2. Wait."], id="steps"),
        pytest.param("你好。世界！", ["你好。", "世界！"], id="wide marks"),
        pytest.param("no end", ["no end"], id="no end"),
        pytest.param(" \n ", [" \n "], id="white space alone"),
        pytest.param("", [], id="nothing"),
    ],
)
def test_sentences_are_given_whole(text: str, sentences: list[str]) -> None:
    assert stream(text) == sentences
    assert stream(*text) == sentences


PARTS = [
    *(
        "One is",
        ".",
        " ",
        "  ",
        "\n",
        "\n\n",
        "[1]",
        "[1",
        "]",
        "[2, 3]",
        "[1-2]",
        "(",
        ")",
        "1.",
        "2)",
        "-",
        "- ",
    ),
    *(
        "is",
        "!",
        "...",
        "。",
        "！",
        "”",
        '"',
        "世界",
        "e.g.",
        "No.",
        "5",
        "|",
        "| a | b",
        "*",
        "A",
        "x",
        "’",
        "[9](u)",
    ),
]
TEXTS = st.lists(st.sampled_from(PARTS), max_size=30).map("".join)


@pytest.mark.slow
@settings(max_examples=500, deadline=None)
@given(TEXTS | st.text(max_size=60), st.lists(st.integers(0, 120), max_size=12))
@example("。”[1]", [3])
def test_however_it_was_cut_it_is_the_same_sentences_and_all_of_the_text(text: str, cuts: list[int]) -> None:
    whole = stream(text)
    assert "".join(whole) == text
    assert stream(*cut(text, cuts)) == whole
    assert stream(*text) == whole


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_the_sentences_are_those_of_the_whole_text(text: str) -> None:
    pieces = [text[start:end] for start, end in piece_spans(text)]
    assert [sentence.strip() for sentence in stream(text) if sentence.strip()] == [
        one.strip() for one in pieces
    ]


def test_a_sentence_is_given_as_soon_as_the_next_begins() -> None:
    buffer = SentenceBuffer()
    assert buffer.feed("One is. [1]") == []
    assert buffer.feed(" ") == []
    assert buffer.feed("[") == []
    assert buffer.feed("2]") == []
    assert buffer.feed(" T") == ["One is. [1] [2]"]
    assert buffer.finish() == [" T"]
    assert buffer.finish() == []


def test_a_text_without_an_end_is_given_in_bounded_pieces() -> None:
    text = "x" * (2 * MAX_SENTENCE_CHARACTERS + 5)
    expected = [MAX_SENTENCE_CHARACTERS, MAX_SENTENCE_CHARACTERS, 5]
    assert [len(piece) for piece in stream(text)] == expected
    assert [len(piece) for piece in stream(*cut(text, list(range(0, len(text), 97))))] == expected
