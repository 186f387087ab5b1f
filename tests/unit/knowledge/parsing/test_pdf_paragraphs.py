"""From lines to paragraphs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.knowledge.parsing.pdf_lines import Line
from buttress.knowledge.parsing.pdf_paragraphs import (
    Paragraph,
    is_item,
    is_row,
    join_hyphenated,
    layout_of,
    merge_pieces,
    paragraphs,
)

WIDTH = 400.0


def line(
    text: str, row: float, page: int = 1, *, left: float = 50, full: bool = True, size: float = 10
) -> Line:
    """Return a line in some row; a full one reaches the right edge."""
    bottom = 780 - 12.0 * row
    right = left + (WIDTH - (left - 50) if full else 100)
    hyphenated = text.endswith("-")
    return Line(
        page=page,
        text=text,
        left=left,
        right=right,
        bottom=bottom,
        top=bottom + 10,
        size=size,
        hyphenated=hyphenated,
    )


def joined(*lines: Line) -> list[Paragraph]:
    """Return the paragraphs of lines."""
    merged = merge_pieces(lines)
    return list(paragraphs(merged, layout_of(merged)))


def test_full_lines_are_joined_by_blanks() -> None:
    """A line that was broken for want of room goes on."""
    (one,) = joined(line("The first", 0), line("and the second", 1), line("end here.", 2, full=False))
    assert one == Paragraph("paragraph", "The first and the second end here.", ((0, 1),))


@pytest.mark.parametrize(
    ("lines", "texts"),
    [
        pytest.param([line("a b", 0), line("c d", 1), line("E f", 3)], ["a b c d", "E f"], id="a gap"),
        pytest.param(
            [line("a.", 0, full=False), line("B", 1)], ["a.", "B"], id="a short line that ends a sentence"
        ),
        pytest.param([line("a.", 0), line("B", 1, left=70)], ["a.", "B"], id="an indent after a sentence"),
        pytest.param([line("a", 0), line("B", 1, size=14)], ["a", "B"], id="another size"),
        pytest.param([line("a", 0), line("• b", 1), line("• c", 2)], ["a", "• b", "• c"], id="bullets"),
        pytest.param([line("a:", 0), line("(b) c", 1)], ["a:", "(b) c"], id="letters in brackets"),
        pytest.param(
            [line("Ann", 0, full=False), line("Bob", 1, full=False), line("x", 9)],
            ["Ann\nBob", "x"],
            id="short lines keep their breaks",
        ),
        pytest.param(
            [line("a well-", 0), line("known", 1)], ["a wellknown"], id="a word cut at the end of its line"
        ),
    ],
)
def test_where_a_paragraph_ends(lines: list[Line], texts: list[str]) -> None:
    """By gaps, sizes, indents, short lines and bullets."""
    assert [one.text for one in joined(*lines)] == texts


def test_a_paragraph_goes_on_over_a_page() -> None:
    """Where its line is full, ends no sentence, and the next begins small; the turn is noted."""
    (one,) = joined(line("It goes", 0), line("on and", 1), line("on.", 0, 2, full=False))
    assert one.text == "It goes on and on."
    assert one.turns == ((0, 1), (15, 2))
    assert one.text[15:] == "on."


def test_a_word_cut_by_the_page_turns_within() -> None:
    """The page begins with the rest of the word."""
    (one,) = joined(line("one exam-", 0), line("ple more", 0, 2))
    assert one.text == "one example more"
    assert one.text[one.turns[1][0] :] == "ple more"


def test_a_sentence_that_ended_does_not_go_on_over_a_page() -> None:
    """Rather two paragraphs than one wrong."""
    assert len(joined(line("It ended.", 0), line("another", 0, 2))) == 2


def test_rows_of_figures_are_a_table() -> None:
    """With a label alone between two of them; the text around is not."""
    found = joined(
        line("In millions:", 0, full=False),
        line("2018 2017", 1, full=False),
        line("Net sales $ 32,765 $ 31,657", 2),
        line("Cost of goods", 3, full=False),
        line("sold 16,682 16,055", 4),
        line("The text goes on here.", 5),
    )
    assert [one.kind for one in found] == ["paragraph", "table", "paragraph"]
    assert found[1].text.count("\n") == 3


def test_pieces_beside_each_other_are_one_line() -> None:
    """A bullet and its text; raised letters."""
    bullet = Line(page=1, text="•", left=50, right=55, bottom=100, top=110, size=10)
    text = Line(page=1, text="item", left=60, right=90, bottom=99, top=111, size=10)
    (one,) = merge_pieces([bullet, text])
    assert one.text == "• item"
    assert (one.left, one.right) == (50, 90)


@pytest.mark.parametrize(
    ("text", "row"),
    [
        pytest.param("Total revenue $ 10,024 $ 5,757", True, id="two amounts at the end"),
        pytest.param("2018 2017 2016", True, id="years"),
        pytest.param("Translation 0.3 —", True, id="a dash is a figure that is missing"),
        pytest.param("In 2018 we sold 12 units in 3 towns", False, id="figures in a sentence"),
        pytest.param("Setup ... 12", False, id="a line of a table of contents"),
    ],
)
def test_is_row(text: str, row: bool) -> None:  # noqa: FBT001 - a table's column
    """Two figures at the end, or nearly half of it."""
    assert is_row(text) == row


@pytest.mark.parametrize("text", ["• a", "•a", "· a", "1. a", "(iv) a", "b) a", "– a"])
def test_items(text: str) -> None:
    """Bullets, numbers, letters."""
    assert is_item(text)


@pytest.mark.parametrize("text", ["a", "1.5 a", "-5 degrees", "vitamin. a", "2018"])
def test_no_items(text: str) -> None:
    """Figures and words are none."""
    assert not is_item(text)


@pytest.mark.parametrize(
    ("text", "following", "words", "whole"),
    [
        pytest.param("an exam-", "ple", set(), "an example", id="a hyphen of the line goes"),
        pytest.param("a well-", "known", {"well-known"}, "a well-known", id="the document writes it so"),
        pytest.param("a co-", "op", {"co-op", "coop"}, "a coop", id="it writes both: the shorter"),
        pytest.param("pre-", "Columbian", set(), "pre-Columbian", id="before a capital it stays"),
        pytest.param("2017-", "18", set(), "2017-18", id="before figures it stays"),
    ],
)
def test_join_hyphenated(text: str, following: str, words: set[str], whole: str) -> None:
    """What the document has elsewhere decides."""
    assert join_hyphenated(text, following, frozenset(words)) == whole


words = st.sampled_from(["a", "Text", "• x", "1 2 3", "end.", "cut-", "(a) b"])
places = st.tuples(
    words, st.integers(0, 40), st.integers(1, 3), st.booleans(), st.sampled_from([50.0, 70.0, 300.0])
)


@given(st.lists(places, max_size=15))
def test_every_letter_is_in_one_paragraph(given_places: list[tuple[str, int, int, bool, float]]) -> None:
    """Whatever the layout: in order, and with turns that say the page of each."""
    lines = [
        line(text, row, page, full=full, left=left)
        for text, row, page, full, left in sorted(given_places, key=lambda place: place[2])
    ]
    found = list(paragraphs(lines, layout_of(lines)))
    letters = "".join("".join(one.text.split()) for one in found).replace("-", "")
    assert letters == "".join("".join(one.text.split()) for one in lines).replace("-", "")
    pages = [page for one in found for _, page in one.turns]
    assert pages == sorted(pages)
