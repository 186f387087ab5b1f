"""A client's request to the Responses API."""

from typing import get_type_hints

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.responses.response_create_params import ResponseCreateParamsBase

from buttress.kernel.errors import ButtressError
from buttress.kernel.messages import JsonFormat, Message, ModelRequest, Tool, ToolChoice
from buttress.models.dialects.responses.request_in import MAX_ITEMS, echoed, ignored, read_body, read_request
from buttress.models.errors import RequestInvalid, StateUnsupported, Untranslatable

SCHEMA: dict[str, object] = {"type": "object", "properties": {"a": {"type": "string"}}}
TOOL = {"type": "function", "name": "f", "description": "d", "parameters": SCHEMA, "strict": True}


def asked(**fields: object) -> ModelRequest:
    """Return what a body of these fields asks, with a model and an input."""
    return read_request(read_body(msgspec.json.encode({"model": "m", "input": "a", **fields})))


def test_a_plain_request_leaves_everything_to_the_model() -> None:
    expected = ModelRequest(messages=(Message("user", "a"),), max_tokens=None, temperature=None)
    assert asked() == expected
    nulls = ("instructions", "max_output_tokens", "temperature", "top_p", "tools", "tool_choice", "text")
    assert asked(**dict.fromkeys(nulls), reasoning=None, store=None, prompt=None) == expected


def test_the_envelope_says_the_model_and_whether_to_stream() -> None:
    body = read_body(b'{"model": "m", "stream": true, "input": "a", "new": {"x": [1]}}')
    assert (body.dialect, body.model, body.is_stream, body.wants_usage) == ("responses", "m", True, True)
    assert bytes(body.fields["new"]) == b'{"x": [1]}'
    assert not read_body(b'{"model": "m", "stream": null}').is_stream


def test_instructions_come_first_as_the_system() -> None:
    request = asked(instructions="Be brief.", input=[{"role": "user", "content": "Hi"}])
    assert request.messages == (Message("system", "Be brief."), Message("user", "Hi"))


@pytest.mark.parametrize(
    ("fields", "name", "value"),
    [
        pytest.param({"max_output_tokens": 5}, "max_tokens", 5, id="a bound"),
        pytest.param({"temperature": 0}, "temperature", 0.0, id="a temperature of nought is one"),
        pytest.param({"top_p": 0.5}, "top_p", 0.5, id="top_p"),
        pytest.param({"parallel_tool_calls": False}, "parallel_tools", False, id="one call at a time"),
        pytest.param({"reasoning": {"effort": "low", "summary": "auto"}}, "effort", "low", id="effort"),
        pytest.param({"reasoning": {"effort": "max"}}, "effort", "xhigh", id="the most effort we can say"),
        pytest.param({"tool_choice": "required"}, "tool_choice", ToolChoice("required"), id="any tool"),
        pytest.param(
            {"tool_choice": {"type": "function", "name": "f"}},
            "tool_choice",
            ToolChoice("named", "f"),
            id="one tool",
        ),
        pytest.param(
            {"tools": [TOOL]},
            "tools",
            (Tool(name="f", description="d", parameters=SCHEMA, is_strict=True),),
            id="a function",
        ),
        pytest.param(
            {"tools": [{"type": "function", "name": "f", "parameters": None}]},
            "tools",
            (Tool(name="f"),),
            id="a function without parameters",
        ),
        pytest.param({"text": {"format": {"type": "text"}}}, "json", None, id="text"),
        pytest.param({"text": {"verbosity": "low"}}, "json", None, id="verbosity is a hint"),
        pytest.param({"text": {"format": {"type": "json_object"}}}, "json", JsonFormat(), id="any JSON"),
        pytest.param(
            {"text": {"format": {"type": "json_schema", "name": "n", "schema": SCHEMA, "strict": True}}},
            "json",
            JsonFormat(schema=SCHEMA, name="n", is_strict=True),
            id="JSON of a schema",
        ),
    ],
)
def test_a_field_is_heeded(fields: dict[str, object], name: str, value: object) -> None:
    assert getattr(asked(**fields), name) == value


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("store", True),
        ("previous_response_id", "resp_1"),
        ("conversation", "conv_1"),
        ("conversation", {"id": "conv_1"}),
        ("background", True),
        ("prompt", {"id": "pmpt_1"}),
    ],
)
def test_state_is_refused_with_a_hint_and_not_half_served(field: str, value: object) -> None:
    with pytest.raises(StateUnsupported, match=f"`{field}`") as raised:
        asked(**{field: value})
    assert raised.value.data == {"param": field}
    assert "whole conversation" in raised.value.hint


