"""Cleaning of text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.knowledge.parsing.cleaning import clean, in_lines, on_one_line, short_name


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        pytest.param("a\r\nb\rc\u2028d", "a\nb\nc\nd", id="every kind of line end becomes one"),
        pytest.param("a\0b\x07c\ufeff", "abc", id="control characters and marks go"),
        pytest.param("eﬃcient ﬁne", "efficient fine", id="ligatures are spelled out"),
        pytest.param("hy\xadphen", "hyphen", id="soft hyphens go"),
        pytest.param("e\u0301", "é", id="letters are composed"),
        pytest.param("\ud800x", "x", id="half a surrogate pair goes"),
        pytest.param("می\u200cخواهم", "می\u200cخواهم", id="a joiner that means something stays"),
    ],
)
def test_clean(raw: str, cleaned: str) -> None:
    """Only what cannot be read is lost."""
    assert clean(raw) == cleaned


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param("  a \n\t b ", "a b", id="white space is one blank"),
        pytest.param("Setup ................ 12", "Setup ... 12", id="leader dots are shortened"),
        pytest.param("=" * 80, "===", id="a drawn rule is shortened"),
        pytest.param("wait......", "wait......", id="a few dots stay"),
    ],
)
def test_on_one_line(text: str, line: str) -> None:
    """One line, and no decoration."""
    assert on_one_line(text) == line


def test_in_lines_keeps_breaks_but_no_blank_lines() -> None:
    """A paragraph has lines; a blank one would end it."""
    assert in_lines(" a  b \n\n\n  c ") == "a b\nc"


def test_a_name_is_short() -> None:
    """A heading of a thousand words is not a step of a path."""
    assert len(short_name("word " * 1000)) <= 160


@given(st.text())
def test_cleaning_twice_changes_nothing(text: str) -> None:
    """What is stored is clean, also when it is read again."""
    once = clean(text)
    assert clean(once) == once
    assert "\0" not in once
    once.encode("utf-8")


@given(st.text(alphabet=".!? -\n\tab", max_size=200))
def test_a_line_is_a_line(text: str) -> None:
    """No line breaks, no blanks at the ends."""
    line = on_one_line(text)
    assert line == line.strip()
    assert "\n" not in line
    assert "  " not in line
