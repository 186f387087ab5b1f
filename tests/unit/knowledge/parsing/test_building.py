"""Putting a document together."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.knowledge.checking import check_blocks
from buttress.knowledge.errors import EmptyDocument, TooLarge
from buttress.knowledge.parsing.building import DocumentBuilder, in_runs
from buttress.knowledge.settings import ParseLimits


def builder(max_characters: int = 1_000_000) -> DocumentBuilder:
    """Return one for a file of a made-up name."""
    return DocumentBuilder("folder/file.md", ParseLimits(max_characters=max_characters))


def fill(one: DocumentBuilder, count: int) -> None:
    """Add so many paragraphs."""
    for _ in range(count):
        one.add("paragraph", "text")


def test_a_section_ends_where_one_of_its_level_begins() -> None:
    """A deeper one goes below, an equal or higher one beside."""
    one = builder()
    one.heading(1, "A")
    one.heading(3, "B")
    one.heading(2, "C")
    one.add("paragraph", "text")
    one.heading(1, "D")
    sections = [block.section for block in one.finish("markdown", "").blocks]
    assert sections == [("A",), ("A", "B"), ("A", "C"), ("A", "C"), ("D",)]


def test_many_blocks_under_long_headings_are_refused() -> None:
    """PostgreSQL would refuse the document, and with it all others of its commit."""
    one = builder()
    for level in range(1, 101):
        one.heading(level, "ü" * 160)
    fill(one, 6_000)
    with pytest.raises(TooLarge, match=r"folder/file\.md has more than 6,\d\d\d paragraphs"):
        fill(one, 1_000)


def test_pages_partition_the_text_and_empty_ones_are_empty() -> None:
    """Page 2 has nothing; a paragraph turns from page 3 to 4 in its middle."""
    one = builder()
    one.add("paragraph", "first", turns=((0, 1),))
    one.add("paragraph", "on three and four", turns=((0, 3), (9, 4)))
    document = one.finish("pdf", "", pages=5)
    texts = [document.text[start:end] for start, end in document.page_spans]
    assert texts == ["first\n\n", "", "on three ", "and four", ""]
    assert [block.page for block in document.blocks] == [1, 3]
    check_blocks(document)


def test_a_page_without_text_before_the_first_is_empty() -> None:
    """No text is put on a page where it does not stand."""
    one = builder()
    one.add("paragraph", "text", turns=((0, 2),))
    assert one.finish("pdf", "", pages=2).page_spans == ((0, 0), (0, 4))


@pytest.mark.parametrize(
    ("title", "levels", "expected"),
    [
        pytest.param("Given", (1,), "Given", id="the title that is given"),
        pytest.param("", (1, 2), "H0", id="else the first heading of level 1"),
        pytest.param("", (2,), "file", id="else the file's name"),
    ],
)
def test_title(title: str, levels: tuple[int, ...], expected: str) -> None:
    """There is always one."""
    one = builder()
    for number, level in enumerate(levels):
        one.heading(level, f"H{number}")
    assert one.finish("markdown", title).title == expected


def test_chapters_of_a_text_are_not_its_title() -> None:
    """`CHAPTER I` says nothing of the book."""
    one = builder()
    one.heading(1, "CHAPTER I")
    one.heading(1, "CHAPTER II")
    assert one.finish("text", "").title == "file"


def test_a_limit_is_kept() -> None:
    """Refused, not cut short."""
    one = builder(max_characters=10)
    one.add("paragraph", "x" * 6)
    with pytest.raises(TooLarge, match="more than 10 characters"):
        one.add("paragraph", "x" * 6)


def test_nothing_is_an_error() -> None:
    """White space is nothing."""
    one = builder()
    one.heading(1, "  ")
    one.add("paragraph", " \n ")
    assert one.is_empty
    with pytest.raises(EmptyDocument):
        one.finish("text", "")


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        pytest.param([3], "3", id="one"),
        pytest.param([3, 4], "3-4", id="two that follow"),
        pytest.param([1, 3, 5, 6, 7, 9], "1, 3, 5-7, 9", id="all kinds"),
    ],
)
def test_numbers_in_runs(numbers: list[int], expected: str) -> None:
    """For people."""
    assert in_runs(numbers) == expected


def test_blocks_are_counted() -> None:
    """White space is none."""
    one = builder()
    one.add("paragraph", " ")
    assert (one.count, one.is_empty) == (0, True)
    one.add("paragraph", "a")
    assert (one.count, one.is_empty) == (1, False)


texts = st.text(alphabet="ab \n.", max_size=12)


@given(st.lists(st.tuples(st.integers(0, 4), texts), min_size=1, max_size=12))
def test_whatever_is_added_the_promises_hold(parts: list[tuple[int, str]]) -> None:
    """Level 0 is a paragraph; each part begins a page."""
    one = builder()
    for page, (level, text) in enumerate(parts, start=1):
        if level:
            one.heading(level, text.strip(), page=page)
        else:
            one.add("paragraph", text.strip(), turns=((0, page),))
    if not one.is_empty:
        check_blocks(one.finish("pdf", "", pages=len(parts)))
