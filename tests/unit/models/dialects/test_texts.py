"""`models.dialects.texts`."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from buttress.kernel.messages import (
    Image,
    JsonFormat,
    Message,
    ModelRequest,
    TextPart,
    Thinking,
    Tool,
    ToolCall,
    ToolResult,
)
from buttress.models.dialects.texts import told_in_body, told_in_request
from buttress.models.dialects.types import Body

PICTURE = "data:image/png;base64," + "A" * 100_000


def body(**fields: object) -> Body:
    raw = {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in fields.items()}
    return Body(dialect="chat", model="m", fields=raw)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        pytest.param({"messages": [{"role": "user", "content": "Hi?"}]}, "Hi?", id="chat: a message"),
        pytest.param({"system": [{"type": "text", "text": "Be kind."}]}, "Be kind.", id="messages: system"),
        pytest.param({"instructions": "Be kind.", "input": "Hi?"}, "Be kind.\nHi?", id="responses"),
        pytest.param({"user": "u1", "metadata": {"a": "b"}, "stop": ["x"]}, "", id="what no model reads"),
        pytest.param(
            {"messages": [{"content": [{"type": "image_url", "image_url": {"url": PICTURE}}]}]},
            "",
            id="chat: a picture",
        ),
        pytest.param(
            {"input": [{"content": [{"type": "input_image", "image_url": PICTURE}]}]},
            "",
            id="responses: a picture",
        ),
        pytest.param(
            {"messages": [{"content": [{"type": "image", "source": {"type": "base64", "data": PICTURE}}]}]},
            "",
            id="messages: a picture",
        ),
        pytest.param(
            {"messages": [{"tool_calls": [{"id": "c", "function": {"name": "f", "arguments": "{}"}}]}]},
            "f\n{}",
            id="chat: a call",
        ),
        pytest.param(
            {
                "messages": [
                    {"content": [{"type": "tool_use", "id": "c", "name": "f", "input": {"url": "x"}}]}
                ]
            },
            'f\n{"url":"x"}',
            id="messages: a call",
        ),
        pytest.param({"tools": [{"name": "f"}]}, '[{"name":"f"}]', id="tools as they are"),
    ],
)
def test_what_a_body_says(fields: dict[str, object], told: str) -> None:
    assert sorted(told_in_body(body(**fields)).split("\n")) == sorted(told.split("\n"))


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@settings(max_examples=30)
@given(st.dictionaries(st.sampled_from(["messages", "input", "tools", "system", "text"]), JSON))
def test_no_body_is_refused(fields: dict[str, object]) -> None:
    told_in_body(body(**fields))


@pytest.mark.parametrize(
    "raw",
    [pytest.param(b'"\\ud83d"', id="half a pair"), pytest.param(b"[" * 5_000 + b"]" * 5_000, id="deep")],
)
def test_what_cannot_be_read_counts_as_it_is(raw: bytes) -> None:
    asked = Body(dialect="chat", model="m", fields={"messages": msgspec.Raw(raw)})
    assert told_in_body(asked) in (raw.decode(), "")


def test_what_a_request_of_ours_says() -> None:
    parts = (
        TextPart("Look:"),
        Image(PICTURE),
        ToolCall("c", "f", "{}"),
        ToolResult("c", "42"),
        Thinking("hm", "proof"),
    )
    request = ModelRequest(
        messages=(Message("system", "Be kind."), Message("user", "Look:", parts)),
        max_tokens=1,
        tools=(Tool(name="g", description="does", parameters={"type": "object"}),),
        json=JsonFormat(schema={"a": 1}),
    )
    assert told_in_request(request).split() == [
        *("Be", "kind.", "Look:", "f", "{}", "42", "hm", "g", "does", '{"type":"object"}', '{"a":1}')
    ]
