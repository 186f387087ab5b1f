"""Running heads, footers and page numbers."""

from buttress.knowledge.parsing.pdf_lines import Line, Page
from buttress.knowledge.parsing.pdf_running import without_running


def page(number: int, *texts: str) -> Page:
    """Return a page with one line below another."""
    lines = tuple(
        Line(page=number, text=text, left=50, right=300, bottom=780 - 20 * row, top=790 - 20 * row, size=10)
        for row, text in enumerate(texts)
    )
    return Page(number, 800, lines)


def texts(pages: list[Page]) -> list[list[str]]:
    """Return the lines left on each page."""
    return [[line.text for line in one.lines] for one in pages]


def test_what_repeats_at_the_edges_goes() -> None:
    """Head and footer, and the number in it; the text stays."""
    pages = [
        page(n, "Manual of Things", f"a{n} b", f"c{n} d", f"e{n}", f"f{n}", f"Page {n} of 9")
        for n in range(1, 9)
    ]
    assert texts(without_running(pages)) == [[f"a{n} b", f"c{n} d", f"e{n}", f"f{n}"] for n in range(1, 9)]


def test_printed_numbers_count_on_with_a_shift() -> None:
    """Page 17 of the file may print 12, and later have another shift: blank pages were left out."""
    shown = [*range(12, 20), *range(22, 30)]
    pages = [
        page(n, f"first {n}x", f"second {n}y", f"third {n}z", f"CHAPTER {'AB'[n % 2]} {printed}")
        for n, printed in enumerate(shown, start=17)
    ]
    assert all(len(left) == 3 for left in texts(without_running(pages)))


def test_a_printers_stamp_below_the_number_hides_nothing() -> None:
    """It goes in the first look, the number in the second."""
    pages = [
        page(n, f"text {n}a", f"more {n}b", "end.", f"{n} BOOK {'xyz'[n % 3]}", "4TH PASS")
        for n in range(1, 12)
    ]
    assert all("BOOK" not in " ".join(left) for left in texts(without_running(pages)))


def test_figures_at_the_edge_of_a_table_stay() -> None:
    """Rows of figures look alike when figures do not count; they are content."""
    pages = [page(n, f"Total {n * 37}", f"{n * 11} {n * 13}", f"Sum {n * 91}") for n in range(1, 9)]
    assert texts(without_running(pages)) == texts(pages)


def test_a_heading_that_counts_with_the_pages_stays() -> None:
    """A question on each page, in larger letters, is what people look for."""
    pages = []
    for n in range(1, 9):
        heading = Line(page=n, text=f"Question {n}", left=50, right=90, bottom=790, top=806, size=16)
        pages.append(Page(n, 800, (heading, *page(n, f"some text {n}x", "more of it here", "end.").lines)))
    assert all(left[0].startswith("Question") for left in texts(without_running(pages)))


def test_two_pages_prove_nothing() -> None:
    """What stands on both of two pages may be text."""
    pages = [page(1, "Same", "a"), page(2, "Same", "b")]
    assert texts(without_running(pages)) == texts(pages)


def test_pages_without_lines_are_kept() -> None:
    """No page is lost."""
    assert [one.number for one in without_running([page(1), page(2, "x"), page(3)])] == [1, 2, 3]
