"""A client's request, read and translated."""

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from buttress.kernel.messages import JsonFormat, Message, ModelRequest, Tool, ToolChoice
from buttress.models.dialects.chat.request_in import MAX_MESSAGES, ignored, read_body, read_request
from buttress.models.errors import RequestInvalid, Untranslatable

HELLO = {"role": "user", "content": "Hello"}
FUNCTION = {"type": "function", "function": {"name": "f"}}


def sent(**fields: object) -> bytes:
    return msgspec.json.encode({"model": "big", "messages": [HELLO], **fields})


def request(**fields: object) -> ModelRequest:
    return read_request(read_body(sent(**fields)))


def test_fields_stay_as_they_came() -> None:
    body = read_body(b'{"model":"big", "messages": [ {} ],"x" : [1.50,  1e5], "stream":true}')
    assert (body.dialect, body.model, body.is_stream, body.wants_usage) == ("chat", "big", True, False)
    assert {name: bytes(raw) for name, raw in body.fields.items()} == {
        "model": b'"big"',
        "messages": b"[ {} ]",
        "x": b"[1.50,  1e5]",
        "stream": b"true",
    }


def test_of_a_field_given_twice_the_last_one_counts_and_is_the_only_one() -> None:
    body = read_body(b'{"model": "a", "model": "b", "messages": [{}]}')
    assert body.model == "b"
    assert [*body.fields] == ["model", "messages"]


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        pytest.param({}, (False, False), id="neither"),
        pytest.param({"stream": None, "stream_options": None}, (False, False), id="null"),
        pytest.param({"stream": True, "stream_options": {}}, (True, False), id="a stream without usage"),
        pytest.param(
            {"stream": True, "stream_options": {"include_usage": True, "include_obfuscation": False}},
            (True, True),
            id="a stream with usage",
        ),
    ],
)
def test_what_kind_of_answer_is_wanted(fields: dict[str, object], wanted: tuple[bool, bool]) -> None:
    body = read_body(sent(**fields))
    assert (body.is_stream, body.wants_usage) == wanted


@pytest.mark.parametrize(
    ("body", "param"),
    [
        pytest.param(b"", None, id="nothing"),
        pytest.param(b"[]", None, id="a list"),
        pytest.param(b'{"model": "a"} x', None, id="more than JSON"),
        pytest.param(b'{"model": "a\xff"}', None, id="not UTF-8"),
        pytest.param(b'{"model": "a\x00"}', None, id="a bare NUL"),
        pytest.param(b'{"model": "a\\ud800"}', None, id="half a surrogate pair"),
        pytest.param(b'{"model": "a", "messages": ' + b"[" * 100_000, None, id="nested too deeply"),
        pytest.param(b'{"messages": [{}]}', "model", id="no model"),
        pytest.param(b'{"model": "", "messages": [{}]}', "model", id="an empty model"),
        pytest.param(b'{"model": ["a"], "messages": [{}]}', "model", id="a model that is no text"),
        pytest.param(b'{"model": "a"}', "messages", id="no messages"),
        pytest.param(b'{"model": "a", "messages": []}', "messages", id="empty messages"),
        pytest.param(b'{"model": "a", "messages": "hi"}', "messages", id="messages that are no list"),
        pytest.param(sent(messages=[HELLO] * (MAX_MESSAGES + 1)), "messages", id="too many messages"),
        pytest.param(sent(stream="yes"), "stream", id="a stream that is no truth value"),
        pytest.param(sent(stream_options=3), "stream_options", id="options that are no object"),
        pytest.param(
            sent(stream_options={"include_usage": 1}), "stream_options.include_usage", id="a wrong option"
        ),
    ],
)
def test_what_is_no_request_is_refused_and_the_field_named(body: bytes, param: str | None) -> None:
    with pytest.raises(RequestInvalid) as raised:
        read_body(body)
    assert raised.value.data.get("param") == param
    assert len(raised.value.message) < 300


