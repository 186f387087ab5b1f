"""JSON Schemas as Anthropic takes them."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.models.dialects.messages.schemas import narrowed
from buttress.models.errors import Untranslatable

NAMED: dict[str, object] = {"type": "object", "properties": {"a": {"type": "string"}}}
CLOSED = NAMED | {"additionalProperties": False}


@pytest.mark.parametrize(
    ("schema", "taken"),
    [
        pytest.param({"type": "string"}, {"type": "string"}, id="what is taken stays"),
        pytest.param(NAMED, CLOSED, id="an object has no other fields"),
        pytest.param(NAMED | {"additionalProperties": True}, CLOSED, id="even if it might have had"),
        pytest.param(
            {"type": "object", "additionalProperties": False, "properties": {}},
            {"type": "object", "additionalProperties": False, "properties": {}},
            id="an object without fields",
        ),
        pytest.param({"type": "array", "items": NAMED}, {"type": "array", "items": CLOSED}, id="in a list"),
        pytest.param(
            {"$ref": "#/$defs/A", "$defs": {"A": NAMED}},
            {"$ref": "#/$defs/A", "$defs": {"A": CLOSED}},
            id="in a definition",
        ),
        pytest.param(
            {"oneOf": [NAMED, {"type": "null"}]}, {"anyOf": [CLOSED, {"type": "null"}]}, id="one of is any of"
        ),
        pytest.param(
            {"type": "integer", "minimum": 1, "maximum": 9, "description": "How many."},
            {"type": "integer", "description": "How many. (minimum: 1, maximum: 9)"},
            id="bounds are told",
        ),
        pytest.param(
            {"type": "string", "pattern": "^a", "format": "path"},
            {"type": "string", "description": '(pattern: "^a", format: "path")'},
            id="so are formats that are not taken",
        ),
        pytest.param({"format": "date"}, {"format": "date"}, id="and those that are stay"),
        pytest.param({"minItems": 1}, {"minItems": 1}, id="one at least is taken"),
        pytest.param({"minItems": 2}, {"description": "(minItems: 2)"}, id="two at least is told"),
        pytest.param(
            {"properties": {"minimum": {"type": "string"}}},
            {"properties": {"minimum": {"type": "string"}}, "additionalProperties": False},
            id="a field may have the name of a bound",
        ),
    ],
)
def test_a_schema(schema: dict[str, object], taken: dict[str, object]) -> None:
    assert narrowed(schema) == taken
    assert narrowed(taken) == taken


@pytest.mark.parametrize(
    "schema",
    [
        pytest.param({"type": "object"}, id="an object"),
        pytest.param({"type": ["object", "null"]}, id="an object or null"),
        pytest.param({"items": {"type": "object", "additionalProperties": {"type": "string"}}}, id="a map"),
    ],
)
def test_an_object_of_any_fields_is_refused(schema: dict[str, object]) -> None:
    with pytest.raises(Untranslatable, match="an object of any fields"):
        narrowed(schema)


def test_a_schema_that_is_too_deep_is_refused() -> None:
    schema: dict[str, object] = {}
    for _ in range(5_000):
        schema = {"items": schema}
    with pytest.raises(Untranslatable, match="nested too deeply"):
        narrowed(schema)


WORDS = st.sampled_from(
    ("type", "properties", "items", "anyOf", "oneOf", "format", "minItems", "minimum", "description", "$defs")
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from(("object", "string", "date")),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(WORDS, VALUES, max_size=4))
def test_what_is_no_schema_does_no_harm(schema: dict[str, object]) -> None:
    with suppress(Untranslatable):
        narrowed(schema)
