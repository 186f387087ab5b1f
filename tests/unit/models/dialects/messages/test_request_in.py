"""A client's request in the Messages format, read."""

from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.kernel.messages import (
    Effort,
    JsonFormat,
    Message,
    ModelRequest,
    Tool,
    ToolChoice,
)
from buttress.models.dialects.messages.request_in import ignored, read_body, read_request
from buttress.models.errors import RequestInvalid, StateUnsupported, Untranslatable

ASKED: dict[str, object] = {
    "model": "support",
    "max_tokens": 50,
    "messages": [{"role": "user", "content": "Hi?"}],
}
READ = ModelRequest(messages=(Message("user", "Hi?"),), max_tokens=50, temperature=None)
SCHEMA: dict[str, object] = {"type": "object", "properties": {"a": {"type": "string"}}}
TOOL = {"name": "f", "input_schema": SCHEMA}
SAID_TOOL = Tool(name="f", parameters=SCHEMA)


def request(**fields: object) -> ModelRequest:
    """Return what is read of a request with these fields in it."""
    return read_request(read_body(msgspec.json.encode(ASKED | fields)))


def test_a_body_keeps_its_fields_as_they_came() -> None:
    sent = b'{"model": "support", "max_tokens":  50, "stream": true, "new": {"a" :1.0}}'
    body = read_body(sent)
    assert (body.dialect, body.model, body.is_stream, body.wants_usage) == ("messages", "support", True, True)
    assert bytes(body.fields["new"]) == b'{"a" :1.0}'


@pytest.mark.parametrize("thread", [{"type": "create"}, {"type": "continue", "previous_message_id": "msg_1"}])
def test_a_conversation_that_is_to_be_kept_is_refused(thread: dict[str, str]) -> None:
    """Its later requests would hold the newest messages alone."""
    with pytest.raises(StateUnsupported) as caught:
        read_body(msgspec.json.encode(ASKED | {"thread": thread}))
    assert caught.value.data == {"param": "thread"}
    assert read_body(msgspec.json.encode(ASKED | {"thread": None})).model == "support"


@pytest.mark.parametrize(
    ("sent", "param"),
    [
        pytest.param(b"", None, id="nothing"),
        pytest.param(b"[1]", None, id="no object"),
        pytest.param(b'{"model": "m"', None, id="cut off"),
        pytest.param(b"\xff{}", None, id="not text"),
        pytest.param(b'{"a":' * 100_000, None, id="deep"),
        pytest.param(b"{}", "model", id="no model"),
        pytest.param(b'{"model": 3}', "model", id="a model that is a number"),
        pytest.param(b'{"model": ""}', "model", id="a model without a name"),
        pytest.param(b'{"model": "m", "stream": "yes"}', "stream", id="stream that is text"),
    ],
)
def test_what_is_no_request_is_refused(sent: bytes, param: str | None) -> None:
    with pytest.raises(RequestInvalid) as caught:
        read_body(sent)
    assert caught.value.data.get("param") == param
    assert "messages" in caught.value.hint


def test_a_request_says_no_more_than_it_does() -> None:
    assert request() == READ
    assert request(system=None, tools=None, stop_sequences=None, thinking=None, tool_choice=None) == READ


def test_a_request_in_full() -> None:
    asked = request(
        system="Be brief.",
        temperature=0.5,
        top_p=0.9,
        stop_sequences=["END"],
        tools=[{**TOOL, "type": "custom", "description": "d", "strict": True}],
        tool_choice={"type": "any", "disable_parallel_tool_use": True},
        output_config={"effort": "max", "format": {"type": "json_schema", "schema": SCHEMA}},
    )
    assert asked == ModelRequest(
        messages=(Message("system", "Be brief."), Message("user", "Hi?")),
        max_tokens=50,
        temperature=0.5,
        top_p=0.9,
        stop=("END",),
        tools=(Tool(name="f", description="d", parameters=SCHEMA, is_strict=True),),
        tool_choice=ToolChoice("required"),
        parallel_tools=False,
        json=JsonFormat(schema=SCHEMA),
        effort="xhigh",
    )


