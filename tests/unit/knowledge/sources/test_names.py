"""Names that others gave."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.knowledge.sources.names import odd_name, shown


@pytest.mark.parametrize("path", ["a.md", "a b/ü.md", "..a/b..md", "a/.b", "می\u200cخواهم\u3000.md"])
def test_a_path_is_one(path: str) -> None:
    assert odd_name(path) == ""


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("", "is no path"),
        ("/a", "is no path"),
        ("a/", "is no path"),
        ("a//b", "is no path"),
        ("a/../b", "is no path"),
        ("./a", "is no path"),
        ("a\tb", "nobody sees"),
        ("a\u202eb", "nobody sees"),
        ("a\0b", "nobody sees"),
        ("caf\udce9", "not UTF-8"),
        ("docs/" * 820, "more than 4,096 characters"),
    ],
)
def test_what_is_none_is_named(path: str, reason: str) -> None:
    assert reason in odd_name(path)


@given(st.binary(max_size=30))
def test_whatever_bytes_a_name_is_it_is_a_line_of_text_or_odd(name: bytes) -> None:
    path = name.decode("utf-8", "surrogateescape")
    if not odd_name(path):
        assert path.encode() == name
        assert len(path.splitlines()) == 1


@given(st.text(max_size=400))
def test_whatever_a_name_is_it_is_shown_in_a_line(name: str) -> None:
    line = shown(name)
    assert len(line.splitlines()) <= 1
    assert line.encode().decode() == line
    assert len(line) <= 300 * len("\\U0001f600")


def test_what_is_odd_is_shown_as_it_is_written() -> None:
    assert shown("a\nb\u202e\udce9ü") == r"a\nb\u202e\udce9ü"
