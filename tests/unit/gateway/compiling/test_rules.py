"""Rules: which patterns match everything, and nothing that only seems to."""

from pathlib import Path

import pytest

from buttress.gateway.compiling.files import TextFile
from buttress.gateway.compiling.rules import always_matches, compile_rule, unreachable_rules
from buttress.kernel.located import Located, parse_yaml
from buttress.releases.types import FunctionRule, RegexRule, TableRule


def located(text: str) -> Located:
    """Parse what is known to be YAML."""
    parsed = parse_yaml(text, Path("feature.yaml"))
    assert isinstance(parsed, Located)
    return parsed


@pytest.mark.parametrize("pattern", [".*", ".", "", "x*", "(?s).+", "^", "$", "[^\\n]", "(a|b|)", "^.*$"])
def test_a_pattern_that_matches_everything(pattern: str) -> None:
    assert always_matches(RegexRule(pattern, "x"))


@pytest.mark.parametrize("pattern", ["a", "^$", "\\w", "^.$", "^.{0,100}$", "\\?$", "[a-z]", "(?i)how", "("])
def test_a_pattern_that_does_not(pattern: str) -> None:
    assert not always_matches(RegexRule(pattern, "x"))


def test_a_table_or_function_may_always_have_no_answer() -> None:
    assert not always_matches(TableRule("a.csv", {"": "x"}))
    assert not always_matches(FunctionRule("a.py", "f", ""))


def test_the_first_rule_behind_one_that_matches_everything_is_told() -> None:
    rules = located("rules: [a, b,\n c,\n d]")
    every = RegexRule(".*", "x")
    assert unreachable_rules([RegexRule("a", "x"), every], rules, ("rules",)) == []
    told = unreachable_rules([RegexRule("a", "x"), every, every, []], rules, ("rules",))
    assert [one.where.line for one in told] == [2]


def test_a_rule_of_each_kind() -> None:
    source = "def f(values): ..."
    files = {
        "a.csv": TextFile(name="a.csv", path=Path("a.csv"), text="question,answer\nA,1", sha256="1"),
        "b.py": TextFile(name="b.py", path=Path("b.py"), text=source, sha256="2"),
    }
    rules = located("- {regex: '(?P<n>.)', answer: '{{ n }}'}\n- table: ./a.csv\n- function: b.py:f")
    assert [compile_rule(rules, (index,), files) for index in range(3)] == [
        RegexRule("(?P<n>.)", "{{ n }}"),
        TableRule("a.csv", {"a": "1"}),
        FunctionRule("b.py", "f", "2"),
    ]
