"""A cited place in its document: what is marked is what was cited, and nothing is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.console.excerpts import AROUND, MAX_CITED, ShownExcerpt, shown, window
from buttress.knowledge.syncing.types import StoredExcerpt
from buttress.knowledge.types import Block

TEXT = "Lawns\n\nA lawn is mown. 🙂 Then it rests.\n\nThe end."
BLOCKS = (
    Block(kind="heading", start=0, end=5, level=1, page=1),
    Block(kind="paragraph", start=7, end=39, page=1, section=("Lawns",)),
    Block(kind="paragraph", start=41, end=49, page=2, section=("Lawns",)),
)


def excerpt(start: int = 0, end: int = len(TEXT)) -> StoredExcerpt:
    """Return characters `start` to `end` of the document, with the blocks that touch them."""
    return StoredExcerpt(
        path="lawns.pdf",
        title="Lawns",
        pages=2,
        characters=len(TEXT),
        start=start,
        text=TEXT[start:end],
        blocks=tuple(one for one in BLOCKS if one.start < end and one.end > start),
    )


def cited_of(found: ShownExcerpt) -> str:
    """Return all that is marked."""
    return "".join(part.text for block in found.blocks for part in block.parts if part.cited)


def text_of(found: ShownExcerpt) -> str:
    """Return all that is shown."""
    return "".join(part.text for block in found.blocks for part in block.parts)


def squeezed(text: str) -> str:
    """Return `text` without white space."""
    return "".join(text.split())


def test_the_cited_words_are_marked_in_their_block() -> None:
    found = shown(excerpt(), 7, 22)
    assert [(part.text, part.cited) for part in found.blocks[1].parts] == [
        ("A lawn is mown.", True),
        (" 🙂 Then it rests.", False),
    ]
    assert (found.document, found.pages, found.blocks[2].page) == ("lawns.pdf", 2, 2)
    assert (found.more_before, found.more_after) == (False, False)


def test_a_piece_says_that_the_document_goes_on() -> None:
    found = shown(excerpt(8, 30), 10, 12)
    assert (found.more_before, found.more_after) == (True, True)
    assert text_of(found) == TEXT[8:30]


def test_a_place_behind_the_end_leads_back_to_it() -> None:
    found = shown(excerpt(9_000, 9_100), 9_050, 9_060)
    assert (found.blocks, found.start, found.end) == ((), len(TEXT), len(TEXT))
    assert (found.more_before, found.more_after) == (True, False)
    at = found.start - 10
    assert text_of(shown(excerpt(at, at + AROUND), at, at)) == TEXT[at:].replace("\n", "")


@pytest.mark.parametrize(
    ("start", "end", "page", "place"),
    [
        pytest.param(7, 22, None, "lawns.pdf, page 1, Lawns", id="a sentence"),
        pytest.param(7, 45, None, "lawns.pdf, pages 1-2, Lawns", id="over two pages"),
        pytest.param(30, 39, 2, "lawns.pdf, page 2, Lawns", id="in a block that began a page before"),
        pytest.param(7, 22, 99, "lawns.pdf, page 1, Lawns", id="a page that the document has not"),
        pytest.param(60, 70, None, "lawns.pdf", id="nothing is there"),
    ],
)
def test_a_place_is_said_as_its_citation_says_it(start: int, end: int, page: int | None, place: str) -> None:
    assert shown(excerpt(), start, end, page).place == place


@given(st.data())
def test_whatever_is_cited_is_marked_and_nothing_is_lost(data: st.DataObject) -> None:
    place = st.integers(0, len(TEXT))
    first, last = sorted((data.draw(place), data.draw(place)))
    start, end = sorted((data.draw(place), data.draw(place)))
    found = shown(excerpt(first, last), start, end)
    assert squeezed(text_of(found)) == squeezed(TEXT[first:last])
    assert squeezed(cited_of(found)) == squeezed(TEXT[max(first, start) : min(last, end)])


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_a_window_holds_the_beginning_of_what_is_cited_and_is_bounded(one: int, other: int) -> None:
    start, end = sorted((one, other))
    first, last = window(start, end)
    assert 0 <= first <= start
    assert min(end, start + MAX_CITED) <= last
    assert last - first <= MAX_CITED + 2 * AROUND
