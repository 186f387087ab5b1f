"""What a template may say, and what it uses."""

import pytest

from buttress.prompts.language import Language, read_language
from buttress.prompts.sandbox import ENVIRONMENT


def read(source: str) -> Language:
    """Read a template whose syntax is right."""
    return read_language(ENVIRONMENT.parse(source))


@pytest.mark.parametrize(
    ("source", "uses"),
    [
        pytest.param("{{ a }}", {"a"}, id="a variable"),
        pytest.param("{{ a.b['c'][0].d }}", {"a.b.c.*.d"}, id="what is looked up in it"),
        pytest.param("{{ a[b] }}", {"a.*", "b"}, id="an index that is a variable"),
        pytest.param("{{ a['_id'] }}", {"a._id"}, id="a property that begins with an underscore"),
        pytest.param(
            "{% if a and not b %}{{ c }}{% else %}{{ d }}{% endif %}", {"a", "b", "c", "d"}, id="if"
        ),
        pytest.param("{{ a if b else c }}", {"a", "b", "c"}, id="a choice"),
        pytest.param("{% for x in a %}{{ x.b }}{% endfor %}", {"a", "a.*.b"}, id="a loop's element"),
        pytest.param(
            "{% for x in a %}{{ loop.index }}{% else %}{{ x }}{% endfor %}", {"a", "x"}, id="after a loop"
        ),
        pytest.param("{% for x in a if x.b %}{% endfor %}", {"a", "a.*.b"}, id="a loop's condition"),
        pytest.param(
            "{% for x in a %}{% for y in x.b %}{{ y.c }}{% endfor %}{% endfor %}",
            {"a", "a.*.b", "a.*.b.*.c"},
            id="a loop over a part of a loop's element",
        ),
        pytest.param("{% for k, v in a|items %}{{ k }}{{ v }}{% endfor %}", {"a"}, id="pairs"),
        pytest.param(
            "{% for x in a|sort(attribute='b')|reverse %}{{ x.c }}{% endfor %}",
            {"a", "a.*.b", "a.*.c"},
            id="through filters",
        ),
        pytest.param("{{ a|map(attribute='b.c')|join }}", {"a", "a.*.b"}, id="an attribute of each"),
        pytest.param("{{ a|selectattr('b')|first }}", {"a", "a.*.b"}, id="an attribute to select by"),
        pytest.param("{{ (a|first).b }}{{ a[1:].c }}", {"a", "a.*.b", "a.c"}, id="the first, and a part"),
        pytest.param("{{ a|default(b) ~ (c|upper).d }}", {"a", "b", "c"}, id="an argument of a filter"),
        pytest.param("{# {{ a }} #}{% raw %}{{ b }}{% endraw %}", set(), id="neither comments nor raw text"),
    ],
)
def test_the_variables_of_a_template(source: str, uses: set[str]) -> None:
    language = read(source)
    assert {".".join(use.path) for use in language.uses} == uses
    assert not language.problems


@pytest.mark.parametrize(
    ("source", "part"),
    [
        pytest.param("{% include 'x' %}", "include", id="include"),
        pytest.param("{{ a.__class__ }}", "`__class__` cannot be looked up", id="Python's own attributes"),
        pytest.param("{{ a['__class__'].b }}", "`__class__` cannot", id="by their name in brackets"),
        pytest.param("{{ a._b }}", "['_b']", id="an underscore"),
        pytest.param("{{ a|map(attribute='b.__class__')|join }}", "`__class__` cannot", id="in a filter"),
        pytest.param("{% import 'x' as y %}", "import", id="import"),
        pytest.param("{% from 'x' import y %}", "from", id="from"),
        pytest.param("{% extends 'x' %}", "extends", id="extends"),
        pytest.param("{% block x %}{% endblock %}", "block", id="block"),
        pytest.param("{% macro x() %}{% endmacro %}", "macro", id="macro"),
        pytest.param("{% set x = 1 %}", "set", id="set"),
        pytest.param("{% with x = 1 %}{% endwith %}", "with", id="with"),
        pytest.param("{% filter upper %}{% endfilter %}", "filter", id="filter block"),
        pytest.param("{% autoescape true %}{% endautoescape %}", "scope", id="autoescape"),
        pytest.param("{{ range(9) }}", "calling", id="a function"),
        pytest.param("{{ a.upper() }}", "calling", id="a method"),
        pytest.param("{{ 'a' * 9 }}", "`*`", id="repeating"),
        pytest.param("{{ 9 ** 9 }}", "`**`", id="a power"),
        pytest.param("{{ '%9999d' % 1 }}", "`%`", id="formatting"),
        pytest.param("{{ a|center(9) }}", "center", id="a filter that pads"),
        pytest.param("{{ a|upepr }}", "Did you mean `upper`?", id="a filter that is not there"),
        pytest.param("{{ a is oddd }}", "Did you mean `odd`?", id="a test that is not there"),
        pytest.param(
            "{% for x in a %}{% for y in a %}{% endfor %}{% endfor %}", "inside", id="a loop in a loop"
        ),
        pytest.param(
            "{% for x in a %}{% for y in [1] %}{% endfor %}{% endfor %}", "inside", id="over a list"
        ),
        pytest.param("{% for x in a recursive %}{% endfor %}", "recursive", id="a recursive loop"),
    ],
)
def test_what_a_template_may_not_say(source: str, part: str) -> None:
    problems = read(f"\n{source}").problems
    assert problems
    assert part in problems[0].message + problems[0].hint


def test_lines_are_those_of_the_template() -> None:
    language = read("one\n{{ a }}\n{{ b\n.c }}\n{{ d * 2 }}")
    assert [(use.name, use.line) for use in language.uses] == [("a", 2), ("b", 4)]
    assert [problem.line for problem in language.problems] == [5]


def test_fixed_is_what_is_printed_whatever_the_values_are() -> None:
    assert read("one {{ a }}two{% if b %}three{% endif %} four").fixed == "one two four"
