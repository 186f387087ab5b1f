"""Python functions as rules: found and measured without running anything."""

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.gateway.compiling.functions import function_mistakes
from buttress.kernel.errors import Location

PATH = Path("rules.py")
WHERE = Location(Path("feature.yaml"), 7)


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("def f(values): ...", id="one argument"),
        pytest.param("def f(values, /): ...", id="by position only"),
        pytest.param("def f(values, other=1, *, more=2): ...", id="further ones with defaults"),
        pytest.param("def f(values=None): ...", id="one with a default"),
        pytest.param("def f(*values): ...", id="any number"),
        pytest.param("import os\n@os.x\ndef f(values): ...", id="decorated"),
        pytest.param("def f(values):\n    return '\\d'", id="an escape the compiler warns of"),
    ],
)
def test_a_function_that_can_be_called_with_the_input(source: str) -> None:
    assert function_mistakes(source, PATH, "f", WHERE) == []


@pytest.mark.parametrize(
    ("source", "where", "part"),
    [
        pytest.param("", WHERE, "defines no function `f`", id="empty"),
        pytest.param("def ff(values): ...", WHERE, "Did you mean `ff`?", id="nearly the name"),
        pytest.param("class A:\n    def f(self): ...", WHERE, "defines no function", id="a method"),
        pytest.param("f = lambda values: 1", WHERE, "defines no function", id="a lambda"),
        pytest.param("x\nasync def f(values): ...", Location(PATH, 2), "`async`", id="async"),
        pytest.param("def f(): ...", Location(PATH, 1), "input alone", id="no argument"),
        pytest.param("def f(a, b): ...", Location(PATH, 1), "input alone", id="two arguments"),
        pytest.param("def f(a, *, b): ...", Location(PATH, 1), "input alone", id="one more by name"),
        pytest.param("def f(*, a): ...", Location(PATH, 1), "input alone", id="by name only"),
        pytest.param("x\ndef f(", Location(PATH, 2), "not Python", id="a syntax error"),
        pytest.param("f(" * 5_000, Location(PATH), "not Python", id="too deep"),
        pytest.param("x = 1\0", Location(PATH), "not Python", id="a NUL"),
    ],
)
def test_what_cannot_be_called_says_why(source: str, where: Location, part: str) -> None:
    mistakes = function_mistakes(source, PATH, "f", WHERE)
    assert len(mistakes) == 1
    assert part in str(mistakes[0])
    assert mistakes[0].where.path == where.path
    assert where.line is None or mistakes[0].where.line == where.line


def test_nothing_is_run() -> None:
    before = set(sys.modules)
    assert not function_mistakes("import antigravity\n1 / 0\ndef f(values): ...", PATH, "f", WHERE)
    assert "antigravity" not in set(sys.modules) - before


@given(st.text(alphabet="def f(values):\n\t =*,'\"\\#", max_size=40))
def test_any_text_is_looked_at_without_raising(source: str) -> None:
    assert isinstance(function_mistakes(source, PATH, "f", WHERE), list)
