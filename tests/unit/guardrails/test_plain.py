"""What a reader sees of a text."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from buttress.guardrails.plain import is_mixed, plain, visible


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        pytest.param("3\u200b7", "37", id="nothing between digits"),
        pytest.param("\u202e7 to 3\u202c", "7 to 3", id="signs of direction"),
        pytest.param("\u20663\u2069", "3", id="isolates"),
        pytest.param("w\u0336o\u0336", "wo", id="struck out"),
        pytest.param("a\x00b\x1fc\x7f", "abc", id="control characters"),
        pytest.param("a\tb\nc\r\n", "a\tb\nc\r\n", id="white space stays"),
        pytest.param("می\u200cخواهم", "می\u200cخواهم", id="a joiner that a language needs"),
        pytest.param("a\U000e0041b", "ab", id="tags"),
        pytest.param("🇳🇱 e\u0301 ü", "🇳🇱 e\u0301 ü", id="flags and accents stay"),
        pytest.param("\ud83d!", "!", id="half a character"),
    ],
)
def test_what_is_hidden_or_turns_is_taken_out(text: str, seen: str) -> None:
    assert visible(text) == seen


@pytest.mark.parametrize(
    ("text", "read"),
    [
        pytest.param("⑨⑨", "99", id="circled"),
        pytest.param("⁹⁹ days", "99 days", id="raised, with nothing before"),
        pytest.param("sales¹ rose", "sales  rose", id="a footnote"),
        pytest.param("Ｆｕｌｌ １２", "Full 12", id="wide"),
        pytest.param("٣ أيام", "3 أيام", id="other digits"),
    ],
)
def test_digits_and_letters_are_read_alike(text: str, read: str) -> None:
    assert plain(text) == read


def test_a_word_of_two_scripts_is_mixed() -> None:
    assert is_mixed("Cаrd")
    assert not any(map(is_mixed, ("Card", "карта", "Erdös", "RORγ", "世界")))


@settings(max_examples=200, deadline=None)
@given(st.text())
def test_what_is_seen_is_seen(text: str) -> None:
    seen = visible(text)
    assert not set("\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u200e\u200f\u200b\x00") & set(seen)
    assert len(seen) <= len(text)
