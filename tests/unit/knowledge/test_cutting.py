"""How a block too large for a chunk is cut."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from buttress.knowledge.cutting import CHARACTERS_PER_TOKEN, Grain, Measure, Piece, cut


def measure(text: str) -> Measure:
    """Count words."""
    return Measure(text, [found.start() for found in re.finditer(r"\S+", text)])


def piece(text: str, grain: Grain) -> Piece:
    """Return all of a text as one piece."""
    return Piece(start=0, end=len(text), section=(), grain=grain)


def texts(text: str, grain: Grain, room: int = 3) -> list[str]:
    """Cut, and return the texts."""
    return [text[one.start : one.end] for one in cut(piece(text, grain), measure(text), room)]


@pytest.mark.parametrize(
    ("grain", "text", "pieces"),
    [
        pytest.param("block", "One is. Two is. Three.", ["One is.", "Two is.", "Three."], id="sentences"),
        pytest.param("table", "a | b\n1 | 2\n3 | 4", ["a | b", "1 | 2", "3 | 4"], id="rows"),
        pytest.param(
            "code", "if x:\n    y\n\nz", ["if x:", "    y", "z"], id="lines of code keep their indent"
        ),
        pytest.param("finest", "a b c d e f", ["a b c", "d e f"], id="words, once, as many as fit"),
        pytest.param("finest", "abc", ["ab", "c"], id="a word that is told to be cut is cut"),
        pytest.param("finest", "x", [], id="one character cannot be cut"),
    ],
)
def test_cut(grain: Grain, text: str, pieces: list[str]) -> None:
    """Along what it is made of."""
    assert texts(text, grain) == pieces


def test_without_room_nothing_is_cut() -> None:
    """The chunk has to end first."""
    assert texts("a b c", "finest", room=0) == []


def test_rows_remember_the_first() -> None:
    """All but the first itself."""
    text = "a | b\n1 | 2\n3 | 4"
    assert [one.header for one in cut(piece(text, "table"), measure(text), 9)] == [None, (0, 5), (0, 5)]


def test_an_endless_word_weighs_by_its_letters() -> None:
    """A tokenizer calls a megabyte of letters one unknown token."""
    text = "x" * 1_000
    one = measure(text)
    assert one.weigh(0, 1_000) == -(-1_000 // CHARACTERS_PER_TOKEN)
    assert one.reach(0, 10) == 10 * CHARACTERS_PER_TOKEN


@pytest.mark.parametrize(
    "hostile",
    [
        pytest.param("." * 200_000, id="nothing but full stops"),
        pytest.param("a. " * 60_000, id="sentences of one letter"),
        pytest.param("word " * 40_000, id="no sentence ends"),
        pytest.param("x" * 200_000, id="one word"),
    ],
)
def test_sentences_take_time_in_proportion(hostile: str) -> None:
    """Looked for in windows."""
    began = time.perf_counter()
    found = texts(hostile, "block")
    assert time.perf_counter() - began < 20
    assert "".join("".join(found).split()) == "".join(hostile.split())


@settings(max_examples=100)
@given(
    st.text(alphabet="aB. \n", min_size=1, max_size=200),
    st.sampled_from(["block", "table", "code", "finest"]),
)
def test_nothing_is_lost_between_pieces(text: str, grain: Grain) -> None:
    """In order, apart, and only white space between."""
    body = text.strip()
    if not body:
        return
    pieces = cut(piece(body, grain), measure(body), 3)
    if not pieces:
        return
    position = 0
    for one in pieces:
        assert one.start >= position
        assert not body[position : one.start].strip()
        assert body[one.start : one.end].strip()
        position = one.end
    assert not body[position:].strip()
    if grain == "finest":
        assert measure(body).weigh(pieces[0].start, pieces[0].end) <= 3
