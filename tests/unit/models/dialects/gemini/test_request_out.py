"""What a Gemini model is asked with."""

import msgspec
import pytest

from buttress.kernel.catalogue import Model
from buttress.kernel.messages import JsonFormat, Message, ModelRequest, Tool, ToolChoice
from buttress.models.dialects.gemini.request_out import request_body

MODEL = Model(name="big", provider="gemini", id="gemini-3-flash", max_output_tokens=100)
SCHEMA: dict[str, object] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {"a": {"anyOf": [{"type": "string"}, {"type": "null"}]}},
    "additionalProperties": False,
}
PLAIN = ModelRequest(messages=(Message("user", "a"),), max_tokens=None, temperature=None)


def body(request: ModelRequest) -> dict[str, object]:
    """Return what is sent for `request`."""
    return msgspec.json.decode(request_body(MODEL, request), type=dict[str, object])


def asked(**fields: object) -> dict[str, object]:
    """Return what is sent for a plain request with `fields`."""
    return body(msgspec.structs.replace(PLAIN, **fields))


def test_a_plain_request_says_nothing_that_was_not_asked() -> None:
    assert body(PLAIN) == {
        "contents": [{"role": "user", "parts": [{"text": "a"}]}],
        "generationConfig": {"maxOutputTokens": 100},
    }


def test_the_system_stands_apart_and_alone_it_is_asked_as_the_user() -> None:
    sent = asked(messages=(Message("system", "s"), Message("user", "a")))
    assert sent["systemInstruction"] == {"parts": [{"text": "s"}]}
    alone = asked(messages=(Message("system", "s"),))
    assert alone["contents"] == [{"role": "user", "parts": [{"text": "s"}]}]
    assert "systemInstruction" not in alone


@pytest.mark.parametrize(
    ("fields", "config"),
    [
        pytest.param({"max_tokens": 5_000}, {"maxOutputTokens": 100}, id="within what the model gives"),
        pytest.param({"temperature": 0.0}, {"temperature": 0.0}, id="a temperature of nought is one"),
        pytest.param({"top_p": 0.5}, {"topP": 0.5}, id="top_p"),
        pytest.param({"stop": ("x", "y")}, {"stopSequences": ["x", "y"]}, id="stop"),
        pytest.param({"seed": 0}, {"seed": 0}, id="a seed of nought is one"),
        pytest.param(
            {"effort": "low"},
            {"thinkingConfig": {"thinkingLevel": "low", "includeThoughts": True}},
            id="effort",
        ),
        pytest.param(
            {"json": JsonFormat()},
            {"responseMimeType": "application/json", "responseJsonSchema": None},
            id="any JSON",
        ),
        pytest.param(
            {"json": JsonFormat(schema=SCHEMA)},
            {"responseMimeType": "application/json", "responseJsonSchema": SCHEMA},
            id="JSON of a schema, whole",
        ),
    ],
)
def test_generation_config(fields: dict[str, object], config: dict[str, object]) -> None:
    given = {name: value for name, value in config.items() if value is not None}
    assert asked(**fields)["generationConfig"] == {"maxOutputTokens": 100} | given


def test_any_json_schema_may_be_that_of_a_tool() -> None:
    sent = asked(tools=(Tool(name="f", description="d", parameters=SCHEMA), Tool(name="g")))
    declared = [{"name": "f", "description": "d", "parametersJsonSchema": SCHEMA}, {"name": "g"}]
    assert sent["tools"] == [{"functionDeclarations": declared}]


@pytest.mark.parametrize(
    ("choice", "config"),
    [
        (ToolChoice("auto"), {"mode": "AUTO"}),
        (ToolChoice("none"), {"mode": "NONE"}),
        (ToolChoice("required"), {"mode": "ANY"}),
        (ToolChoice("named", "f"), {"mode": "ANY", "allowedFunctionNames": ["f"]}),
    ],
)
def test_tool_choice(choice: ToolChoice, config: dict[str, object]) -> None:
    assert asked(tools=(Tool(name="f"),), tool_choice=choice)["toolConfig"] == {
        "functionCallingConfig": config
    }


def test_one_call_at_a_time_is_for_who_reads_the_answer() -> None:
    tools = (Tool(name="f"),)
    assert asked(tools=tools, parallel_tools=False) == asked(tools=tools)


def test_half_a_character_is_sent_as_a_question_mark() -> None:
    assert asked(messages=(Message("user", "half \ud83d."),))["contents"] == [
        {"role": "user", "parts": [{"text": "half ?."}]}
    ]
