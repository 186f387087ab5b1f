"""The conversation as an upstream is told it."""

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
from buttress.models.dialects.messages.turns import turns_of
from buttress.models.dialects.signatures import mark
from buttress.models.errors import Untranslatable


def text(said: str) -> dict[str, object]:
    """Return a block of text."""
    return {"type": "text", "text": said}


def called(*calls: ToolCall) -> Message:
    """Return a turn in which a model calls tools."""
    return Message("assistant", "", calls)


CALL = ToolCall("a", "f", '{"x": 1}')
CALL_BLOCK = {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}}


@pytest.mark.parametrize(
    ("messages", "turns"),
    [
        pytest.param([Message("user", "a")], [("user", "a")], id="text"),
        pytest.param(
            [Message("user", "a"), Message("assistant", " "), Message("user", "b")],
            [("user", "a\n\nb")],
            id="a blank turn is none, and those around it are one",
        ),
        pytest.param(
            [called(CALL), Message("tool", "", (ToolResult("a", "1"),)), Message("user", "Go on.")],
            [
                ("assistant", [CALL_BLOCK]),
                ("user", [{"type": "tool_result", "tool_use_id": "a", "content": "1"}, text("Go on.")]),
            ],
            id="what a tool returned is said by the user, with the text after it",
        ),
        pytest.param(
            [Message("user", "Wait."), Message("tool", "", (ToolResult("a", "", is_error=True),))],
            [("user", [{"type": "tool_result", "tool_use_id": "a", "is_error": True}, text("Wait.")])],
            id="and before the text in front of it",
        ),
        pytest.param(
            [Message("tool", "1")], [("user", "1")], id="a tool's text without the id of a call is the user's"
        ),
        pytest.param(
            [Message("assistant", "a", (Thinking("hm", "s"), TextPart("a"), Thinking("so", "t"), CALL))],
            [
                (
                    "assistant",
                    [
                        {"type": "thinking", "thinking": "hm", "signature": "s"},
                        text("a"),
                        {"type": "thinking", "thinking": "so", "signature": "t"},
                        CALL_BLOCK,
                    ],
                )
            ],
            id="thinking that is signed stays where it was",
        ),
        pytest.param(
            [Message("assistant", "a", (Thinking("hm"), TextPart("a"))), Message("user", "b")],
            [("assistant", "a"), ("user", "b")],
            id="thinking that nobody signed is left out",
        ),
        pytest.param(
            [Message("assistant", "a", (Thinking("hm", mark("s")), TextPart("a"))), Message("user", "b")],
            [("assistant", "a"), ("user", "b")],
            id="thinking that Gemini signed is left out",
        ),
        pytest.param(
            [
                Message(
                    "user",
                    "",
                    (Image("https://x/y.png"), Image("data:image/png;base64,AAAA", "low"), TextPart(" ")),
                )
            ],
            [
                (
                    "user",
                    [
                        {"type": "image", "source": {"type": "url", "url": "https://x/y.png"}},
                        {
                            "type": "image",
                            "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"},
                        },
                    ],
                )
            ],
            id="pictures",
        ),
        pytest.param(
            [Message("user", "a"), Message("assistant", "So: ")],
            [("user", "a"), ("assistant", "So:")],
            id="an answer that is to go on ends without blanks",
        ),
        pytest.param([Message("user", " ")], [], id="nothing"),
    ],
)
def test_turns(messages: list[Message], turns: list[tuple[str, object]]) -> None:
    sent = msgspec.json.decode(msgspec.json.encode(turns_of(messages)))
    assert sent == [{"role": role, "content": content} for role, content in turns]


@pytest.mark.parametrize(
    ("arguments", "input_"),
    [
        pytest.param("", {}, id="none"),
        pytest.param('{"a": 1}', {"a": 1}, id="an object"),
        pytest.param("[1]", {"arguments": "[1]"}, id="a list"),
        pytest.param('{"a": ', {"arguments": '{"a": '}, id="cut off"),
    ],
)
def test_arguments_that_are_no_object_do_not_break_a_conversation(arguments: str, input_: object) -> None:
    (turn,) = msgspec.json.decode(msgspec.json.encode(turns_of([called(ToolCall("a", "f", arguments))])))
    assert turn["content"][0]["input"] == input_


def test_an_id_of_another_model_is_put_in_characters_that_are_taken() -> None:
    said = [
        called(ToolCall("functions.f:0", "f", "{}")),
        Message("tool", "", (ToolResult("functions.f:0", "1"),)),
    ]
    call, result = msgspec.json.decode(msgspec.json.encode(turns_of(said)))
    assert call["content"][0]["id"] == result["content"][0]["tool_use_id"] == "functions_f_0"


@pytest.mark.parametrize("url", ["gs://bucket/x.png", "data:image/png,AAAA", "file:///etc/passwd", ""])
def test_a_picture_that_cannot_be_given_is_refused(url: str) -> None:
    with pytest.raises(Untranslatable, match="a picture at"):
        turns_of([Message("user", "", (Image(url),))])
