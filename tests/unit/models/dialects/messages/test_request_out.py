"""What an upstream of the Messages format is asked."""

from collections.abc import Sequence
from itertools import pairwise

import msgspec
import pytest
from anthropic.types import (
    ContentBlockParam,
    MessageParam,
    OutputConfigParam,
    ThinkingConfigParam,
    ToolChoiceParam,
    ToolParam,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from buttress.kernel.catalogue import Model
from buttress.kernel.messages import (
    Image,
    JsonFormat,
    Message,
    ModelRequest,
    Part,
    Role,
    TextPart,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from buttress.models.dialects.messages.request_in import read_body, read_request
from buttress.models.dialects.messages.request_out import pass_on, request_body
from buttress.models.errors import Untranslatable

MODEL = Model(name="big", provider="anthropic", id="claude-sonnet-4-6", max_output_tokens=100)
ROLES: list[Role] = ["system", "user", "assistant"]
SCHEMA: dict[str, object] = {
    "type": "object",
    "properties": {"a": {"type": "string"}},
    "additionalProperties": False,
}
NOTHING: dict[str, object] = {"type": "object", "properties": {}, "additionalProperties": False}
TOOL = Tool(name="f", description="d", parameters=SCHEMA)


def asking(*said: tuple[Role, str]) -> ModelRequest:
    """Return a request of these messages, which asks for nothing else."""
    return ModelRequest(
        messages=tuple(Message(role, text) for role, text in said), max_tokens=50, temperature=None
    )


HI = asking(("user", "Hi?"))


def sent(request: ModelRequest, *, stream: bool = True) -> dict[str, object]:
    """Return what is sent for a request."""
    return msgspec.json.decode(request_body(MODEL, request, stream=stream), type=dict[str, object])


def with_(**fields: object) -> dict[str, object]:
    """Return what is sent for a request with these fields."""
    return sent(msgspec.structs.replace(HI, **fields))


@pytest.mark.parametrize(
    ("said", "system", "turns"),
    [
        pytest.param([("user", "a")], None, [("user", "a")], id="one turn"),
        pytest.param(
            [("system", "s"), ("user", "a"), ("system", "t")],
            "s\n\nt",
            [("user", "a")],
            id="what the system says stands apart, joined",
        ),
        pytest.param(
            [("user", "a"), ("user", "b"), ("assistant", "c"), ("user", "d")],
            None,
            [("user", "a\n\nb"), ("assistant", "c"), ("user", "d")],
            id="turns of one side become one",
        ),
        pytest.param(
            [("user", "a"), ("assistant", " "), ("user", "b")], None, [("user", "a\n\nb")], id="blank"
        ),
        pytest.param([("system", "s")], None, [("user", "s")], id="the system alone is asked as the user"),
        pytest.param([("user", "half \ud83d.")], None, [("user", "half ?.")], id="half a character"),
    ],
)
def test_a_conversation(
    said: list[tuple[Role, str]], system: str | None, turns: list[tuple[Role, str]]
) -> None:
    body = sent(asking(*said))
    assert body.get("system") == system
    assert body["messages"] == [{"role": role, "content": text} for role, text in turns]


@given(st.lists(st.tuples(st.sampled_from(ROLES), st.text(min_size=1).filter(str.strip)), min_size=1))
def test_turns_take_turns_and_nothing_said_is_lost(said: list[tuple[Role, str]]) -> None:
    body = sent(asking(*said))
    turns = msgspec.convert(body["messages"], list[dict[str, str]])
    assert all(one["role"] != other["role"] for one, other in pairwise(turns))
    everything = str(body.get("system", "")) + "\n\n".join(turn["content"] for turn in turns)
    assert all(text.rstrip() in everything for _, text in said)


def test_a_request_says_no_more_than_it_does() -> None:
    assert sent(HI, stream=False) == {
        "model": "claude-sonnet-4-6",
        "max_tokens": 50,
        "messages": [{"role": "user", "content": "Hi?"}],
        "stream": False,
    }


def test_a_request_is_bounded_by_the_model() -> None:
    assert with_(max_tokens=5_000)["max_tokens"] == with_(max_tokens=None)["max_tokens"] == 100


@pytest.mark.parametrize(
    ("fields", "choice"),
    [
        pytest.param({}, None, id="nothing is asked"),
        pytest.param({"tool_choice": ToolChoice("auto")}, {"type": "auto"}, id="as the model likes"),
        pytest.param({"tool_choice": ToolChoice("required")}, {"type": "any"}, id="at least one"),
        pytest.param({"tool_choice": ToolChoice("named", "f")}, {"type": "tool", "name": "f"}, id="this one"),
        pytest.param(
            {"tool_choice": ToolChoice("none"), "parallel_tools": False}, {"type": "none"}, id="not at all"
        ),
        pytest.param(
            {"parallel_tools": False},
            {"type": "auto", "disable_parallel_tool_use": True},
            id="one at a time",
        ),
        pytest.param(
            {"tool_choice": ToolChoice("required"), "parallel_tools": True},
            {"type": "any", "disable_parallel_tool_use": False},
            id="several at once",
        ),
    ],
)
def test_a_choice_of_tools(fields: dict[str, object], choice: object) -> None:
    assert with_(tools=(TOOL,), **fields).get("tool_choice") == choice


def test_a_choice_without_tools_is_left_out() -> None:
    assert "tool_choice" not in with_(tool_choice=ToolChoice("auto"), parallel_tools=False)


def test_a_tool_without_parameters_takes_none() -> None:
    tool: dict[str, object] = {"name": "f", "input_schema": NOTHING, "strict": True}
    assert with_(tools=(Tool(name="f", is_strict=True),))["tools"] == [tool]


@pytest.mark.parametrize(
    ("is_strict", "limit"),
    [(True, {"description": "(maximum: 9)"}), (False, {"maximum": 9}), (None, {"maximum": 9})],
)
def test_only_a_strict_tool_is_held_to_its_schema(limit: object, *, is_strict: bool | None) -> None:
    schema: dict[str, object] = {"properties": {"a": {"maximum": 9}}, "additionalProperties": False}
    tools = with_(tools=(Tool(name="f", parameters=schema, is_strict=is_strict),))["tools"]
    (tool,) = msgspec.convert(tools, list[dict[str, object]])
    assert tool["input_schema"] == {"type": "object", **schema, "properties": {"a": limit}}


def test_a_schema_is_told_in_the_part_of_the_language_that_is_taken() -> None:
    config = with_(json=JsonFormat(schema={"type": "integer", "minimum": 1}))["output_config"]
    schema = {"type": "integer", "description": "(minimum: 1)"}
    assert config == {"format": {"type": "json_schema", "schema": schema}}


def test_an_effort_and_a_format_stand_side_by_side() -> None:
    body = with_(effort="high", json=JsonFormat(schema=SCHEMA))
    assert body["output_config"] == {"effort": "high", "format": {"type": "json_schema", "schema": SCHEMA}}


def test_json_of_any_shape_is_asked_for_in_the_prompt() -> None:
    body = with_(json=JsonFormat(), messages=(Message("system", "Be brief."), Message("user", "Hi?")))
    assert body["system"] == "Be brief.\n\nAnswer with one JSON object, and with nothing before or after it."
    assert "output_config" not in body


def test_a_blank_stop_is_refused() -> None:
    with pytest.raises(Untranslatable) as caught:
        with_(stop=("END", "\n"))
    assert caught.value.data["param"] == "stop"


TEXT = st.text(min_size=1).filter(str.strip)
IDS = st.from_regex(r"[a-zA-Z0-9_-]{1,9}", fullmatch=True)
SCHEMAS = st.dictionaries(
    st.text().map("x-{}".format), st.text() | st.booleans(), min_size=1, max_size=2
)  # words that mean something in a schema are in test_schemas
ARGUMENTS = st.dictionaries(st.text(), st.text() | st.floats(allow_nan=False, allow_infinity=False)).map(
    lambda one: msgspec.json.format(msgspec.json.encode(one), indent=1).decode()
)
IMAGES = st.sampled_from(("https://x/y.png", "data:image/png;base64,AAAA")).map(Image)
CALLS = st.builds(ToolCall, id=IDS, name=IDS, arguments=ARGUMENTS)
RESULTS = st.builds(ToolResult, call_id=IDS, content=st.just("") | TEXT, is_error=st.booleans())


def message(role: Role, parts: Sequence[Part]) -> Message:
    """Return a message of these parts, which are text at most once."""
    texts = [one.text for one in parts if isinstance(one, TextPart)]
    return Message(role, "\n\n".join(texts), tuple(parts) if len(parts) > len(texts) else ())


USER = st.lists(TEXT.map(TextPart) | IMAGES, min_size=1, max_size=3).map(lambda one: message("user", one))


@st.composite
def exchanges(draw: st.DrawFn) -> list[Message]:
    """Return what a model said, what the tools returned that it called, and what the user said then."""
    thinking: list[Part] = list(draw(st.lists(st.builds(Thinking, st.text(), TEXT), max_size=1)))
    calls = draw(st.lists(CALLS, max_size=2))
    said = message("assistant", [*thinking, TextPart(draw(TEXT)), *calls])
    results = draw(st.lists(RESULTS, min_size=1, max_size=2)) if calls else []
    return [said, *(Message("tool", "", (one,)) for one in results), draw(USER)]


@st.composite
def requests(draw: st.DrawFn) -> ModelRequest:
    """Return any request of a conversation in which the sides take turns, and the user has the last word."""
    system = [Message("system", one) for one in draw(st.lists(TEXT, max_size=1))]
    rest = [one for exchange in draw(st.lists(exchanges(), max_size=2)) for one in exchange]
    tool = st.builds(
        Tool,
        name=IDS,
        description=st.text(),
        parameters=st.none() | SCHEMAS,
        is_strict=st.sampled_from((None, False)),
    )
    choice = st.sampled_from([ToolChoice("auto"), ToolChoice("none"), ToolChoice("named", "f")])
    return ModelRequest(
        messages=(*system, draw(USER), *rest),
        max_tokens=draw(st.none() | st.integers(1, 1_000)),
        temperature=draw(st.none() | st.floats(0, 2)),
        top_p=draw(st.none() | st.floats(0, 1)),
        stop=tuple(draw(st.lists(TEXT, max_size=2))),
        seed=draw(st.none() | st.integers()),
        tools=tuple(draw(st.lists(tool, max_size=2))),
        tool_choice=draw(st.none() | choice),
        parallel_tools=draw(st.none() | st.booleans()),
        json=draw(st.none() | st.builds(JsonFormat, schema=SCHEMAS, name=TEXT)),
        effort=draw(st.sampled_from((None, "none", "minimal", "low", "medium", "high", "xhigh"))),
    )


def with_losses(asked: ModelRequest) -> ModelRequest:
    """Return what comes out at the other side: what Anthropic has no word for, lost."""
    has_choice = asked.tools and (asked.tool_choice or asked.parallel_tools is not None)
    choice = (asked.tool_choice or ToolChoice("auto")) if has_choice else None
    warm = asked.temperature is not None
    return msgspec.structs.replace(
        asked,
        max_tokens=min(asked.max_tokens or 100, 100),
        temperature=min(asked.temperature or 0.0, 1.0) if warm else None,
        top_p=None if warm else asked.top_p,
        seed=None,
        tools=tuple(_with_schema(one) for one in asked.tools),
        tool_choice=choice,
        parallel_tools=asked.parallel_tools if choice and choice.mode != "none" else None,
        json=JsonFormat(schema=asked.json.schema) if asked.json else None,
        effort="low" if asked.effort in ("none", "minimal") else asked.effort,
    )


def _with_schema(tool: Tool) -> Tool:
    return msgspec.structs.replace(tool, parameters={"type": "object", **(tool.parameters or NOTHING)})


@pytest.mark.slow
@settings(deadline=None)
@given(requests())
def test_a_request_that_is_written_and_read_is_itself_but_for_known_losses(asked: ModelRequest) -> None:
    assert read_request(read_body(request_body(MODEL, asked))) == with_losses(asked)


TURN = TypeAdapter(MessageParam)
BLOCK = TypeAdapter(ContentBlockParam)
FIELDS: dict[str, TypeAdapter[object]] = {
    "tools": TypeAdapter(list[ToolParam]),
    "tool_choice": TypeAdapter(ToolChoiceParam),
    "thinking": TypeAdapter(ThinkingConfigParam),
    "output_config": TypeAdapter(OutputConfigParam),
    "stop_sequences": TypeAdapter(list[str]),
    "system": TypeAdapter(str),
}


@settings(max_examples=30, deadline=None)
@given(requests())
def test_the_official_types_take_what_is_asked(asked: ModelRequest) -> None:
    body = sent(asked)
    for turn in msgspec.convert(body["messages"], list[dict[str, object]]):
        TURN.validate_python(turn)
        for block in turn["content"] if isinstance(turn["content"], list) else ():
            BLOCK.validate_python(block)
    for name, kind in FIELDS.items():
        if name in body:
            kind.validate_python(body[name])


def test_the_clients_own_request_goes_on_as_it_came() -> None:
    own = (
        b'{"model":"support","max_tokens":50,"messages":[{"role": "user", "content":[{"type":"text",'
        b'"text":"\\u00fc","cache_control":{"type":"ephemeral"}}]}],"new":{"a" : 1.00},"stream":false}'
    )
    passed = pass_on(MODEL, read_body(own))
    assert passed == own.replace(b'"support"', b'"claude-sonnet-4-6"')
