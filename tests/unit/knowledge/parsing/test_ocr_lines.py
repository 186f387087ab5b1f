"""Words with boxes become lines that look as those of text do."""

import pytest

from buttress.knowledge.parsing.ocr_lines import with_recognised
from buttress.knowledge.parsing.pdf_lines import Line, Page
from buttress.knowledge.pictures import Recognised, Word

EM = 100
"""Pixels of a size of a letter."""

SMALL, TEE, TALL, DROP = 52, 65, 72, 21


def word(text: str, left: int, baseline: int, line: int = 0, em: int = EM) -> Word:
    """Return a word as it is printed: its box hugs its letters, half an em wide each."""
    tall = any(letter.isupper() or letter.isdigit() or letter in "bdfhikl" for letter in text)
    low = any(letter in "gjpqy" for letter in text)
    return Word(
        text=text,
        line=line,
        left=left,
        top=baseline - (TALL if tall else TEE if "t" in text else SMALL) * em // 100,
        right=left + len(text) * em // 2,
        bottom=baseline + (DROP if low else 0) * em // 100,
    )


def page_of(*words: Word, number: int = 1) -> Page:
    """Return a page that was read at ten pixels to a point; its upper left corner is at (5, 800)."""
    return Page(number, 800, (), 0, True, Recognised(words=words, points=0.1, left=5, top=800))  # noqa: FBT003


def lines_of(*words: Word) -> tuple[Line, ...]:
    """Return the lines of one page."""
    (page,) = with_recognised([page_of(*words)])
    return page.lines


@pytest.mark.parametrize("text", ["on", "by", "Top", "age", "27", "type", "root."])
def test_the_size_is_that_of_the_letters_whichever_they_are(text: str) -> None:
    (line,) = lines_of(word(text, 200, 1000))
    assert line.size == 10
    assert line.bottom == pytest.approx(800 - 100 - 2.1, abs=0.3)
    assert line.left == 25
    assert line.page == 1


def test_words_of_a_line_are_joined_and_lines_kept_apart() -> None:
    first, second = lines_of(word("One", 0, 200), word("two", 200, 201), word("three", 0, 320, line=1))
    assert (first.text, second.text) == ("One two", "three")
    assert first.right == pytest.approx(5 + 35)
    assert first.bottom > second.bottom
    assert first.bottom - second.bottom == pytest.approx(12, abs=0.5)


def test_sizes_that_differ_by_chance_are_one_and_headings_stay_larger() -> None:
    body = [word("morewords" * 3, 0, 200 + 120 * at, line=at, em=100 + at % 3 * 4) for at in range(9)]
    heading = word("Title", 0, 60, line=20, em=150)
    sizes = [line.size for line in lines_of(heading, *body)]
    assert sizes[0] == 15
    assert len(set(sizes[1:])) == 1


def test_text_beside_scans_keeps_its_size_and_lends_it() -> None:
    """A document that was typed for the most part has one size of letters."""
    typed = Line(page=1, text="typed " * 40, left=0, right=90, bottom=10, top=20, size=10.9)
    pages = with_recognised([Page(1, 800, (typed,)), page_of(word("scanned", 0, 200), number=2)])
    assert pages[0].lines == (typed,)
    assert pages[1].lines[0].size == 10.9


def test_figures_between_wide_gaps_are_cells_and_rules_are_none() -> None:
    row = [word("Revenue", 0, 200), word("|", 500, 200), word("1,250", 800, 200), word("1,100", 1300, 200)]
    (line,) = lines_of(*row)
    assert line.cells == ("Revenue", "1,250", "1,100")
    assert line.text == "Revenue 1,250 1,100"
    (text,) = lines_of(word("Left", 0, 200), word("right", 900, 200))
    assert text.cells == ()


def test_a_hyphen_at_a_lines_end_is_told() -> None:
    lines = lines_of(word("exam-", 0, 200), word("ple", 0, 320, line=1), word("12-", 0, 440, line=2))
    assert [line.hyphenated for line in lines] == [True, False, False]


def test_signs_alone_and_nothing_at_all_are_no_error() -> None:
    (line,) = lines_of(word("—", 0, 200))
    assert line.size > 0
    assert lines_of(word("|", 0, 200)) == ()
    assert lines_of() == ()
    untouched = Page(1, 800, (), 0, True)  # noqa: FBT003
    assert with_recognised([untouched]) == [untouched]
