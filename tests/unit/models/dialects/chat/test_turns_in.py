"""The messages of a client's request as turns of ours."""

import msgspec
import pytest

from buttress.kernel.messages import Image, Message, TextPart, Thinking, ToolCall, ToolResult
from buttress.models.dialects.chat.turns_in import Turn, read_turns
from buttress.models.errors import RequestInvalid, Untranslatable

CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
OLD: dict[str, object] = {
    "role": "assistant",
    "content": None,
    "function_call": {"name": "f", "arguments": "{}"},
}


def turns(*messages: dict[str, object]) -> tuple[Message, ...]:
    return read_turns(msgspec.convert(list(messages), list[Turn]))


@pytest.mark.parametrize(
    ("message", "turn"),
    [
        pytest.param({"role": "user", "content": "a"}, Message("user", "a"), id="text"),
        pytest.param({"role": "developer", "content": "a"}, Message("system", "a"), id="the developer"),
        pytest.param({"role": "user", "content": ""}, Message("user", ""), id="empty text"),
        pytest.param(
            {"role": "user", "content": [{"type": "text", "text": "a"}]}, Message("user", "a"), id="one part"
        ),
        pytest.param(
            {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
            Message("user", "a\n\nb"),
            id="several texts do not run together",
        ),
        pytest.param(
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "a"},
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA", "detail": "low"}},
                ],
            },
            Message("user", "a", (TextPart("a"), Image("data:image/png;base64,AA", "low"))),
            id="a picture",
        ),
        pytest.param(
            {"role": "assistant", "content": "a", "tool_calls": [CALL]},
            Message("assistant", "a", (TextPart("a"), ToolCall("c1", "f", '{"a": 1}'))),
            id="text and a call",
        ),
        pytest.param(
            {"role": "assistant", "content": None, "tool_calls": [CALL]},
            Message("assistant", "", (ToolCall("c1", "f", '{"a": 1}'),)),
            id="a call alone",
        ),
        pytest.param({"role": "assistant"}, Message("assistant", ""), id="an assistant that said nothing"),
        pytest.param(
            {"role": "assistant", "content": None, "refusal": "No."},
            Message("assistant", "No."),
            id="a refusal",
        ),
        pytest.param(
            {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]},
            Message("assistant", "No."),
            id="a refusal among the parts",
        ),
        pytest.param(
            {"role": "assistant", "content": "a", "reasoning_content": "h"},
            Message("assistant", "a", (Thinking("h"), TextPart("a"))),
            id="thinking",
        ),
        pytest.param(
            {"role": "tool", "tool_call_id": "c1", "content": "42"},
            Message("tool", "", (ToolResult("c1", "42"),)),
            id="what a tool answered",
        ),
        pytest.param(
            {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "42"}]},
            Message("tool", "", (ToolResult("c1", "42"),)),
            id="the same in parts",
        ),
    ],
)
def test_a_message_is_a_turn(message: dict[str, object], turn: Message) -> None:
    assert turns(message) == (turn,)


def test_functions_of_the_old_style_get_ids() -> None:
    answer: dict[str, object] = {"role": "function", "name": "f", "content": "42"}
    assert turns({"role": "user", "content": "a"}, OLD, answer, OLD, answer)[1:] == (
        Message("assistant", "", (ToolCall("call_1", "f", "{}"),)),
        Message("tool", "", (ToolResult("call_1", "42"),)),
        Message("assistant", "", (ToolCall("call_3", "f", "{}"),)),
        Message("tool", "", (ToolResult("call_3", "42"),)),
    )


@pytest.mark.parametrize(
    ("message", "param"),
    [
        pytest.param({"role": "robot", "content": "a"}, "messages[0].role", id="a role there is not"),
        pytest.param({"role": "user"}, "messages[0].content", id="a user without content"),
        pytest.param({"role": "user", "content": []}, "messages[0].content", id="no parts"),
        pytest.param({"role": "system", "content": None}, "messages[0].content", id="an empty system"),
        pytest.param({"role": "tool", "content": "42"}, "messages[0].tool_call_id", id="an answer to what?"),
        pytest.param(
            {"role": "function", "name": "f", "content": "42"}, "messages[0].name", id="a function not called"
        ),
        pytest.param(
            {"role": "user", "content": [{"type": "text"}]}, "messages[0].content[0].text", id="no text"
        ),
        pytest.param(
            {"role": "user", "content": [{"type": "image_url"}]},
            "messages[0].content[0].image_url",
            id="no picture",
        ),
        pytest.param(
            {"role": "assistant", "tool_calls": [{"id": "c1", "type": "function"}]},
            "messages[0].tool_calls[0].function",
            id="a call of nothing",
        ),
    ],
)
def test_a_wrong_message_is_refused(message: dict[str, object], param: str) -> None:
    with pytest.raises(RequestInvalid) as raised:
        turns(message)
    assert raised.value.data["param"] == param


@pytest.mark.parametrize(
    ("message", "param"),
    [
        pytest.param(
            {"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]},
            "messages[0].content[0]",
            id="speech",
        ),
        pytest.param(
            {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "file"}]},
            "messages[0].content[1]",
            id="a file",
        ),
        pytest.param({"role": "assistant", "audio": {"id": "a"}}, "messages[0].audio", id="earlier speech"),
        pytest.param(
            {"role": "assistant", "tool_calls": [{"id": "c1", "type": "custom"}]},
            "messages[0].tool_calls[0]",
            id="a custom tool",
        ),
    ],
)
def test_what_only_openai_takes_is_not_translated(message: dict[str, object], param: str) -> None:
    with pytest.raises(Untranslatable) as raised:
        turns(message)
    assert raised.value.data["param"] == param