def refusal_of(sent_body: bytes) -> RequestInvalid | Untranslatable | None:
    try:
        body = read_body(sent_body)
        ignored(body)
        read_request(body)
    except (RequestInvalid, Untranslatable) as error:
        return error
    return None


@given(st.binary())
@example(b'{"model": "a", "messages": [{"role": "user"}]}')
@example(b'{"model":"a","messages":[{"role":"user","content":"x"}],"seed":' + b"9" * 6_000 + b"}")
@example(b'{"model":"a","messages":[{"role":"user","content":"x"}],"top_p":1e999}')
@example(b'{"model":"a","messages":' + b'[{"a":' * 400 + b"1" + b"}]" * 400 + b"}")
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    refused = refusal_of(body)
    assert refused is None or refused.hint


WORDS = (
    *("role", "content", "type", "text", "function", "name", "arguments", "id", "tool_calls", "url", "user"),
    *("image_url", "parameters", "json_schema", "schema", "tool", "include_usage"),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(WORDS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4),
    max_leaves=12,
)
FIELDS = st.sampled_from(
    (
        *("messages", "tools", "tool_choice", "response_format", "stop", "seed", "n", "logprobs", "user"),
        *("temperature", "max_tokens", "reasoning_effort", "modalities", "stream_options", "functions"),
    )
)


