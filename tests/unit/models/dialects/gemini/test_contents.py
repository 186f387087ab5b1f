"""The turns of a conversation as contents."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttress.kernel.catalogue import Model
from buttress.kernel.messages import (
    Image,
    Message,
    TextPart,
    Thinking,
    ToolCall,
    ToolResult,
)
from buttress.models.dialects.gemini.contents import UNPROVEN, contents_of, system_of
from buttress.models.dialects.gemini.reading import read_whole
from buttress.models.dialects.responses.items import Item, turns_of
from buttress.models.dialects.responses.writing import ResponsesWriter
from buttress.models.dialects.signatures import mark
from buttress.models.dialects.types import Told
from buttress.models.errors import RequestInvalid, Untranslatable


def contents(*messages: Message) -> list[dict[str, object]]:
    """Return the contents of `messages` as they are sent."""
    return msgspec.json.decode(msgspec.json.encode(contents_of(messages)), type=list[dict[str, object]])


def said(role: str, *parts: dict[str, object]) -> dict[str, object]:
    """Return a content."""
    return {"role": role, "parts": list(parts)}


def call(name: str, call_id: str, signature: str = "", **args: object) -> dict[str, object]:
    """Return the part of a call."""
    proof: dict[str, object] = {"thoughtSignature": signature} if signature else {}
    return {"functionCall": {"id": call_id, "name": name, "args": args}, **proof}


def result(name: str, call_id: str, **response: object) -> dict[str, object]:
    """Return the part of a result."""
    return {"functionResponse": {"id": call_id, "name": name, "response": response}}


A, B = ToolCall("a", "f", '{"x": 1}'), ToolCall("b", "g", "")
CALLED = Message("assistant", "", (A, B))
ANSWERED = (Message("tool", "1", (ToolResult("a", "1"),)), Message("tool", "2", (ToolResult("b", "2"),)))


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        pytest.param(
            [Message("user", "a"), Message("assistant", "b")],
            [said("user", {"text": "a"}), said("model", {"text": "b"})],
            id="the assistant is the model",
        ),
        pytest.param(
            [Message("user", "a"), Message("user", ""), Message("user", "b")],
            [said("user", {"text": "a"}), said("user", {"text": "b"})],
            id="a turn that says nothing is left out",
        ),
        pytest.param(
            [CALLED, *ANSWERED],
            [
                said("model", call("f", "a", UNPROVEN, x=1), call("g", "b")),
                said("user", result("f", "a", output="1"), result("g", "b", output="2")),
            ],
            id="results of calls made together stand together",
        ),
        pytest.param(
            [Message("assistant", "", (Thinking("hm", mark("sig")), A, B))],
            [said("model", call("f", "a", "sig", x=1), call("g", "b"))],
            id="the first call bears the proof of the thought",
        ),
        pytest.param(
            [Message("assistant", "", (Thinking("hm", "from another"), A))],
            [said("model", call("f", "a", UNPROVEN, x=1))],
            id="a proof of another provider is not sent",
        ),
        pytest.param(
            [Message("assistant", "c", (Thinking("hm", mark("sig")), TextPart("c")))],
            [said("model", {"text": "c"})],
            id="thoughts do not go back as text",
        ),
        pytest.param(
            [CALLED, Message("tool", "no", (ToolResult("a", "no", is_error=True),))],
            [
                said("model", call("f", "a", UNPROVEN, x=1), call("g", "b")),
                said("user", result("f", "a", error="no")),
            ],
            id="a tool that failed",
        ),
        pytest.param(
            [Message("assistant", "", (ToolCall("a", "f", "not json"),))],
            [said("model", call("f", "a", UNPROVEN, arguments="not json"))],
            id="arguments that are no object are told as they were",
        ),
    ],
)
def test_turns(messages: list[Message], expected: list[dict[str, object]]) -> None:
    assert contents(*messages) == expected


@pytest.mark.parametrize(
    ("url", "part"),
    [
        pytest.param(
            "data:image/png;base64,aGk=",
            {"inlineData": {"mimeType": "image/png", "data": "aGk="}},
            id="inline",
        ),
        pytest.param(
            "https://x.example/a.JPG?w=1",
            {"fileData": {"fileUri": "https://x.example/a.JPG?w=1", "mimeType": "image/jpeg"}},
            id="an address",
        ),
        pytest.param(
            "https://x.example/a", {"fileData": {"fileUri": "https://x.example/a"}}, id="of an unknown kind"
        ),
    ],
)
def test_pictures(url: str, part: dict[str, object]) -> None:
    turn = Message("user", "a", (TextPart("a"), Image(url)))
    assert contents(turn) == [said("user", {"text": "a"}, part)]


def test_a_picture_that_is_not_base64_is_refused() -> None:
    with pytest.raises(Untranslatable, match="base64"):
        contents_of([Message("user", "", (Image("data:image/svg+xml,<svg/>"),))])


def test_a_result_of_a_call_that_nobody_made_is_named() -> None:
    with pytest.raises(RequestInvalid, match="'b'"):
        contents_of([Message("assistant", "", (A,)), ANSWERED[1]])


def test_what_the_system_says_is_one_text() -> None:
    messages = [Message("system", "a"), Message("user", "x"), Message("system", ""), Message("system", "b")]
    assert system_of(messages) == "a\n\nb"
    assert contents(*messages) == [said("user", {"text": "x"})]


_TURNS = st.sampled_from([Message("user", "u"), Message("assistant", "m"), Message("user", ""), CALLED])


@given(st.lists(_TURNS, max_size=8))
def test_no_content_is_empty_and_each_turn_of_calls_has_one_proof(turns: list[Message]) -> None:
    told = contents_of(turns)
    assert all(one["parts"] for one in told)
    text = msgspec.json.encode(told).decode()
    assert text.count("thoughtSignature") == turns.count(CALLED)


def test_the_proof_of_a_thought_survives_a_client_of_another_dialect() -> None:
    answer = {
        "candidates": [
            {
                "content": {
                    "parts": [{"functionCall": {"name": "f", "args": {}}, "thoughtSignature": "c2ln"}]
                },
                "finishReason": "STOP",
            }
        ]
    }
    events = read_whole(Model(name="m", provider="gemini"), msgspec.json.encode(answer))
    writer = ResponsesWriter(Told(id="resp_1", created=0, model="m"))
    for event in events:
        writer.write(event)
    turns = turns_of(msgspec.convert(writer.response["output"], list[Item]))
    assert contents(*turns) == [said("model", call("f", "call_0", "c2ln"))]
