"""Schemas: draft 2020-12, by themselves, with the place of each mistake."""

from pathlib import Path

import jsonschema_rs
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.gateway.compiling.files import TextFile, Unreadable
from buttress.gateway.compiling.schemas import input_mistakes, properties, read_schema, schema_mistakes
from buttress.kernel.errors import Location, Mistake
from buttress.kernel.located import Located, parse_yaml

PATH = Path("feature.yaml")


def nowhere(*_: str | int) -> Location:
    """Return the place of every part of a schema that stands nowhere."""
    return Location(PATH)


def located(text: str) -> Located:
    """Parse what is known to be YAML."""
    parsed = parse_yaml(text, PATH)
    assert isinstance(parsed, Located)
    return parsed


def of_file(text: str) -> object:
    """Read a schema that stands in a file."""
    file = TextFile(name="in.json", path=Path("in.json"), text=text, sha256="")
    return read_schema(located("input: in.json"), "input", {"in.json": file})


@pytest.mark.parametrize(
    "schema",
    [
        pytest.param("{type: object, properties: {a: {type: [string, 'null']}}}", id="plain"),
        pytest.param("{$defs: {a: {}}, properties: {a: {$ref: '#/$defs/a'}}}", id="a reference within"),
        pytest.param("{properties: {a: {$ref: '#'}}}", id="a reference to itself"),
        pytest.param("{properties: {type: {type: string}, $ref: {type: string}}}", id="names of keywords"),
        pytest.param("{properties: {a: {enum: [{$ref: 'http://x'}]}}}", id="a reference that is data"),
        pytest.param("{$schema: 'https://json-schema.org/draft/2020-12/schema'}", id="the draft named"),
        pytest.param("{x-note: 1, example: 2}", id="words of others"),
        pytest.param("{required: [b]}", id="required, and others allowed"),
        pytest.param(
            "{required: [b], additionalProperties: false, patternProperties: {b: {}}}", id="by its pattern"
        ),
    ],
)
def test_a_schema(schema: str) -> None:
    assert isinstance(read_schema(located(f"input: {schema}"), "input", {}), dict)


@pytest.mark.parametrize(
    ("schema", "line", "part"),
    [
        pytest.param("  type: strng", 2, "Did you mean `string`?", id="a type"),
        pytest.param("  type: [string, 5]", 2, "type", id="a list with a number in it"),
        pytest.param(
            "  properties:\n    type: string", 3, "properties.type", id="a property that is no schema"
        ),
        pytest.param("  properties:\n    a: {minLenght: 1}", 3, "Write `minLength`", id="a keyword nearly"),
        pytest.param("  items:\n    requird: [a]", 3, "Write `required`", id="in items"),
        pytest.param("  x:\n  - $ref: 'file:///etc/passwd'", 3, "leads out", id="a file"),
        pytest.param("  $dynamicRef: 'http://x'", 2, "leads out", id="a dynamic reference"),
        pytest.param("  $schema: http://json-schema.org/draft-07/schema#", 2, "another draft", id="draft 7"),
        pytest.param("  $ref: '#/$defs/a'", 1, "not a JSON Schema", id="a reference to nothing"),
        pytest.param(
            "  properties: {a: {}}\n  required: [b]\n  additionalProperties: false",
            3,
            "`b` is required, but not declared",
            id="required, but not declared",
        ),
        pytest.param(
            "  items:\n    {required: [b], additionalProperties: false}",
            3,
            "not declared",
            id="the same within",
        ),
        pytest.param("  pattern: '('", 2, "regex", id="a pattern"),
    ],
)
def test_a_mistake_names_its_line(schema: str, line: int, part: str) -> None:
    mistakes = read_schema(located(f"input:\n{schema}"), "input", {})
    assert isinstance(mistakes, list)
    assert any(one.where.line == line and part in str(one) for one in mistakes), [
        str(one) for one in mistakes
    ]


@pytest.mark.parametrize(
    ("text", "line", "part"),
    [
        pytest.param('{\n\t"type": "strng"\n}', 2, "Did you mean `string`?", id="a type, behind a tab"),
        pytest.param("{'a': 1}", None, "not JSON", id="single quotes"),
        pytest.param("", None, "not JSON", id="empty"),
        pytest.param("[1]", 1, "expected a JSON Schema", id="a list"),
        pytest.param('{"a": ' * 200 + "1" + "}" * 200, None, "levels deep", id="deep"),
        pytest.param("[" * 100_000, None, "not JSON", id="very deep"),
    ],
)
def test_a_mistake_in_a_file_names_the_file(text: str, line: int | None, part: str) -> None:
    mistakes = of_file(text)
    assert isinstance(mistakes, list)
    assert any(one.where == Location(Path("in.json"), line) and part in str(one) for one in mistakes), (
        mistakes
    )


def test_a_file_that_cannot_be_read_is_the_mistake_of_who_names_it() -> None:
    missing = Unreadable("there is no such file", "Create it.")
    mistakes = read_schema(located("x: 1\ninput: in.json"), "input", {"in.json": missing})
    assert mistakes == [Mistake(Location(PATH, 2), "there is no such file", "Create it.")]


def test_an_input_is_an_object() -> None:
    assert input_mistakes({"type": "object"}, nowhere) == []
    assert input_mistakes({"type": "string"}, nowhere)
    assert properties({"properties": {"a": {}}}) == {"a": {}}
    assert properties({}) == {}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["#", "x", "string", "", "("]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["type", "$ref", "properties", "items", "a", "not", "$id"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)


@given(
    st.dictionaries(
        st.sampled_from(["type", "$ref", "allOf", "pattern", "required"]), json_values, max_size=4
    )
)
def test_a_schema_without_mistakes_can_be_used_offline(schema: dict[str, object]) -> None:
    if not list(schema_mistakes(schema, nowhere)):
        validator = jsonschema_rs.Draft202012Validator(schema, offline=True)
        assert isinstance(validator.is_valid({"a": [1]}), bool)


@given(st.text(alphabet='{}[]":, 1antrue\n\\u0', max_size=30))
def test_any_text_is_a_schema_or_mistakes(text: str) -> None:
    result = of_file(text)
    assert isinstance(result, dict) or result
    if isinstance(result, dict):
        assert msgspec.json.decode(text) == result
