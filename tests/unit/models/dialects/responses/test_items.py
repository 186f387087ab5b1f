"""The items of `input` as turns."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.kernel.errors import ButtressError
from buttress.kernel.messages import Image, Message, TextPart, Thinking, ToolCall, ToolResult
from buttress.models.dialects.responses.items import Item, turns_of
from buttress.models.errors import RequestInvalid, StateUnsupported, Untranslatable

CALL = {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "f", "arguments": "{}"}
RESULT = {"type": "function_call_output", "call_id": "c", "output": "42"}
THOUGHT = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "hm"}]}
PICTURE = {"type": "input_image", "image_url": "https://x.example/a.png", "detail": "low"}


def turns(*items: object) -> list[Message]:
    """Return the turns of `items`, written as JSON."""
    return turns_of(msgspec.convert(items, list[Item]))


def said(role: str, content: object, **more: object) -> dict[str, object]:
    """Return a message."""
    return {"type": "message", "role": role, "content": content, **more}


def text(kind: str, said: str) -> dict[str, object]:
    """Return a part of a message."""
    return {"type": kind, "text": said}


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        pytest.param([{"role": "user", "content": "a"}], [Message("user", "a")], id="without a type"),
        pytest.param([said("developer", "a")], [Message("system", "a")], id="a developer is the system"),
        pytest.param(
            [said("user", [text("input_text", "a"), text("input_text", "b")])],
            [Message("user", "ab")],
            id="nothing but text has no parts",
        ),
        pytest.param(
            [said("user", [text("input_text", "a"), PICTURE])],
            [Message("user", "a", (TextPart("a"), Image("https://x.example/a.png", "low")))],
            id="a picture among text",
        ),
        pytest.param(
            [said("assistant", [text("output_text", "a")], id="msg_1", status="completed")],
            [Message("assistant", "a")],
            id="what an earlier answer said",
        ),
        pytest.param(
            [said("assistant", [{"type": "refusal", "refusal": "no"}])],
            [Message("assistant", "no")],
            id="what an earlier answer refused",
        ),
        pytest.param(
            [said("user", "a"), THOUGHT, CALL, CALL | {"call_id": "d"}, RESULT, RESULT | {"call_id": "d"}],
            [
                Message("user", "a"),
                Message(
                    "assistant", "", (Thinking("hm"), ToolCall("c", "f", "{}"), ToolCall("d", "f", "{}"))
                ),
                Message("tool", "42", (ToolResult("c", "42"),)),
                Message("tool", "42", (ToolResult("d", "42"),)),
            ],
            id="thinking and calls are one turn, results one each",
        ),
        pytest.param(
            [THOUGHT | {"encrypted_content": "sig"}, said("assistant", "a")],
            [Message("assistant", "a", (Thinking("hm", "sig"), TextPart("a")))],
            id="the proof of a thought goes back",
        ),
        pytest.param(
            [
                THOUGHT | {"content": [{"type": "reasoning_text", "text": "all of it"}]},
                said("assistant", "a"),
            ],
            [Message("assistant", "a", (Thinking("all of it"), TextPart("a")))],
            id="a whole thought counts before its summary",
        ),
        pytest.param([said("user", "a"), THOUGHT], [Message("user", "a")], id="a thought that leads nowhere"),
        pytest.param(
            [said("assistant", "a"), said("assistant", "b")],
            [Message("assistant", "a\n\nb")],
            id="two messages of the assistant are one turn",
        ),
        pytest.param(
            [said("user", "a"), said("user", "b")],
            [Message("user", "a"), Message("user", "b")],
            id="two of the user stay two",
        ),
        pytest.param(
            [RESULT | {"output": [text("input_text", "4"), text("input_text", "2")]}],
            [Message("tool", "42", (ToolResult("c", "42"),))],
            id="a result in parts",
        ),
        pytest.param(
            [RESULT | {"output": ""}], [Message("tool", "", (ToolResult("c", ""),))], id="an empty result"
        ),
    ],
)
def test_items_become_turns(items: list[object], expected: list[Message]) -> None:
    assert turns(*items) == expected


@pytest.mark.parametrize(
    ("item", "kind", "param"),
    [
        pytest.param({"role": "robot", "content": "a"}, RequestInvalid, "input[0].role", id="a role"),
        pytest.param({"content": "a"}, RequestInvalid, "input[0].role", id="no role"),
        pytest.param({"role": "user"}, RequestInvalid, "input[0].content", id="no content"),
        pytest.param(
            said("user", [{"type": "input_text"}]), RequestInvalid, "input[0].content[0].text", id="no text"
        ),
        pytest.param(
            {"type": "function_call", "call_id": "c", "name": "f"},
            RequestInvalid,
            "input[0].arguments",
            id="a call without arguments",
        ),
        pytest.param(
            {"type": "function_call_output", "output": "x"}, RequestInvalid, "input[0].call_id", id="no call"
        ),
        pytest.param(
            {"type": "function_call_output", "call_id": "c"},
            RequestInvalid,
            "input[0].output",
            id="no output",
        ),
        pytest.param({"type": "item_reference", "id": "x"}, StateUnsupported, "input[0]", id="a reference"),
        pytest.param({"type": "mcp_call"}, Untranslatable, "input[0].type", id="an item of OpenAI's own"),
        pytest.param(
            said("user", [{"type": "input_file", "file_id": "f"}]),
            Untranslatable,
            "input[0].content[0].type",
            id="a file",
        ),
        pytest.param(
            said("user", [{"type": "input_image", "file_id": "f"}]),
            Untranslatable,
            "input[0].content[0].image_url",
            id="a picture that OpenAI has",
        ),
        pytest.param(
            RESULT | {"output": [PICTURE]},
            Untranslatable,
            "input[0].output[0].type",
            id="a picture as result",
        ),
    ],
)
def test_what_is_no_turn_is_named(item: object, kind: type[ButtressError], param: str) -> None:
    with pytest.raises(kind) as raised:
        turns(item)
    assert raised.value.data == {"param": param}
    assert param.split(".", maxsplit=1)[0] in raised.value.message


_ITEMS = st.sampled_from(
    [said("user", "u1"), said("assistant", "a1"), said("system", "s1"), CALL, RESULT, THOUGHT]
)


@given(st.lists(_ITEMS, max_size=12))
def test_no_call_result_or_text_is_lost(items: list[dict[str, object]]) -> None:
    told = turns(*items)
    parts = [part for one in told for part in one.parts]
    kinds = [item["type"] for item in items]
    assert sum(isinstance(part, ToolCall) for part in parts) == kinds.count("function_call")
    assert sum(isinstance(part, ToolResult) for part in parts) == kinds.count("function_call_output")
    texts = "".join(one.content for one in told)
    for item in items:
        if item["type"] == "message":
            expected = sum(item["content"] == other.get("content") for other in items)
            assert texts.count(str(item["content"])) == expected