@pytest.mark.parametrize(
    ("choice", "read", "parallel"),
    [
        pytest.param({"type": "auto"}, ToolChoice("auto"), None, id="as the model likes"),
        pytest.param({"type": "none"}, ToolChoice("none"), None, id="not at all"),
        pytest.param({"type": "any"}, ToolChoice("required"), None, id="at least one"),
        pytest.param({"type": "tool", "name": "f"}, ToolChoice("named", "f"), None, id="this one"),
        pytest.param(
            {"type": "auto", "disable_parallel_tool_use": False}, ToolChoice("auto"), True, id="at once"
        ),
    ],
)
def test_a_choice_of_tools(choice: dict[str, object], read: ToolChoice, *, parallel: bool | None) -> None:
    asked = request(tools=[TOOL], tool_choice=choice)
    assert (asked.tools, asked.tool_choice, asked.parallel_tools) == ((SAID_TOOL,), read, parallel)


def test_the_system_may_come_in_blocks() -> None:
    blocks = [
        {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}},
        {"type": "text", "text": "b"},
    ]
    assert request(system=blocks).messages[0] == Message("system", "a\n\nb")


@pytest.mark.parametrize(
    ("fields", "effort"),
    [
        pytest.param({"thinking": {"type": "disabled"}}, "none", id="disabled"),
        pytest.param({"thinking": {"type": "adaptive"}}, None, id="as the model likes"),
        pytest.param({"thinking": {"type": "enabled", "budget_tokens": 9_000}}, "medium", id="a budget"),
        pytest.param({"output_config": {"effort": "low"}}, "low", id="a word"),
    ],
)
def test_an_effort(fields: dict[str, object], effort: Effort | None) -> None:
    assert request(**fields).effort == effort


def test_a_format_may_come_as_it_did_before_it_had_its_place() -> None:
    assert request(output_format={"type": "json_schema", "schema": SCHEMA}).json == JsonFormat(schema=SCHEMA)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        pytest.param({"max_tokens": None}, "max_tokens", id="no bound"),
        pytest.param({"max_tokens": 0}, "max_tokens", id="nothing may be said"),
        pytest.param({"max_tokens": "50"}, "max_tokens", id="a bound that is text"),
        pytest.param({"messages": []}, "messages", id="no messages"),
        pytest.param({"messages": None}, "messages", id="messages that are null"),
        pytest.param({"messages": "Hi"}, "messages", id="messages that are text"),
        pytest.param({"messages": [1]}, "messages[0]", id="a message that is a number"),
        pytest.param({"messages": [{"role": "user"}]}, "messages[0]", id="a message without content"),
        pytest.param(
            {"messages": [{"role": "robot", "content": "x"}]}, "messages[0].role", id="a role there is not"
        ),
        pytest.param(
            {"messages": [{"role": "user", "content": [{"type": "text"}]}]},
            "messages[0].content[0]",
            id="a block without text",
        ),
        pytest.param(
            {"messages": [{"role": "user", "content": [{"text": "x"}]}]},
            "messages[0].content[0]",
            id="a block without a type",
        ),
        pytest.param(
            {
                "messages": [
                    {
                        "role": "assistant",
                        "content": [{"type": "tool_use", "id": "a", "name": "f", "input": "x"}],
                    }
                ]
            },
            "messages[0].content[0]",
            id="a call whose input is text",
        ),
        pytest.param({"system": 3}, "system", id="a system that is a number"),
        pytest.param({"temperature": 1.5}, "temperature", id="too warm"),
        pytest.param({"temperature": "0.5"}, "temperature", id="a temperature that is text"),
        pytest.param({"top_p": -1}, "top_p", id="a negative share"),
        pytest.param({"stop_sequences": "END"}, "stop_sequences", id="a stop that is no list"),
        pytest.param({"tools": [{"name": "f"}]}, "tools[0].input_schema", id="a tool without a schema"),
        pytest.param({"tools": [{"input_schema": {}}]}, "tools[0]", id="a tool without a name"),
        pytest.param({"tool_choice": {"type": "some"}}, "tool_choice.type", id="a choice there is not"),
        pytest.param({"tool_choice": {"type": "tool"}}, "tool_choice.name", id="a choice of nothing"),
        pytest.param({"thinking": {"type": "hard"}}, "thinking.type", id="thinking there is not"),
        pytest.param(
            {"output_config": {"effort": "huge"}}, "output_config.effort", id="an effort there is not"
        ),
    ],
)
def test_a_field_that_cannot_be_read_is_named(fields: dict[str, object], param: str) -> None:
    with pytest.raises(RequestInvalid) as caught:
        request(**fields)
    assert caught.value.data["param"] == param
    assert param in caught.value.message


