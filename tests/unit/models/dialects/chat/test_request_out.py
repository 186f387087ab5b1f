"""What an upstream is asked."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.kernel.catalogue import Model
from buttress.kernel.messages import (
    Image,
    JsonFormat,
    Message,
    ModelRequest,
    TextPart,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from buttress.models.dialects.chat.request_in import read_body, read_request
from buttress.models.dialects.chat.request_out import pass_on, request_body

MODEL = Model(name="big", id="gpt-x", provider="openai", max_output_tokens=100)
RESULT, CALL = ToolResult("c1", "42"), ToolCall("c1", "f", '{"a":1}')
PICTURE = Image("data:image/png;base64,AA", "low")


def asked(request: ModelRequest, *, stream: bool = True) -> dict[str, object]:
    return msgspec.json.decode(request_body(MODEL, request, stream=stream), type=dict[str, object])


def told(*messages: Message) -> object:
    return asked(ModelRequest(messages=messages, max_tokens=None))["messages"]


def test_the_request_is_bounded_by_the_model() -> None:
    request = ModelRequest(messages=(Message("user", "a \ud800 b"),), max_tokens=5_000, temperature=0.5)
    assert asked(request) == {
        "model": "gpt-x",
        "messages": [{"role": "user", "content": "a ? b"}],
        "max_tokens": 100,
        "temperature": 0.5,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_what_is_left_to_the_model_is_not_said() -> None:
    request = ModelRequest(messages=(Message("user", "a"),), max_tokens=7, temperature=None)
    assert asked(request, stream=False) == {
        "model": "gpt-x",
        "messages": [{"role": "user", "content": "a"}],
        "max_tokens": 7,
    }


def test_all_that_can_be_asked_is_asked() -> None:
    request = ModelRequest(
        messages=(Message("user", "a"),),
        max_tokens=7,
        top_p=0.5,
        stop=("x",),
        seed=0,
        tools=(
            Tool(name="f"),
            Tool(name="g", description="d", parameters={"type": "object"}, is_strict=True),
        ),
        tool_choice=ToolChoice("named", "g"),
        parallel_tools=False,
        json=JsonFormat(schema={"type": "object"}, name="n", description="d", is_strict=True),
        effort="none",
    )
    body = asked(request, stream=False)
    assert {name: body[name] for name in [*body][3:]} == {
        "temperature": 0.0,
        "top_p": 0.5,
        "stop": ["x"],
        "seed": 0,
        "tools": [
            {"type": "function", "function": {"name": "f"}},
            {
                "type": "function",
                "function": {
                    "name": "g",
                    "description": "d",
                    "parameters": {"type": "object"},
                    "strict": True,
                },
            },
        ],
        "tool_choice": {"type": "function", "function": {"name": "g"}},
        "parallel_tool_calls": False,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "n", "description": "d", "schema": {"type": "object"}, "strict": True},
        },
        "reasoning_effort": "none",
    }


@pytest.mark.parametrize(
    ("message", "turns"),
    [
        pytest.param(
            Message("user", "a", (TextPart("a"), PICTURE)),
            [
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "a"},
                        {
                            "type": "image_url",
                            "image_url": {"url": "data:image/png;base64,AA", "detail": "low"},
                        },
                    ],
                }
            ],
            id="a picture",
        ),
        pytest.param(
            Message("assistant", "a", (Thinking("h", "s"), TextPart("a"), CALL)),
            [
                {
                    "role": "assistant",
                    "content": "a",
                    "tool_calls": [
                        {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}
                    ],
                }
            ],
            id="thinking is left out beside a call",
        ),
        pytest.param(
            Message("assistant", "", (CALL,)),
            [
                {
                    "role": "assistant",
                    "content": None,
                    "tool_calls": [
                        {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}
                    ],
                }
            ],
            id="a call alone",
        ),
        pytest.param(
            Message("assistant", "", (Thinking("h"),)),
            [{"role": "assistant", "content": ""}],
            id="nothing but thinking",
        ),
        pytest.param(
            Message("user", "", (RESULT, ToolResult("c2", "no", is_error=True))),
            [
                {"role": "tool", "tool_call_id": "c1", "content": "42"},
                {"role": "tool", "tool_call_id": "c2", "content": "no"},
            ],
            id="two answers of tools in one turn, as Anthropic has them",
        ),
        pytest.param(
            Message("user", "and?", (TextPart("and?"), RESULT)),
            [
                {"role": "tool", "tool_call_id": "c1", "content": "42"},
                {"role": "user", "content": "and?"},
            ],
            id="what is said beside an answer of a tool comes after it",
        ),
    ],
)
def test_turns_are_written(message: Message, turns: list[object]) -> None:
    assert told(message) == turns


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SOME = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
PICTURES = st.builds(Image, SOME, st.none() | SOME)
CALLS = st.builds(ToolCall, SOME, SOME, TEXT)
JSON = st.dictionaries(TEXT, st.none() | st.booleans() | st.integers(-9, 9) | TEXT, max_size=3)


def with_parts(role: str, parts: list[TextPart | Image | ToolCall | Thinking]) -> Message:
    texts = [part.text for part in parts if isinstance(part, TextPart)]
    return msgspec.convert(
        {"role": role, "content": "\n\n".join(texts), "parts": msgspec.to_builtins(parts)}, Message
    )


MESSAGES = st.one_of(
    st.builds(Message, st.sampled_from(["system", "user", "assistant"]), TEXT),
    st.builds(
        lambda texts, picture: with_parts("user", [*texts, picture]),
        st.lists(st.builds(TextPart, TEXT), max_size=2),
        PICTURES,
    ),
    st.builds(
        lambda texts, calls: with_parts("assistant", [*texts, *calls]),
        st.lists(st.builds(TextPart, SOME), max_size=2),
        st.lists(CALLS, min_size=1, max_size=3),
    ),
    st.builds(lambda call_id, text: Message("tool", "", (ToolResult(call_id, text),)), SOME, TEXT),
)
TOOLS = st.builds(
    Tool, name=SOME, description=TEXT, parameters=st.none() | JSON, is_strict=st.none() | st.booleans()
)
CHOICES = st.sampled_from([ToolChoice("auto"), ToolChoice("none"), ToolChoice("required")])
REQUESTS = st.builds(
    ModelRequest,
    messages=st.lists(MESSAGES, min_size=1, max_size=4).map(tuple),
    max_tokens=st.integers(1, 100),
    temperature=st.none() | st.floats(0, 2),
    top_p=st.none() | st.floats(0, 1),
    stop=st.lists(SOME, max_size=4).map(tuple),
    seed=st.none() | st.integers(-(2**63), 2**63 - 1),
    tools=st.lists(TOOLS, max_size=2).map(tuple),
    tool_choice=st.none() | CHOICES | st.builds(ToolChoice, st.just("named"), SOME),
    parallel_tools=st.none() | st.booleans(),
    json=st.none()
    | st.just(JsonFormat())
    | st.builds(JsonFormat, schema=JSON, name=SOME, description=TEXT, is_strict=st.none() | st.booleans()),
    effort=st.none() | st.sampled_from(["none", "minimal", "low", "medium", "high", "xhigh"]),
)


@given(REQUESTS, st.booleans())
def test_what_is_asked_is_read_again_as_it_was(request: ModelRequest, stream: bool) -> None:  # noqa: FBT001
    """What is lost is told by `request_body`, and by the tables above."""
    body = read_body(request_body(MODEL, request, stream=stream))
    assert (body.model, body.is_stream, body.wants_usage) == ("gpt-x", stream, stream)
    assert read_request(body) == request


def test_a_clients_own_request_goes_on_byte_for_byte() -> None:
    """Nothing is modelled anew: numbers keep their digits, texts their escapes, fields their place."""
    sent = b'{"n": 2, "model":"big","x":{"a" : 1.50, "a":1E400},"messages":[{"role":"user",  "c":"\\u00e9"}]}'
    wanted = (
        b'{"n":2,"model":"gpt-x","x":{"a" : 1.50, "a":1E400},"messages":[{"role":"user",  "c":"\\u00e9"}]}'
    )
    assert pass_on(MODEL, read_body(sent)) == wanted


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        pytest.param(b"null", b'{"include_usage":true}', id="null"),
        pytest.param(b"{}", b'{"include_usage":true}', id="none"),
        pytest.param(b'{"include_usage": false}', b'{"include_usage":true}', id="usage not wanted"),
        pytest.param(
            b'{"include_obfuscation": false, "x": 1.50}',
            b'{"include_obfuscation":false,"x":1.50,"include_usage":true}',
            id="others are kept",
        ),
    ],
)
def test_usage_is_always_asked_for_in_a_stream(options: bytes, wanted: bytes) -> None:
    """Prevents litellm PR #39614: a stream without usage because the client did not ask for it."""
    sent = b'{"model":"big","messages":[{}],"stream":true,"stream_options":%b}' % options
    assert pass_on(MODEL, read_body(sent)) == (
        b'{"model":"gpt-x","messages":[{}],"stream":true,"stream_options":%b}' % wanted
    )


def test_usage_is_asked_for_where_the_client_has_no_options() -> None:
    body = read_body(b'{"model":"big","messages":[{}],"stream":true}')
    assert b'"stream_options":{"include_usage":true}' in pass_on(MODEL, body)


def test_no_options_of_streams_where_there_is_none() -> None:
    body = read_body(b'{"model":"big","messages":[{}]}')
    assert pass_on(Model(name="big", provider="openai"), body) == b'{"model":"big","messages":[{}]}'
