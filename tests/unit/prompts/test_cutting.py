"""Cutting: every piece fits, nothing is lost, and pieces end where the text does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.kernel.clock import SystemClock
from buttress.kernel.tokens import EstimatedTokens, TokenCounter
from buttress.models.openai_tokens import load_openai_counter
from buttress.prompts.cutting import cut_reading, plain_reading
from buttress.prompts.reading_types import Part, Reading

ESTIMATED = EstimatedTokens()
TEXTS = st.lists(
    st.text("ab. \n漢<🎉", max_size=40) | st.sampled_from(["\n\n", "word " * 40, "x" * 300, "One. Two. "]),
    max_size=12,
).map("".join)


def of_blocks(*blocks: str) -> Reading:
    """Return a text of these blocks, each on a page of its own; those that begin with # are headings."""
    at, parts = 0, list[Part]()
    for page, block in enumerate(blocks, start=1):
        parts.append(Part(start=at, end=at + len(block), page=page, is_heading=block.startswith("#")))
        at += len(block) + 2
    return Reading(text="\n\n".join(blocks), parts=tuple(parts))


@pytest.mark.parametrize(
    "counter", [ESTIMATED, load_openai_counter("o200k_base")], ids=["estimate", "openai"]
)
@given(text=TEXTS, room=st.integers(8, 200))
def test_every_piece_fits_and_nothing_is_left_out(counter: TokenCounter, text: str, room: int) -> None:
    pieces = cut_reading(plain_reading(text), room, counter)
    assert all(counter.count(text[one.start : one.end]) <= room for one in pieces)
    ends = [0, *(one.end for one in pieces)]
    assert all(one.start >= end for one, end in zip(pieces, ends, strict=False))
    told = "".join(text[one.start : one.end] for one in pieces)
    assert "".join(told.split()) == "".join(text.split())
    assert [one.number for one in pieces] == list(range(1, len(pieces) + 1))


@given(text=TEXTS)
def test_parts_of_a_plain_text_are_its_paragraphs(text: str) -> None:
    parts = plain_reading(text).parts
    assert all(text[one.start : one.end] == text[one.start : one.end].strip() != "" for one in parts)
    assert "".join("".join(text[one.start : one.end].split()) for one in parts) == "".join(text.split())


def test_a_piece_tells_its_pages() -> None:
    pieces = cut_reading(of_blocks(*("Some words stand here. " * 4 for _ in range(9))), 100, ESTIMATED)
    assert [(one.page, one.page_end) for one in pieces] == [(1, 3), (4, 6), (7, 9)]


def test_a_heading_stays_with_what_follows_it() -> None:
    text = of_blocks("Words. " * 20, "# Next", "Words. " * 20)
    pieces = cut_reading(text, 60, ESTIMATED)
    assert [text.text[one.start : one.end].split()[0] for one in pieces] == ["Words.", "#"]


def test_a_piece_that_is_half_full_ends_before_a_section() -> None:
    text = of_blocks("Words. " * 20, "# Next", "More.")
    assert len(cut_reading(text, 80, ESTIMATED)) == 2
    assert len(cut_reading(text, 400, ESTIMATED)) == 1


def test_there_are_no_pieces_of_nothing() -> None:
    assert cut_reading(plain_reading(" \n\n "), 100, ESTIMATED) == ()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("x" * 400_000, id="one word"),
        pytest.param("a.b " * 100_000, id="no sentence ends"),
        pytest.param("\n \n" * 100_000, id="blank lines"),
        pytest.param("a\n\n" * 60_000, id="paragraphs of a letter"),
    ],
)
def test_hostile_texts_take_bounded_time(text: str) -> None:
    clock = SystemClock()
    begun = clock.monotonic()
    cut_reading(plain_reading(text), 6_000, ESTIMATED)
    assert clock.monotonic() - begun < 20
