"""What PDFium finds in a file."""

from collections.abc import Callable

import pytest

from buttress.knowledge.errors import BrokenFile, Encrypted, TooLarge
from buttress.knowledge.parsing.pdf_lines import read_pdf
from buttress.knowledge.settings import ParseLimits

PdfMaker = Callable[..., bytes]
LIMITS = ParseLimits()


def test_lines_with_their_place_and_looks(make_pdf: PdfMaker) -> None:
    """In points, from the bottom of the page up; sizes as shown; bold by the font's name."""
    content = read_pdf(make_pdf([["# Title", "plain text"], ["next page"]], title="T"), "a.pdf", LIMITS)
    first, second = content.pages[0].lines
    assert content.title == "T"
    assert (first.text, first.bold, first.size) == ("Title", True, 16)
    assert (second.text, second.bold, second.size) == ("plain text", False, 11)
    assert first.bottom > second.bottom
    assert 50 < first.left < 60
    assert [line.page for page in content.pages for line in page.lines] == [1, 1, 2]


def test_bookmarks_name_page_and_height(make_pdf: PdfMaker) -> None:
    """Pages count from 1."""
    content = read_pdf(make_pdf([["text"], ["# Second"]], bookmarks=True), "a.pdf", LIMITS)
    (bookmark,) = content.bookmarks
    assert (bookmark.level, bookmark.title, bookmark.page) == (1, "Second", 2)
    assert bookmark.y is not None


def test_a_password_is_asked_for(make_pdf: PdfMaker) -> None:
    """Not a broken file: an encrypted one."""
    with pytest.raises(Encrypted, match=r"a\.pdf is encrypted"):
        read_pdf(make_pdf([["x"]], password="secret"), "a.pdf", LIMITS)


@pytest.mark.parametrize("keep", [0.2, 0.5, 0.9, 0.99])
def test_a_file_cut_short_is_refused(make_pdf: PdfMaker, keep: float) -> None:
    """PDFium would mend some and leave pages out."""
    data = make_pdf([["x"] * 40] * 60)
    with pytest.raises(BrokenFile, match=r"a\.pdf is cut short"):
        read_pdf(data[: int(len(data) * keep) - 6], "a.pdf", LIMITS)


def test_an_end_mark_behind_nonsense_does_not_help() -> None:
    """It is opened, and fails."""
    with pytest.raises(BrokenFile, match=r"a\.pdf is not a whole PDF"):
        read_pdf(b"%PDF-1.7\n" + b"nonsense " * 100 + b"\n%%EOF", "a.pdf", LIMITS)


def test_pages_and_characters_have_limits(make_pdf: PdfMaker) -> None:
    """Counted before, and while they are read."""
    data = make_pdf([["some text"], ["more text"]])
    with pytest.raises(TooLarge, match="2 pages; the limit is 1"):
        read_pdf(data, "a.pdf", ParseLimits(max_pages=1))
    with pytest.raises(TooLarge, match="by page 2"):
        read_pdf(data, "a.pdf", ParseLimits(max_characters=12))