def test_a_conversation_may_be_deep() -> None:
    deep = b'{"role":"user","content":[{"type":"text","text":"x","new":' + b"[" * 100_000
    with pytest.raises(RequestInvalid, match="deep"):
        read_request(read_body(b'{"model":"m","max_tokens":1,"messages":[' + deep + b"]}]}]}"))


def test_a_conversation_may_be_long() -> None:
    turns = [{"role": "user", "content": "x\0"}] * 10_000
    assert len(request(messages=turns).messages) == 10_000


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        pytest.param(
            {"tools": [{"type": "web_search_20250305", "name": "web_search"}]},
            "tools[0].type",
            id="a tool that runs on their servers",
        ),
        pytest.param(
            {"messages": [{"role": "user", "content": [{"type": "document", "source": {}}]}]},
            "messages[0].content[0].type",
            id="a document",
        ),
        pytest.param(
            {"messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "file"}}]}]},
            "messages[0].content[0].source.type",
            id="a picture among their files",
        ),
        pytest.param(
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [
                            {"type": "tool_result", "tool_use_id": "a", "content": [{"type": "image"}]}
                        ],
                    }
                ]
            },
            "messages[0].content[0].content[0].type",
            id="a picture that a tool returned",
        ),
        pytest.param({"container": "c"}, "container", id="a container"),
        pytest.param({"mcp_servers": [{"url": "x"}]}, "mcp_servers", id="servers of tools"),
        pytest.param({"inference_geo": "us"}, "inference_geo", id="where it runs"),
        pytest.param(
            {"output_config": {"format": {"type": "xml"}}}, "output_config.format.type", id="a format"
        ),
    ],
)
def test_what_others_have_no_word_for_is_refused(fields: dict[str, object], param: str) -> None:
    with pytest.raises(Untranslatable) as caught:
        request(**fields)
    assert caught.value.data["param"] == param
    assert param.removesuffix(".type") in caught.value.message


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        pytest.param({"system": "s", "temperature": 1, "stream": True}, (), id="nothing is left out"),
        pytest.param(
            {"metadata": {"user_id": "u"}, "service_tier": "auto", "top_k": 3, "new": 1, "speed": None},
            ("metadata", "service_tier", "top_k", "new"),
            id="hints, and what we do not know",
        ),
        pytest.param(
            {"system": [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}]},
            ("cache_control",),
            id="what is to be kept in a cache",
        ),
        pytest.param({"cache_control": {"type": "ephemeral"}}, ("cache_control",), id="all of it"),
        pytest.param({"a\r\nb: é": 1}, ("a??b???",), id="a name that would make a header of its own"),
    ],
)
def test_hints_are_left_out_and_named(fields: dict[str, object], names: tuple[str, ...]) -> None:
    body = read_body(msgspec.json.encode(ASKED | fields))
    assert ignored(body) == names
    read_request(body)


def test_no_more_names_are_told_than_a_header_holds() -> None:
    fields: dict[str, object] = {f"new{number}" * 30: 1 for number in range(1_000)}
    assert sum(map(len, ignored(read_body(msgspec.json.encode(ASKED | fields))))) <= 32 * 40


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 2) | st.sampled_from(("text", "user", "auto", "tool", "f")),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(
                ("type", "role", "content", "text", "name", "source", "input", "format", "schema")
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)
NAMES = st.sampled_from((*ASKED, "system", "tools", "tool_choice", "thinking", "output_config", "stream"))


@pytest.mark.slow
@given(st.dictionaries(NAMES, JSON, max_size=4))
def test_whatever_a_client_sends_is_read_or_refused(fields: dict[str, object]) -> None:
    with suppress(RequestInvalid, Untranslatable):
        request(**fields)