@given(st.dictionaries(FIELDS, JSON))
def test_any_type_at_any_field_is_read_or_refused(fields: dict[str, object]) -> None:
    refused = refusal_of(sent(**fields))
    assert refused is None or str(refused.data["param"]).startswith(tuple(fields))


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        pytest.param({}, {}, id="nothing is decided for the model"),
        pytest.param({"temperature": 0, "top_p": 0.5}, {"temperature": 0.0, "top_p": 0.5}, id="taste"),
        pytest.param({"max_tokens": 5}, {"max_tokens": 5}, id="length"),
        pytest.param({"max_tokens": 5, "max_completion_tokens": 7}, {"max_tokens": 7}, id="length, new name"),
        pytest.param({"stop": "a"}, {"stop": ("a",)}, id="one stop"),
        pytest.param({"stop": ["a", "", "b"]}, {"stop": ("a", "b")}, id="several stops"),
        pytest.param({"seed": -3}, {"seed": -3}, id="a seed"),
        pytest.param({"n": 1, "logprobs": False, "modalities": ["text"]}, {}, id="what is so anyway"),
        pytest.param({"functions": [], "function_call": None, "logit_bias": {}}, {}, id="empty is not asked"),
        pytest.param({"parallel_tool_calls": False}, {"parallel_tools": False}, id="one tool at a time"),
        pytest.param({"reasoning_effort": "low"}, {"effort": "low"}, id="effort"),
        pytest.param(
            {"reasoning_effort": "max"}, {"effort": "xhigh"}, id="as much effort as we have a word for"
        ),
        pytest.param(
            {
                "tools": [
                    FUNCTION,
                    {
                        "type": "function",
                        "function": {
                            "name": "g",
                            "description": "d",
                            "parameters": {"type": "object"},
                            "strict": True,
                        },
                    },
                ]
            },
            {
                "tools": (
                    Tool(name="f"),
                    Tool(name="g", description="d", parameters={"type": "object"}, is_strict=True),
                )
            },
            id="tools",
        ),
        pytest.param({"tool_choice": "required"}, {"tool_choice": ToolChoice("required")}, id="any tool"),
        pytest.param({"tool_choice": FUNCTION}, {"tool_choice": ToolChoice("named", "f")}, id="this tool"),
        pytest.param({"response_format": {"type": "text"}}, {}, id="text"),
        pytest.param({"response_format": {"type": "json_object"}}, {"json": JsonFormat()}, id="JSON"),
        pytest.param(
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {
                        "name": "x",
                        "description": "d",
                        "schema": {"type": "object"},
                        "strict": False,
                    },
                }
            },
            {"json": JsonFormat(schema={"type": "object"}, name="x", description="d", is_strict=False)},
            id="JSON of a shape",
        ),
    ],
)
def test_fields_are_translated(fields: dict[str, object], wanted: dict[str, object]) -> None:
    plain = ModelRequest(messages=(Message("user", "Hello"),), max_tokens=None, temperature=None)
    assert request(**fields) == msgspec.structs.replace(plain, **wanted)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        pytest.param({"n": 2}, "n", id="several answers"),
        pytest.param({"logprobs": True}, "logprobs", id="log probabilities"),
        pytest.param({"top_logprobs": 3}, "top_logprobs", id="several log probabilities"),
        pytest.param({"modalities": ["text", "audio"]}, "modalities", id="speech"),
        pytest.param({"logit_bias": {"50256": -100}}, "logit_bias", id="token ids"),
        pytest.param({"web_search_options": {"x": 1}}, "web_search_options", id="a search"),
        pytest.param({"web_search_options": {}}, "web_search_options", id="a search without options"),
        pytest.param({"moderation": {"x": 1}}, "moderation", id="moderation"),
        pytest.param({"functions": [{"name": "f"}]}, "functions", id="functions of the old style"),
        pytest.param({"function_call": "auto"}, "function_call", id="a choice of the old style"),
        pytest.param({"tools": [FUNCTION, {"type": "custom"}]}, "tools[1]", id="a custom tool"),
        pytest.param({"tool_choice": {"type": "allowed_tools"}}, "tool_choice", id="allowed tools"),
    ],
)
def test_what_changes_the_answer_is_not_dropped_in_silence(fields: dict[str, object], param: str) -> None:
    with pytest.raises(Untranslatable) as raised:
        request(**fields)
    assert raised.value.data["param"] == param


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        pytest.param({"n": 0}, "n", id="no answer"),
        pytest.param({"temperature": 3}, "temperature", id="too hot"),
        pytest.param({"top_p": "1"}, "top_p", id="a number as text"),
        pytest.param({"max_tokens": 0}, "max_tokens", id="no tokens"),
        pytest.param({"stop": [1]}, "stop[0]", id="a stop that is no text"),
        pytest.param({"seed": 1.5}, "seed", id="half a seed"),
        pytest.param({"tools": [{"type": "function"}]}, "tools[0].function", id="an empty tool"),
        pytest.param({"tools": {"f": 1}}, "tools", id="tools by name"),
        pytest.param(
            {"tools": [{"type": "function", "function": {}}]}, "tools[0].function", id="a tool without name"
        ),
        pytest.param({"tool_choice": "f"}, "tool_choice", id="a tool by its bare name"),
        pytest.param({"tool_choice": {"type": "function"}}, "tool_choice.function", id="which tool?"),
        pytest.param({"response_format": {"type": "xml"}}, "response_format.type", id="an unknown format"),
        pytest.param(
            {"response_format": {"type": "json_schema"}}, "response_format.json_schema", id="which shape?"
        ),
        pytest.param({"reasoning_effort": "huge"}, "reasoning_effort", id="an unknown effort"),
    ],
)
def test_what_is_wrong_is_refused_and_named(fields: dict[str, object], param: str) -> None:
    with pytest.raises(RequestInvalid) as raised:
        request(**fields)
    assert raised.value.data["param"] == param


def test_hints_are_left_out_and_named() -> None:
    body = read_body(
        sent(user="u", metadata={"a": "b"}, store=True, service_tier="auto", prediction=None, top_p=1)
    )
    assert ignored(body) == ("user", "metadata", "store", "service_tier")
    named = read_body(sent(messages=[HELLO, HELLO | {"name": "Ann"}]))
    assert ignored(named) == ("messages.name",)


def test_names_of_fields_can_stand_in_a_header() -> None:
    """Prevents that a client writes headers of its own into our answer."""
    fields = {"x\r\nset-cookie: a": 1, "é" * 100: 1} | {f"f{at}": 1 for at in range(100)}
    names = ignored(read_body(sent(**fields)))
    assert names[:3] == ("x??set-cookie??a", "?" * 40, "f0")
    assert len(names) == 32
