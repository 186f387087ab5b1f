"""A client's conversation, from blocks to parts."""

import msgspec
import pytest

from buttress.kernel.messages import (
    Image,
    Message,
    TextPart,
    Thinking,
    ToolCall,
    ToolResult,
)
from buttress.models.dialects.messages.blocks import Turn, messages_of


def text(said: str) -> dict[str, object]:
    """Return a block of text."""
    return {"type": "text", "text": said}


def result(call_id: str, **fields: object) -> dict[str, object]:
    """Return what a tool answered."""
    return {"type": "tool_result", "tool_use_id": call_id, **fields}


PICTURE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}
CALL = {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}}


@pytest.mark.parametrize(
    ("role", "content", "messages"),
    [
        pytest.param("user", "Hi?", [Message("user", "Hi?")], id="text"),
        pytest.param("system", "Be brief.", [Message("system", "Be brief.")], id="the system in the middle"),
        pytest.param("user", [text("a"), text("b")], [Message("user", "a\n\nb")], id="texts become one"),
        pytest.param("user", [], [], id="nothing"),
        pytest.param(
            "user",
            [text("a"), PICTURE, {"type": "image", "source": {"type": "url", "url": "https://x"}}],
            [Message("user", "a", (TextPart("a"), Image("data:image/png;base64,AAAA"), Image("https://x")))],
            id="pictures",
        ),
        pytest.param(
            "assistant",
            [
                {"type": "thinking", "thinking": "hm", "signature": "s"},
                {"type": "redacted_thinking", "data": "x"},
                text("a"),
                CALL,
            ],
            [Message("assistant", "a", (Thinking("hm", "s"), TextPart("a"), ToolCall("a", "f", '{"x":1}')))],
            id="thinking and a call",
        ),
        pytest.param(
            "user",
            [
                result("a", content="1"),
                result("b", content=[text("2"), text("3")], is_error=True),
                text("Go on."),
            ],
            [
                Message("tool", "", (ToolResult("a", "1"),)),
                Message("tool", "", (ToolResult("b", "2\n\n3", is_error=True),)),
                Message("user", "Go on."),
            ],
            id="each result by itself, the text after them apart",
        ),
        pytest.param(
            "user", [result("a")], [Message("tool", "", (ToolResult("a", ""),))], id="an empty result"
        ),
    ],
)
def test_a_turn(role: str, content: object, messages: list[Message]) -> None:
    turn = msgspec.convert({"role": role, "content": content}, Turn) if content == "" else None
    turn = turn or msgspec.json.decode(msgspec.json.encode({"role": role, "content": content}), type=Turn)
    assert list(messages_of([turn])) == messages


def test_arguments_stay_as_they_were_written() -> None:
    sent = b'{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":{"n": 1.00e2 }}]}'
    (message,) = messages_of([msgspec.json.decode(sent, type=Turn)])
    assert message.parts == (ToolCall("a", "f", '{"n": 1.00e2 }'),)