def test_who_does_not_say_whether_to_store_is_answered() -> None:
    assert asked(store=False, background=False) == asked()


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        pytest.param({"tools": [{"type": "web_search"}]}, "tools[0].type", id="a search at OpenAI"),
        pytest.param({"tools": [TOOL, {"type": "file_search"}]}, "tools[1].type", id="their files"),
        pytest.param({"tools": [{"type": "code_interpreter"}]}, "tools[0].type", id="their computer"),
        pytest.param({"tools": [{"type": "mcp", "server_label": "x"}]}, "tools[0].type", id="their MCP"),
        pytest.param({"tools": [{"type": "custom", "name": "x"}]}, "tools[0].type", id="a tool of free text"),
        pytest.param({"tool_choice": {"type": "file_search"}}, "tool_choice.type", id="the choice of one"),
        pytest.param({"top_logprobs": 3}, "top_logprobs", id="log probabilities"),
        pytest.param({"include": ["message.output_text.logprobs"]}, "include", id="the same, another way"),
        pytest.param({"moderation": {"model": "x"}}, "moderation", id="moderation"),
    ],
)
def test_what_no_other_dialect_can_say_is_refused_by_name(fields: dict[str, object], param: str) -> None:
    with pytest.raises(Untranslatable) as raised:
        asked(**fields)
    assert raised.value.data == {"param": param}


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        pytest.param({"input": None}, "input", id="no input"),
        pytest.param({"input": ""}, "input", id="an empty input"),
        pytest.param({"input": []}, "input", id="no item"),
        pytest.param({"input": [{"type": "reasoning", "summary": []}]}, "input", id="nothing but a thought"),
        pytest.param({"input": 3}, "input", id="a number as input"),
        pytest.param({"input": [{"role": 3}]}, "input[0].role", id="a number as role"),
        pytest.param({"temperature": 3}, "temperature", id="too hot"),
        pytest.param({"temperature": "warm"}, "temperature", id="a temperature in words"),
        pytest.param({"top_p": -1}, "top_p", id="less than nothing"),
        pytest.param({"max_output_tokens": 0}, "max_output_tokens", id="no token"),
        pytest.param({"tools": {"f": 1}}, "tools", id="tools that are no list"),
        pytest.param({"tools": [{"type": "function"}]}, "tools[0].name", id="a function without a name"),
        pytest.param({"tool_choice": {"type": "function"}}, "tool_choice.name", id="a choice of no name"),
        pytest.param({"tool_choice": "maybe"}, "tool_choice", id="an unknown choice"),
        pytest.param({"reasoning": {"effort": "some"}}, "reasoning.effort", id="an unknown effort"),
        pytest.param({"text": {"format": {"type": "xml"}}}, "text.format.type", id="an unknown format"),
        pytest.param(
            {"text": {"format": {"type": "json_schema", "name": "n"}}}, "text.format.schema", id="no schema"
        ),
        pytest.param({"store": "yes"}, "store", id="a word for a truth"),
        pytest.param(
            {"input": [{"role": "user", "content": "a"}] * (MAX_ITEMS + 1)}, "input", id="too many items"
        ),
    ],
)
def test_what_is_wrong_is_named(fields: dict[str, object], param: str) -> None:
    with pytest.raises(RequestInvalid) as raised:
        asked(**fields)
    assert raised.value.data == {"param": param}
    assert param.split("[", maxsplit=1)[0] in raised.value.message


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b'{"model": "m"', id="half of it"),
        pytest.param(b'{"input": "a"}', id="no model"),
        pytest.param(b'{"model": null}', id="null as model"),
        pytest.param(b'{"model": ""}', id="an empty model"),
        pytest.param(
            b'{"model": "m", "input": "a", "metadata": {"k": "\xff"}}', id="no Unicode in what goes on"
        ),
        pytest.param(b'{"model": 3}', id="a number as model"),
        pytest.param(b'{"model": "m", "stream": 1}', id="a number for a truth"),
        pytest.param(b'{"model": "\xff"}', id="no Unicode"),
        pytest.param(b'{"model": "m", "input": "\\ud800"}', id="half a character"),
        pytest.param(b'{"model": "m", "input": ' + b"[" * 100_000, id="nested beyond all measure"),
    ],
)
def test_what_is_no_request_is_refused(data: bytes) -> None:
    with pytest.raises(RequestInvalid):
        read_request(read_body(data))


def test_deep_tools_are_refused_and_do_not_break_us() -> None:
    deep = b'{"a":' * 50_000 + b"1" + b"}" * 50_000
    data = b'{"model": "m", "input": "a", "tools": [{"type": "function", "name": "f", "parameters": %b}]}'
    with pytest.raises(RequestInvalid):
        read_request(read_body(data % deep))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode(errors="replace")))
def test_any_bytes_are_a_request_or_an_error_of_ours(data: bytes) -> None:
    try:
        read_request(read_body(data))
    except ButtressError as error:
        assert error.hint  # noqa: PT017 - that it is ours is what is tested


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-5, 5) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
_FIELDS = sorted(get_type_hints(ResponseCreateParamsBase))


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(_FIELDS), _JSON, max_size=4))
def test_any_value_of_any_field_is_read_or_refused_by_name(fields: dict[str, object]) -> None:
    try:
        asked(**fields)
    except ButtressError as error:
        assert error.data.get("param") or "model" in fields  # noqa: PT017 - as above


def test_what_only_hints_is_named_as_ignored() -> None:
    body = read_body(
        b'{"model": "m", "input": "a", "user": "u", "truncation": "auto", "seed": 1, "service_tier": null,'
        b'"store": false, "stream": true, "metadata": {"k": "v"}, "temperature": 1}'
    )
    assert ignored(body) == ("user", "truncation", "seed")
    assert list(echoed(body)) == ["metadata", "temperature"]


def test_names_that_are_ignored_are_fit_for_a_header() -> None:
    hostile = {"x\r\nset-cookie: a": 1, "é" * 100: 1} | {f"f{n}": n for n in range(50)}
    names = ignored(read_body(msgspec.json.encode({"model": "m", **hostile})))
    assert names[:3] == ("x??set-cookie??a", "?" * 40, "f0")
    assert len(names) == 32
