"""Patterns: linear time, named groups, and reasons for what is none."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.releases.patterns import (
    MAX_SEARCHED_CHARACTERS,
    BadPattern,
    compile_pattern,
    group_names,
    search,
)


def found(pattern: str, text: str) -> dict[str, str] | None:
    """Search with a pattern that is known to be one."""
    compiled = compile_pattern(pattern)
    assert not isinstance(compiled, BadPattern)
    return search(compiled, text)


@pytest.mark.parametrize(
    ("pattern", "text", "groups"),
    [
        pytest.param(r"(?i)opening hours", "Your OPENING hours?", {}, id="case can be left out"),
        pytest.param(r"(?P<n>\d+) (?P<u>eur|usd)", "12 eur", {"n": "12", "u": "eur"}, id="groups have names"),
        pytest.param(r"(?P<a>x)|(?P<b>y)", "y", {"a": "", "b": "y"}, id="a group without a part is empty"),
        pytest.param(r"(?P<w>\pL+)", "größe", {"w": "größe"}, id="letters of any language"),
        pytest.param("b", "a", None, id="nowhere in the text"),
        pytest.param("a", "\ud800a", {}, id="half a character in the text does no harm"),
    ],
)
def test_search(pattern: str, text: str, groups: dict[str, str] | None) -> None:
    assert found(pattern, text) == groups


@pytest.mark.parametrize(
    "pattern",
    [
        pytest.param("(", id="an open bracket"),
        pytest.param("(?=a)b", id="look-ahead"),
        pytest.param(r"(a)\1", id="a back-reference"),
        pytest.param("((a{100}){100}){100}", id="too large when unfolded"),
        pytest.param("a" * 3_000, id="too long"),
        pytest.param("\ud800", id="half a character"),
    ],
)
def test_what_is_no_pattern_says_why(pattern: str) -> None:
    bad = compile_pattern(pattern)
    assert isinstance(bad, BadPattern)
    assert bad.problem


@pytest.mark.parametrize("pattern", ["(a+)+b", "(a|a)*b", "(a|aa)+$b", ".*.*.*.*.*x", r"(\w+\s*)+!"])
def test_patterns_that_would_never_end_elsewhere_end_at_once(pattern: str) -> None:
    began = time.perf_counter()
    assert found(pattern, "a" * MAX_SEARCHED_CHARACTERS) is None
    assert time.perf_counter() - began < 2


def test_groups_are_named_in_their_order() -> None:
    compiled = compile_pattern("(?P<z>a)(?P<a>b)")
    assert not isinstance(compiled, BadPattern)
    assert group_names(compiled) == ["z", "a"]


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_text_is_a_pattern_or_says_why_not(pattern: str, text: str) -> None:
    compiled = compile_pattern(pattern)
    if not isinstance(compiled, BadPattern):
        assert isinstance(search(compiled, text), dict | None)
