"""Which lines of a PDF are headings."""

import pytest

from buttress.knowledge.parsing.pdf_headings import Mark, body_size, marks_by_bookmarks, marks_by_looks
from buttress.knowledge.parsing.pdf_lines import Bookmark, Line


def line(text: str, row: int = 0, page: int = 1, *, size: float = 10, bold: bool = False) -> Line:
    """Return a line in some row of a page."""
    bottom = 780 - 14.0 * row
    width = 6 * len(text)
    return Line(
        page=page,
        text=text,
        left=50,
        right=50 + width,
        bottom=bottom,
        top=bottom + size,
        size=size,
        bold=bold,
    )


def body(count: int, start: int, page: int = 1) -> list[Line]:
    """Return lines of plain text."""
    return [line("plain text of the body, in some words", start + row, page) for row in range(count)]


def test_body_size_is_that_of_most_letters() -> None:
    """Not of most lines."""
    lines = [line("a", size=20), line("b", size=20), line("a long line of text")]
    assert body_size(lines) == 10
    assert body_size([]) == 0


@pytest.mark.parametrize(
    ("bookmark", "expected"),
    [
        pytest.param(
            Bookmark(2, "1.1 Setup", 1, None), {1: [Mark(2, "1.1 Setup", 1)]}, id="the line says it"
        ),
        pytest.param(Bookmark(1, "setup", 1, None), {1: [Mark(1, "setup", 1)]}, id="without its number"),
        pytest.param(Bookmark(1, "Long Name", 1, None), {2: [Mark(1, "Long Name", 2)]}, id="on two lines"),
        pytest.param(Bookmark(1, "Absent", 1, 745.0), {3: [Mark(1, "Absent", 0)]}, id="by where it points"),
        pytest.param(Bookmark(1, "Absent", 1, None), {0: [Mark(1, "Absent", 0)]}, id="atop its page"),
        pytest.param(Bookmark(1, "Setup", 7, None), {}, id="a page without lines"),
    ],
)
def test_bookmarks_are_placed(bookmark: Bookmark, expected: dict[int, list[Mark]]) -> None:
    """At the lines that say the title; else where it points, without a heading."""
    lines = [line("Intro", 0), line("1.1 Setup", 1), line("Long", 2), line("Name", 3), line("text", 4)]
    assert marks_by_bookmarks(lines, [bookmark]) == expected


def test_two_bookmarks_of_one_name_take_two_lines() -> None:
    """The second `Notes` is the second line that says so."""
    lines = [line("Notes", 0), line("text", 1), line("Notes", 2), line("text", 3)]
    marks = marks_by_bookmarks(lines, [Bookmark(1, "Notes", 1, None), Bookmark(1, "Notes", 1, None)])
    assert sorted(marks) == [0, 2]


def test_larger_and_bold_lines_are_headings() -> None:
    """The larger, the higher; bold ones below; two lines of one size are one heading."""
    lines = [
        line("The Large", 0, size=18),
        line("Heading", 1, size=18),
        *body(6, 3),
        line("In Bold", 10, bold=True),
        *body(6, 12),
        line("The Large Again", 0, 2, size=18),
        *body(6, 2, 2),
    ]
    marks = marks_by_looks(lines)
    assert marks[0] == [Mark(1, "The Large Heading", 2)]
    assert [mark.name for mark in marks[8]] == ["In Bold"]
    assert marks[8][0].level > 1
    assert sorted(marks) == [0, 8, 15]


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([line("x", row, size=20) for row in range(5)], id="all large: size says nothing"),
        pytest.param(
            [line("Bold Text", row, bold=True) for row in range(9)], id="all bold: weight says nothing"
        ),
        pytest.param([line("Year 2018 2017", 0, bold=True), *body(5, 1)], id="the head of a table"),
        pytest.param([*body(5, 0), line("At the end", 5, bold=True)], id="bold, and nothing follows"),
        pytest.param([line(f"Bold {n}", n, bold=True) for n in range(4)] + body(9, 4), id="a bold paragraph"),
        pytest.param([line("12", 0, size=20), *body(9, 1)], id="a number"),
    ],
)
def test_what_is_no_heading(lines: list[Line]) -> None:
    """Rather none than a wrong one."""
    assert marks_by_looks(lines) == {}


def test_a_size_that_one_page_of_many_has_is_its_covers() -> None:
    """Else a whole report would stand in the section `FORM 10-K`."""
    lines = [line("FORM 10-K", 0, size=24)]
    for page in range(1, 9):
        lines += body(8, 2, page)
    assert marks_by_looks(lines) == {}
